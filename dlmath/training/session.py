"""One training under way: the model, its data, the loop, and the checkpoints between them."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlmath.data.pipeline import steps_per_epoch, training_batches
from dlmath.evaluation.probabilities import predict_probabilities
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import callbacks, checkpoints, validation
from dlmath.training.calibrate import calibrate
from dlmath.training.devices import Placement
from dlmath.training.ingredients import Ingredients
from dlmath.training.loop import Loop
from dlmath.training.model_files import write_model
from dlmath.training.signals import StopRequest
from dlmath.training.solver import compile_for_training

LAST = "last.checkpoint"
BEST = "best.checkpoint"


class Session:
    """Trains one recipe in one run folder.

    Args:
        run: Where checkpoints, the history and the model are written.
        ingredients: The recipe, its untrained model, and the images.
        placement: The device and strategy.
        stop: Asked after each step whether a signal came.
        reporter: Hears of the progress.
        observers: Keras callbacks that only watch.
    """

    def __init__(
        self,
        run: Run,
        ingredients: Ingredients,
        placement: Placement,
        stop: StopRequest,
        reporter: Reporter,
        observers: Sequence[keras.callbacks.Callback] = (),
    ):
        self.run = run
        self.recipe = recipe = ingredients.recipe
        self.reporter = reporter
        self.model = ingredients.model
        self.validation = ingredients.validation
        train = ingredients.train
        steps = steps_per_epoch(len(train.labels), recipe.batch_size)
        one_hot = train.one_hot(len(recipe.classes))
        with placement.strategy.scope():
            self.training_model = compile_for_training(self.model, recipe, steps)
        self.best = callbacks.BestEpoch("val_auc", self._save_best)
        self.progress = callbacks.Progress(
            reporter, recipe.epochs, steps, min(recipe.batch_size, len(train.labels))
        )
        self.loop = Loop(
            model=self.training_model,
            batches=lambda epoch, step: training_batches(
                train.pixels.array, one_hot, recipe, epoch=epoch, first_step=step
            ),
            epochs=recipe.epochs,
            steps=steps,
            callbacks=[
                callbacks.Validation(self._measure),
                self.best,
                callbacks.EarlyStopping(self.best, recipe.patience),
                callbacks.History(run.history_path),
                self.progress,
                callbacks.SaveEachEpoch(self.save),
                callbacks.StopOnSignal(stop, self.save, f"dlmath train --resume {run.folder}"),
            ],
            observers=observers,
            strategy=placement.strategy,
        )

    def save(self) -> None:
        """Save everything that decides how the training goes on."""
        arrays = checkpoints.collect(self._state_variables())
        checkpoints.save(
            checkpoints.Checkpoint(arrays, self.loop.state()), self._checkpoint_path(LAST)
        )

    def restore(self) -> None:
        """Go back to the last checkpoint; without one, the training begins at its beginning."""
        if self._checkpoint_path(LAST).exists():
            checkpoint = checkpoints.load(self._checkpoint_path(LAST))
            checkpoints.restore(checkpoint.arrays, self._state_variables())
            self.loop.restore(dict(checkpoint.meta))

    def finish(self) -> dict[str, Any]:
        """Write the model of the best epoch, and return what the manifest says of it.

        It is calibrated first, on the validation part, and then the threshold is chosen there, by
        the model that is written.
        """
        best = checkpoints.load(self._checkpoint_path(BEST))
        checkpoints.restore(best.arrays, {"model": self.model.variables})
        logits = predict_probabilities(self.training_model, self.validation.pixels.array)
        _, calibration = calibrate(
            self.model, logits, self.validation.labels, self.recipe, self.reporter
        )
        write_model(self.run, self.model)
        rates = self.progress.rates
        return {
            "best": {"epoch": best.meta["epoch"] + 1, "val_auc": best.meta["val_auc"]},
            "calibration": calibration,
            "threshold": validation.decide(
                self._validation_probabilities(),
                self.validation.labels,
                [example.patient for example in self.validation.pixels.examples],
                self.recipe,
            ),
            "images_per_second": round(statistics.median(rates), 2) if rates else None,
        }

    def has_best(self) -> bool:
        """Whether at least one epoch came to its end."""
        return self._checkpoint_path(BEST).exists()

    def _measure(self) -> dict[str, float]:
        return validation.measure(
            self._validation_probabilities(), self.validation.labels, self.recipe
        )

    def _validation_probabilities(self) -> np.ndarray:
        return predict_probabilities(self.model, self.validation.pixels.array)

    def _save_best(self) -> None:
        meta = {"epoch": self.best.epoch, "val_auc": self.best.value}
        arrays = checkpoints.collect({"model": self.model.variables})
        checkpoints.save(checkpoints.Checkpoint(arrays, meta), self._checkpoint_path(BEST))

    def _state_variables(self) -> dict[str, Sequence[Any]]:
        # `.variables`, not `.weights`: only the former holds the seed generators' states.
        return {
            "model": self.training_model.variables,
            "optimizer": self.training_model.optimizer.variables,
            "metrics": self.training_model.metrics_variables,
        }

    def _checkpoint_path(self, name: str) -> Path:
        return self.run.checkpoints / name
