"""Save the state of a training in checkpoints, and restore it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from dlmath.errors import DivergedError
from dlmath.training import checkpoints
from dlmath.training.checkpoint_schedule import CheckpointSchedule
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.checkpoints import Checkpoint
from dlmath.training.loop import Loop, Position
from dlmath.training.optimizer import averaged_weights

SCORES = ("val_auc", "stress_auc", "corrupted_auc")  # kept of the best epoch, where measured


def _scores(logs: Mapping[str, float]) -> dict[str, float]:
    return {name: logs[name] for name in SCORES if name in logs}


class CheckpointManager:
    """Saves everything that decides how a training goes on, and the weights of its best epoch.

    Args:
        store: The checkpoint files of the run.
        training_model: The compiled model, with its optimizer built.
        model: The classifier that shares the variables of the training model.
        schedule: Measures the cost of each checkpoint.

    Attributes:
        best: The weights of the best epoch so far, with which it was validated.
    """

    def __init__(
        self,
        store: CheckpointStore,
        training_model: keras.Model,
        model: keras.Model,
        schedule: CheckpointSchedule,
    ):
        self.store = store
        self.training_model = training_model
        self.model = model
        self.schedule = schedule
        self.best: Checkpoint | None = None
        self._saved_best: int | None = None  # its epoch
        self._saved_at: Position | None = None

    def keep_best(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Keep the weights as they are now; the next checkpoint is saved with them."""
        with averaged_weights(self.training_model):
            arrays = checkpoints.collect({"model": self.model.variables})
            copies = {name: np.array(array) for name, array in arrays.items()}
        self.best = Checkpoint(copies, {"epoch": epoch, **_scores(logs)})

    def save(self, loop: Loop) -> None:
        """Write a checkpoint of the current state, unless there is one.

        Raises:
            DivergedError: A number in the state is not finite. Nothing is written then.
            OSError: The disk is full or fails. The earlier checkpoints are still there.
        """
        if self._saved_at != loop.position:
            self.schedule.time(lambda: self._save(loop))

    def _save(self, loop: Loop) -> None:
        arrays = checkpoints.collect(self._variables())
        _check_finite(arrays, loop.position)
        best_epoch = None
        if self.best is not None:
            best_epoch = self.best.meta["epoch"]
            if self._saved_best != best_epoch:
                self.store.save_best(self.best)
                self._saved_best = best_epoch
        state = Checkpoint(arrays, {**loop.state(), "best_epoch": best_epoch})
        self.store.save(state, loop.position)
        self._saved_at = loop.position

    def restore(self, loop: Loop, say: Callable[[str], object]) -> None:
        """Restore the newest good checkpoint; without any, the training begins at the first step.

        Raises:
            RunError: All checkpoints are damaged, or belong to another model.
        """
        newest = self.store.newest(say)
        if newest is None:
            return
        checkpoints.restore(newest.state.arrays, self._variables())
        loop.restore(dict(newest.state.meta))
        self.best = newest.best
        self._saved_best = None if newest.best is None else newest.best.meta["epoch"]
        self._saved_at = loop.position

    def take_best(self) -> Checkpoint:
        """Give the model the weights of the best epoch, and return their checkpoint."""
        assert self.best is not None, "an epoch came to its end"
        checkpoints.restore(self.best.arrays, {"model": self.model.variables})
        return self.best

    def _variables(self) -> dict[str, Sequence[Any]]:
        # `.variables`, not `.weights`: only the former holds the seed generators' states.
        return {
            "model": self.training_model.variables,
            "optimizer": self.training_model.optimizer.variables,
            "metrics": self.training_model.metrics_variables,
        }


def _check_finite(arrays: dict[str, np.ndarray], position: Position) -> None:
    for array in arrays.values():
        # A sum is not finite as soon as one of its terms is not; float64 keeps it in range.
        if array.dtype.kind == "f" and not np.isfinite(array.sum(dtype=np.float64)):
            raise DivergedError(
                f"The weights became infinite or no numbers by step {position.step} of epoch "
                f"{position.epoch + 1}."
            )
