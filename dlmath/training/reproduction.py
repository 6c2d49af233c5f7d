"""Train a finished run again from its record, and compare the two runs.

The test part stays closed: where the two models are the same bit for bit, so are their metrics on
any images, and where they are not, another look at the test part would settle nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from dlmath import models
from dlmath.errors import RunError
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, write_json
from dlmath.terminal_text import quoted
from dlmath.training.context import TrainingContext
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.new_run import train_prepared
from dlmath.training.preparation import Data, prepare_again
from dlmath.training.resumed_run import resume
from dlmath.training.signals import stop_request

# What the last bits of a result depend on, next to the recipe and the data.
CONDITIONS = ("versions", "platform", "threads", "device", "preprocessing")
# Entries of the manifest that must come out the same, the file of initial weights first.
RESULTS = ("weights_file", "best", "threshold", "calibration", "head")


@dataclass(frozen=True)
class Comparison:
    """One value of both runs.

    Attributes:
        name: The name of the value.
        recorded: The value in the original run.
        found: The value in the new run.
        same: Whether the two are equal; for numbers, to the last bit.
    """

    name: str
    recorded: Any
    found: Any
    same: bool

    @classmethod
    def of(cls, name: str, recorded: Any, found: Any) -> Self:
        """Compare two values for equality."""
        return cls(name, recorded, found, recorded == found)


@dataclass(frozen=True)
class Reproduction:
    """A run, the run that was trained from its record, and the comparison of both.

    Attributes:
        original: The original run.
        run: The new run.
        conditions: Versions, hardware and threads. Where they differ, last bits may differ too.
        results: Data, split, history, metrics and weights, which have to be the same.
        largest_difference: The largest difference of a weight between the two models.
    """

    original: Run
    run: Run
    conditions: tuple[Comparison, ...]
    results: tuple[Comparison, ...]
    largest_difference: float

    @property
    def is_same(self) -> bool:
        """Return whether every result is the same, bit for bit."""
        return all(result.same for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """Return the content of the new run's `reproduction.json`."""
        return {
            "original": self.original.name,
            "run": self.run.name,
            "same": self.is_same,
            "largest_difference": self.largest_difference,
            "conditions": [asdict(comparison) for comparison in self.conditions],
            "results": [asdict(comparison) for comparison in self.results],
        }


def reproduce(
    run: Run | str | Path,
    data: Data = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    strategy: str = "auto",
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
) -> Reproduction:
    """Train a finished run again from its recipe and its split, and compare the two.

    Interrupted, the same call goes on. The comparison is kept in the new run's
    `reproduction.json`.

    Args:
        run: The run, its folder, or its name under `runs/`.
        data: Where the data lies now, if it was moved.
        out: The folder of the new run; by default next to the old one, with `-reproduced` added to
            its name.
        device: As in `train`.
        strategy: As in `train`.
        reporter: Receives the progress.
        command: The command that the new manifest records.

    Raises:
        RunError: The run is not finished, or `out` holds something else.
        DataError: The data are gone, or not those that the run was made with.
    """
    original = run if isinstance(run, Run) else Run.find(run)
    if not original.is_finished:
        raise RunError(
            f"Only a finished run can be reproduced, and {original.folder} is not. Go on with it: "
            f"dlmath train --resume {quoted(original.folder)}"
        )
    folder = Path(out) if out is not None else _next_to(original)
    again = _unfinished(original, folder)
    if again is not None:
        again = resume(again, data, device=device, strategy=strategy, reporter=reporter)
    else:
        Run.check_unoccupied(folder)
        threads, chosen = pin_threads(), choose_device(device, strategy)
        prepared = prepare_again(original, data, reporter)
        with stop_request() as stop:
            context = TrainingContext(
                chosen, threads, reporter=reporter, stop=stop, command=command
            )
            again = train_prepared(prepared, folder, context)
    found = compare(original, again)
    write_json(again.folder / "reproduction.json", found.as_json())
    return found


def compare(original: Run, again: Run) -> Reproduction:
    """Compare two finished runs of one recipe."""
    recorded, found = original.manifest, again.manifest
    weights = [_weights(run) for run in (original, again)]
    results = [
        Comparison.of("recipe", _sha256(original.recipe_path), _sha256(again.recipe_path)),
        *(
            Comparison.of(f"{name} sha256", recorded[name]["sha256"], found[name]["sha256"])
            for name in ("data", "split")
        ),
        Comparison.of("history", _sha256(original.history_path), _sha256(again.history_path)),
        *(
            Comparison.of(name, recorded.get(name), found.get(name))
            for name in RESULTS
            if recorded.get(name) is not None or found.get(name) is not None
        ),
        Comparison.of("weights sha256", *map(_weights_sha256, weights)),
    ]
    return Reproduction(
        original,
        again,
        tuple(Comparison.of(name, recorded.get(name), found.get(name)) for name in CONDITIONS),
        tuple(results),
        _largest_difference(*weights),
    )


def _next_to(run: Run) -> Path:
    return run.folder.resolve().with_name(f"{run.name}-reproduced")


def _unfinished(original: Run, folder: Path) -> Run | None:
    """Return the interrupted reproduction of `original` in `folder`, if that is what it holds."""
    run = Run(folder)
    if not run.manifest_path.is_file() or run.is_finished:
        return None
    same = run.recipe == original.recipe and (
        run.manifest["split"]["sha256"] == original.manifest["split"]["sha256"]
    )
    return run if same else None


def _weights(run: Run) -> list[np.ndarray]:
    return [np.asarray(array) for array in models.load(run).get_weights()]


def _weights_sha256(weights: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in weights:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _largest_difference(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
    pairs = zip(first, second, strict=True)
    return max(float(np.abs(a.astype(float) - b.astype(float)).max(initial=0)) for a, b in pairs)


def _sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file; None where it is missing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
