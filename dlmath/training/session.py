"""One training under way: the model, its data, the loop, and what is saved of them."""

import statistics
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from dlmath.data.pipeline import steps_per_epoch, training_batches
from dlmath.errors import Stopped
from dlmath.inference.probabilities import predict_probabilities
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import callbacks, validation
from dlmath.training.averaging import averaged_weights
from dlmath.training.cadence import Cadence
from dlmath.training.calibrate import calibrate
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.devices import Placement
from dlmath.training.ingredients import Ingredients
from dlmath.training.loop import Callback, Loop
from dlmath.training.model_files import write_model
from dlmath.training.saver import Saver
from dlmath.training.signals import StopRequest
from dlmath.training.solver import compile_for_training


class Session:
    """Trains one recipe in one run folder.

    Args:
        run: Where checkpoints, the history and the model are written.
        ingredients: The recipe, its untrained model, and the images.
        placement: The device and strategy.
        stop: Asked after each step whether a signal came.
        cadence: How often a checkpoint is wanted.
        reporter: Receives the progress.
        observers: Keras callbacks that only watch.
    """

    def __init__(
        self,
        run: Run,
        ingredients: Ingredients,
        placement: Placement,
        stop: StopRequest,
        cadence: Cadence,
        reporter: Reporter,
        observers: Sequence[keras.callbacks.Callback] = (),
    ):
        self.run = run
        self.recipe = recipe = ingredients.recipe
        self.stop = stop
        self.cadence = cadence
        self.reporter = reporter
        self.model = ingredients.model
        self.validation = ingredients.validation
        train = ingredients.train
        steps = steps_per_epoch(len(train.labels), recipe.batch_size)
        one_hot = train.one_hot(len(recipe.classes))
        with placement.strategy.scope():
            self.training_model = compile_for_training(self.model, recipe, steps)
        self.saver = Saver(
            CheckpointStore(run.checkpoints), self.training_model, self.model, cadence
        )
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
            callbacks=self._callbacks(),
            observers=observers,
            strategy=placement.strategy,
        )

    def _callbacks(self) -> list[Callback]:
        best = callbacks.BestEpoch("val_auc", self.saver.keep_best)
        return [
            callbacks.Validation(self._measure),
            best,
            callbacks.EarlyStopping(best, self.recipe.patience),
            callbacks.History(self.run.history_path),
            self.progress,
            callbacks.SaveRegularly(self.save, self.cadence),
            callbacks.StopOnSignal(self.stop, self.save, self._next_command),
        ]

    @property
    def _next_command(self) -> str:
        return f"dlmath train --resume {self.run.folder}"

    def save(self) -> None:
        """Save everything that decides how the training goes on."""
        self.saver.save(self.loop)

    def run_to_the_end(self) -> None:
        """Train from the newest checkpoint, or from the beginning, to the end.

        Raises:
            DivergedError: A loss or a weight became NaN or infinite.
            Stopped: A signal came; everything is saved.
        """
        self.saver.restore(self.loop, self.reporter.say)
        self.loop.run()
        self.save()

    def finish(self) -> dict[str, Any]:
        """Write the model of the best epoch, and return what the manifest says of it.

        It is calibrated first, on the validation part, and then the threshold is chosen there, by
        the model that is written.

        Raises:
            Stopped: A signal came. All of this is done again when the run is resumed.
        """
        best = self.saver.take_best()
        logits = self._predict(self.training_model)
        _, calibration = calibrate(
            self.model, logits, self.validation.labels, self.recipe, self.reporter
        )
        probabilities = self._predict(self.model)
        write_model(self.run, self.model)
        rates = self.progress.rates
        return {
            "best": {"epoch": best.meta["epoch"] + 1, "val_auc": best.meta["val_auc"]},
            "calibration": calibration,
            **validation.decisions(
                probabilities,
                self.validation.labels,
                [example.patient for example in self.validation.pixels.examples],
                self.recipe,
                self.reporter,
            ),
            "images_per_second": round(statistics.median(rates), 2) if rates else None,
            "checkpoints": self.cadence.as_dict(),
        }

    def has_best(self) -> bool:
        """Whether at least one epoch came to its end."""
        return self.saver.best is not None

    def refuse_to_go_on(self) -> None:
        """Leave between two parts of the work that come after the last epoch if a signal came.

        Raises:
            Stopped: It came.
        """
        self.stop.refuse_to_go_on(
            f"Stopped after the last epoch; everything is saved. Go on with: {self._next_command}"
        )

    def _measure(self) -> dict[str, float]:
        try:
            with averaged_weights(self.training_model):
                probabilities = self._predict(self.model)
        except Stopped:
            self.save()  # only here: within the block the weights are not the training's own
            raise
        return validation.measure(probabilities, self.validation.labels, self.recipe)

    def _predict(self, model: keras.Model) -> np.ndarray:
        return predict_probabilities(
            model, self.validation.pixels.array, progress=lambda *_: self._leave_validation()
        )

    def _leave_validation(self) -> None:
        self.stop.refuse_to_go_on(
            f"Stopped while validating; everything is saved. Go on with: {self._next_command}"
        )
