"""Trainings that are killed, and what is left of them.

Used by tests and by benchmarks/trials/crashes.py.
"""

import contextlib
import errno
import io
import os
import signal
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import h5py
import numpy as np

import dlmath
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import checkpoint_schedule, resume
from dlmath.training.checkpoint_manager import CheckpointManager
from dlmath.training.checkpoint_schedule import CheckpointSchedule, Interval
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.loop import Position

# What of a manifest must come out the same, however often the training was interrupted.
DECIDED = ("best", "threshold", "calibration", "abstention", "ood_score", "light", "head")


# --- trainings -------------------------------------------------------------------------------


def train(folder: str, images: str, recipe: dict[str, Any], every: str | None = "1steps") -> None:
    """Train, or go on with what is in `folder`, saving as often as asked whatever it costs."""
    checkpoint_schedule.SHARE = 1.0
    _go_on(Run(Path(folder)), images, Recipe(**recipe), every, Reporter())


def train_until_killed(
    folder: str, images: str, recipe: dict[str, Any], seconds: float, every: str | None = "1steps"
) -> None:
    """As `train`, but killed so many seconds after the first progress of an epoch.

    By an alarm that nobody handles, which ends a process as `kill -9` does: at once, wherever it
    is, with nothing run any more.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

    class Arms(Reporter):
        armed = False

        def progress(self, task: str, done: int, total: int, note: str = "") -> None:
            if not self.armed and task.startswith("epoch"):
                self.armed = True
                signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-4))

    checkpoint_schedule.SHARE = 1.0
    _go_on(Run(Path(folder)), images, Recipe(**recipe), every, Arms())


def _go_on(run: Run, images: str, recipe: Recipe, every: str | None, reporter: Reporter) -> None:
    if run.is_finished:
        return
    saving = {} if every is None else {"checkpoint_every": every}
    with keeping_checkpoints():
        if run.manifest_path.is_file():
            resume(run, reporter=reporter, **saving)
        else:
            dlmath.train(recipe, Path(images), out=run.folder, reporter=reporter, **saving)


@contextlib.contextmanager
def keeping_checkpoints() -> Iterator[None]:
    """Let finished runs keep their checkpoints, by which `result` compares the whole state."""
    with mock.patch.object(CheckpointStore, "clear", return_value=0):
        yield


def result(run: Run) -> dict[str, bytes | str]:
    """Return all that a training gave, by name, for comparison to the last bit."""
    found: dict[str, bytes | str] = {
        "history": run.history_path.read_bytes(),
        "split": run.split_path.read_bytes(),
    }
    found |= {f"manifest {name}": repr(run.manifest.get(name)) for name in DECIDED}
    found |= {f"weights {name}": value for name, value in _weights(run.model_path)}
    for path in sorted((run.folder / "light").glob("*")):
        found[f"light {path.name}"] = path.read_bytes()
    newest = CheckpointStore(run.checkpoints).newest(lambda message: None)
    if newest is None:  # a head that was solved, or a run that did not keep them
        return found
    found |= {f"state {name}": array.tobytes() for name, array in newest.state.arrays.items()}
    callbacks = {k: v for k, v in newest.state.meta["callbacks"].items() if k != "Progress"}
    found["state meta"] = repr({**newest.state.meta, "callbacks": callbacks})
    return found


def _weights(path: Path) -> Iterator[tuple[str, bytes]]:
    """Return the arrays of a .keras file; the file itself holds the date."""
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    arrays: list[tuple[str, bytes]] = []
    with h5py.File(content) as file:
        file.visititems(
            lambda name, item: (
                arrays.append((name, item[()].tobytes()))
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return iter(arrays)


_FSYNC = os.fsync


# --- faults at every step of a checkpoint ----------------------------------------------------


class Faults:
    """Fails or kills at one point of all that writing, renaming and removing files passes.

    Args:
        at: The number of the point, from 0; there are two for each operation: before and after.
        act: What happens there.
    """

    def __init__(self, at: int | None, act: Callable[[], None]):
        self.at = at
        self.act = act
        self.passed = 0

    def point(self) -> None:
        """Pass a point."""
        self.passed += 1
        if self.at is not None and self.passed == self.at + 1:
            self.act()

    def between(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` with a point before and one after it."""

        def shimmed(*arguments: Any, **options: Any) -> Any:
            named = any("checkpoint" in str(a) for a in (*arguments, *options.values()))
            if function is not _FSYNC and not named:
                return function(*arguments, **options)  # Python's own, of a file of byte code
            self.point()
            value = function(*arguments, **options)
            self.point()
            return value

        return shimmed

    def write(self, path: Path, data: bytes) -> None:
        """Write in two parts, since a real write may stop anywhere."""
        with path.open("wb") as file:
            for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                self.point()
                file.write(part)
                file.flush()
        self.point()

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Put the points into the functions that checkpoints are written with."""
        places = ((os, "fsync"), (os, "replace"), (os, "unlink"), (tempfile, "mkstemp"))
        with contextlib.ExitStack() as stack:
            for module, name in places:
                shimmed = self.between(getattr(module, name))
                stack.enter_context(mock.patch.object(module, name, shimmed))
            # A function, since an attribute of Path must become a method.
            stack.enter_context(
                mock.patch.object(Path, "write_bytes", lambda *given: self.write(*given))
            )
            yield


def full_disk() -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing_disk() -> None:
    """Fail as a broken disk does."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def power_cut() -> None:
    """End the process with nothing run any more."""
    os._exit(9)


