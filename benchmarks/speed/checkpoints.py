"""What a checkpoint costs: against Keras's own ways of saving, and of an epoch.

    python benchmarks/speed/checkpoints.py

"ours" is all that resuming needs, written through to the disk (fsync) and renamed into place:
weights, optimizer, metrics and the callbacks' state. "save_weights" is Keras's file of the same
weights and optimizer, "keras" its whole `.keras` file; neither is flushed to the disk nor replaced
at once. "save_weights, flushed" has an fsync after it, for a like comparison. All take turns, since
other work on the machine would otherwise fall on one of them. An epoch is measured by the step, on
noise, and taken for as many images as the training parts of the data sets in use have. Writes
`benchmarks/results/checkpoints.json`.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dlmath import models
from dlmath.models import other_recipe
from dlmath.training.checkpoint_manager import CheckpointManager
from dlmath.training.checkpoint_schedule import SHARE, CheckpointSchedule, Interval
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.devices import pin_threads
from dlmath.training.loop import Position
from dlmath.training.optimizer import compile_for_training

RESULT = Path(__file__).parents[1] / "results" / "checkpoints.json"
REPEATS, STEPS = 15, 5
# Images of the training part: 70 % of 5,416 cells, 85 % of the 4,984 radiographs left in train.
CASES = {
    "malaria CNN": ("malaria", {}, 3_800),
    "Lite0, tail": ("pneumonia", {"backbone": "efficientnet_lite0", "tune": "tail"}, 4_240),
    "Lite0, all": ("pneumonia", {"backbone": "efficientnet_lite0", "tune": "all"}, 4_240),
}


class Standing:
    """A loop that stands at a position, for the manager."""

    def __init__(self) -> None:
        self.position = Position()

    def state(self) -> dict[str, Any]:
        return {"epoch": self.position.epoch, "step": self.position.step, "callbacks": {}}


def main() -> None:
    pin_threads()
    cases = {name: measure(*case) for name, case in CASES.items()}
    RESULT.write_text(
        json.dumps(
            {
                "command": "python benchmarks/speed/checkpoints.py",
                "cores": len(os.sched_getaffinity(0)),
                "repeats": REPEATS,
                "share_allowed": SHARE,
                "cases": cases,
            },
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )


def measure(task: str, settings: dict[str, Any], images: int) -> dict[str, Any]:
    recipe = other_recipe(task, "paper").replace(
        **{"classes": ("a", "b"), "positive_class": "a", "weights": "none", **settings}
    )
    model = models.build(recipe)
    training_model = compile_for_training(model, recipe, steps_per_epoch=100)
    step = seconds_of_a_step(training_model, recipe.batch_size, recipe.image_size)
    with tempfile.TemporaryDirectory() as folder:
        seconds, sizes = save_in_turns(training_model, model, Path(folder))
    epoch = step * (images // recipe.batch_size)
    ours = statistics.median(seconds["ours"])
    result = {
        "task": task,
        **settings,
        "bytes": sizes,
        "milliseconds": {
            name: round(1000 * statistics.median(times), 2) for name, times in seconds.items()
        },
        "ratio_to": {
            name: round(ratio(seconds["ours"], times), 3)
            for name, times in seconds.items()
            if name != "ours"
        },
        "step_milliseconds": round(1000 * step, 1),
        "share_of_an_epoch_of_one_each": round(ours / (ours + epoch), 6),
        "seconds_between_two_at_the_allowed_share": round(ours / SHARE, 2),
    }
    print(json.dumps(result))
    return result


def seconds_of_a_step(model: Any, batch_size: int, size: int) -> float:
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (batch_size, size, size, 3)).astype(np.float32)
    labels = np.eye(2, dtype=np.float32)[rng.integers(0, 2, batch_size)]
    seconds = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        model.train_on_batch(images, labels)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])  # the first one compiles


def save_in_turns(
    training_model: Any, model: Any, folder: Path
) -> tuple[dict[str, list[float]], dict[str, int]]:
    loop = Standing()
    store = CheckpointStore(folder / "ours")
    manager = CheckpointManager(store, training_model, model, CheckpointSchedule(Interval()))
    weights, whole = folder / "w.weights.h5", folder / "m.keras"

    def ours() -> None:
        loop.position = Position(0, loop.position.step + 1)
        manager.save(loop)  # type: ignore[arg-type]

    def flushed() -> None:
        training_model.save_weights(weights)
        with weights.open("rb") as file:
            os.fsync(file.fileno())

    ways: dict[str, Callable[[], object]] = {
        "ours": ours,
        "save_weights": lambda: training_model.save_weights(weights),
        "save_weights, flushed": flushed,
        "keras": lambda: training_model.save(whole),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(REPEATS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    newest = max((folder / "ours").iterdir(), key=lambda path: path.name)
    return seconds, {
        "ours": newest.stat().st_size,
        "save_weights": weights.stat().st_size,
        "keras": whole.stat().st_size,
    }


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios of neighbouring turns."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    main()
