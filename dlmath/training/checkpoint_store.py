"""The checkpoints that a run keeps, and the newest good one among them.

    checkpoints/  epoch-00002-step-000040.checkpoint   the last two: the state of the training
                  best-00001.checkpoint                the weights of the best epochs these name

The best epoch's file is written before the checkpoint that names it and removed after the last
one that does, so every checkpoint that is there can be gone on from. A file that cannot be read
is set aside as `*.damaged`, never deleted. Once the run is finished, its checkpoints are removed.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dlmath.errors import RunError
from dlmath.training import checkpoints
from dlmath.training.checkpoints import Checkpoint
from dlmath.training.loop import Position

KEPT = 2

_STATE = re.compile(r"epoch-(\d+)-step-(\d+)\.checkpoint")
_BEST = re.compile(r"best-(\d+)\.checkpoint")


class Restored(NamedTuple):
    """A checkpoint, and the best epoch's weights that it names, if there is one yet."""

    state: Checkpoint
    best: Checkpoint | None


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: Holds nothing else. It is made with the first checkpoint.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, state: Checkpoint, position: Position) -> None:
        """Write a checkpoint, then remove those that are not needed any more.

        On a disk without room the older of the two goes first: one good one is always there.

        Args:
            state: Its `meta["best_epoch"]` is that of the best checkpoint that was saved, or None.
            position: Where the training is.

        Raises:
            OSError: It could not be written. What was there before is still there.
        """
        self._write(state, self._state_path(position))
        self._remove_old()

    def save_best(self, best: Checkpoint) -> None:
        """Write the weights of the best epoch, `meta["epoch"]`.

        Raises:
            OSError: It could not be written. What was there before is still there.
        """
        self._write(best, self._best_path(best.meta["epoch"]))

    def newest(self, say: Callable[[str], object]) -> Restored | None:
        """Return the newest checkpoint that can be read, or None where there is none.

        What is newer is set aside, so that the training takes up from there.

        Args:
            say: Receives which are damaged.

        Raises:
            RunError: None of those that are there can be read.
        """
        damaged: list[RunError] = []
        for position, path in reversed(self._states()):
            try:
                restored = self._load(path)
            except RunError as error:
                damaged.append(error)
                continue
            for one in damaged:
                say(f"Warning: {one} It is set aside.")
            if damaged:
                say(f"Going on from the checkpoint before: {_in_words(position)}.")
            self._set_aside_after(position, restored)
            return restored
        if damaged:
            raise RunError(
                f"{' '.join(str(error) for error in damaged)} There is no other to go on from. "
                "Restore them from a backup; or begin the training again at its beginning, on the "
                f"same data and recipe: remove {self.folder} and resume."
            )
        return None

    def clear(self) -> int:
        """Remove the checkpoints, and return the bytes freed: a finished training is at its end.

        What a run began with (`start.checkpoint`) and what was set aside as damaged stays.
        """
        freed = 0
        for path in [path for _, path in (*self._states(), *self._bests())]:
            with suppress(OSError):  # what is left does no harm
                size = path.stat().st_size
                path.unlink()
                freed += size
        with suppress(OSError):  # it holds something else, or is not there
            self.folder.rmdir()
        return freed

    def saved_until(self) -> str:
        """Return how far the training is saved, in words."""
        states = self._states()
        if not states:
            return "Nothing was saved yet"
        return f"Everything up to {_in_words(states[-1][0])} is saved"

    def _load(self, path: Path) -> Restored:
        state = checkpoints.load(path)
        epoch = state.meta.get("best_epoch")
        return Restored(state, None if epoch is None else checkpoints.load(self._best_path(epoch)))

    def _write(self, checkpoint: Checkpoint, path: Path) -> None:
        try:
            checkpoints.save(checkpoint, path)
        except OSError:
            states = self._states()
            if len(states) < KEPT:
                raise
            states[0][1].unlink()
            checkpoints.save(checkpoint, path)

    def _remove_old(self) -> None:
        # Between two checkpoints the best epoch changes once at most: the last two are named.
        for files in (self._states(), self._bests()):
            for _, path in files[:-KEPT]:
                with suppress(OSError):  # one more file than needed does no harm
                    path.unlink()

    def _set_aside_after(self, position: Position, restored: Restored) -> None:
        best = -1 if restored.best is None else restored.best.meta["epoch"]
        later = [path for other, path in self._states() if other > position]
        later += [path for epoch, path in self._bests() if epoch > best]
        for path in later:
            path.replace(path.with_name(f"{path.name}.damaged"))

    def _states(self) -> list[tuple[Position, Path]]:
        found = ((_STATE.fullmatch(path.name), path) for path in self._files())
        return sorted((Position(int(m[1]), int(m[2])), path) for m, path in found if m)

    def _bests(self) -> list[tuple[int, Path]]:
        found = ((_BEST.fullmatch(path.name), path) for path in self._files())
        return sorted((int(m[1]), path) for m, path in found if m)

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def _state_path(self, position: Position) -> Path:
        return self.folder / f"epoch-{position.epoch:05d}-step-{position.step:06d}.checkpoint"

    def _best_path(self, epoch: int) -> Path:
        return self.folder / f"best-{epoch:05d}.checkpoint"


def _in_words(position: Position) -> str:
    return f"epoch {position.epoch + 1}, step {position.step}"