class Number:
    """An array that is assigned to as a Keras variable is."""

    def __init__(self, value: np.ndarray):
        self.value = value
        self.shape = value.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.value

    def assign(self, value: np.ndarray) -> None:
        """Take a value."""
        self.value = np.array(value)


class FakeTraining:
    """Saves as a training does, with a chaotic number in the place of its weights.

    The logistic map doubles any difference with each step, so that two runs end alike only if
    each step was made once, from the right number.
    """

    EPOCHS, STEPS = 3, 2

    def __init__(self, folder: Path):
        self.weight = Number(np.array([0.3, 0.7]))
        self.scores: list[float] = []
        self.position = Position()
        optimizer = SimpleNamespace(variables=[], use_ema=False)
        model = SimpleNamespace(
            variables=[self.weight],
            trainable_variables=[self.weight],
            optimizer=optimizer,
            metrics_variables=[],
        )
        self.manager = CheckpointManager(
            CheckpointStore(folder), model, model, CheckpointSchedule(Interval(steps=1))
        )
        self.best_score = -1.0

    def state(self) -> dict[str, Any]:
        """Return what a loop would."""
        return {"at": self.position.__dict__, "scores": self.scores, "best": self.best_score}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.position = Position(**state["at"])
        self.scores, self.best_score = list(state["scores"]), state["best"]

    def run(self) -> tuple[bytes, list[float], bytes, int]:
        """Go on to the end; return the weight, the scores, the best weight and its epoch."""
        self.manager.restore(self, lambda message: None)
        while self.position.epoch < self.EPOCHS:
            for step in range(self.position.step, self.STEPS):
                self.weight.assign(3.99 * self.weight.value * (1 - self.weight.value))
                self.position = Position(self.position.epoch, step + 1)
                self.manager.save(self)
            self._end_epoch()
        best = self.manager.best
        return (
            self.weight.value.tobytes(),
            self.scores,
            best.arrays["model/0"].tobytes(),
            best.meta["epoch"],
        )

    def _end_epoch(self) -> None:
        epoch, score = self.position.epoch, float(self.weight.value[0])
        self.scores.append(score)
        self.position = Position(epoch + 1, 0)
        if score > self.best_score:
            self.best_score = score
            self.manager.keep_best(epoch, {"val_auc": score})
        self.manager.save(self)


def fake_training(folder: str, killed_at: int) -> None:
    """Train falsely, and be killed at a point."""
    with Faults(killed_at, power_cut).in_force():
        FakeTraining(Path(folder)).run()
