"""Train a model by gradient steps: the loop, its callbacks, and what is saved of them."""

import importlib.util
import os
import statistics
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.data.pipeline import steps_per_epoch, training_batches
from dlmath.data.rows import Rows
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.drift.pictures import describe
from dlmath.errors import DivergedError, Stopped, UserError
from dlmath.inference.probabilities import predict_probabilities
from dlmath.linear_head.scaling import Scaling
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import callbacks, validation
from dlmath.training.checkpoint_manager import CheckpointManager
from dlmath.training.checkpoint_schedule import CheckpointSchedule
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.context import TrainingContext
from dlmath.training.devices import DeviceConfig
from dlmath.training.distances import ReferenceFeatures, features_of_images
from dlmath.training.divergence import explained
from dlmath.training.loop import Callback, Loop
from dlmath.training.optimizer import averaged_weights, compile_for_training
from dlmath.training.preparation import Prepared
from dlmath.training.stressed_validation import StressedValidation
from dlmath.training.training_data import (
    Labelled,
    TrainingData,
    class_indices,
    load_images,
    reserve_room_for_pixels,
)


class StepTrainer:
    """Trainer by gradient steps; see `dlmath.training.trainer.Trainer`.

    Args:
        prepared: The recipe and the split.
        device: The device and strategy.

    Attributes:
        model: The classifier, there after `build`.
        data: The images, there after `load`.
    """

    FITTED: ClassVar[str] = "after the last epoch; everything is saved"
    WEIGHT_COPIES: ClassVar[int] = 4  # .keras, light form, and a checkpoint with optimizer state

    model: keras.Model
    data: TrainingData

    def __init__(self, prepared: Prepared, device: DeviceConfig):
        self.prepared = prepared
        self.recipe = prepared.recipe
        self.device = device

    @staticmethod
    def check_options(*, checkpoint_every: str | None, tensorboard: bool) -> None:
        """Refuse TensorBoard where it is not installed: TensorFlow looks for it at the first event.

        Raises:
            UserError: The package tensorboard is missing.
        """
        if tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise UserError(
                "TensorBoard events need the package tensorboard, which is not installed. "
                "Run: pip install 'dlmath[tensorboard]'"
            )

    def require_data(self, split: Split) -> None:
        """Make room in the cache for the pixels of a split."""
        reserve_room_for_pixels(split, self.recipe)

    def build(self, reporter: Reporter) -> None:
        """Build the model, its first probabilities those of the classes in the training part."""
        recipe, warm_start = self.recipe, self.prepared.warm_start
        reporter.say(f"Building {recipe.backbone} …")
        with self.device.strategy.scope():
            labels = class_indices(self.prepared.split.train, recipe)
            prior = np.bincount(labels, minlength=len(recipe.classes)) / len(labels)
            pretrained = warm_start is None
            self.model = models.build(recipe, class_prior=prior, pretrained=pretrained)
        if warm_start is not None:
            warm_start.load_into(self.model)

    def load(self, context: TrainingContext) -> list[str]:
        """Decode the images of the training and validation parts."""
        self.data = load_images(self.prepared, context.interruptible())
        return self.data.warnings

    def fit(self, run: Run, context: TrainingContext) -> None:
        """Train from the newest checkpoint, or from the first step, to the last epoch."""
        self._set_up(run, context)
        try:
            self.checkpoints.restore(self.loop, context.reporter.say)
            self.loop.run()
            self.save()
        except DivergedError as error:
            raise explained(
                error, self.model, self.training, self.recipe, self.loop.position
            ) from error

    def _set_up(self, run: Run, context: TrainingContext) -> None:
        """Compile the model, and make the loop with its callbacks."""
        recipe, count = self.recipe, len(self.training)
        self.context = context
        self.schedule = CheckpointSchedule(context.interval)
        steps = steps_per_epoch(count, recipe.batch_size)
        with self.device.strategy.scope():
            self.training_model = self._compiled(steps)
        self.checkpoints = CheckpointManager(
            CheckpointStore(run.checkpoints), self.training_model, self.model, self.schedule
        )
        self.progress = callbacks.Progress(
            context.reporter, recipe.epochs, steps, min(recipe.batch_size, count)
        )
        self.loop = Loop(
            model=self.training_model,
            batches=self._batches,
            epochs=recipe.epochs,
            steps=steps,
            callbacks=self._callbacks(run),
            observers=_observers(run) if context.tensorboard else (),
            strategy=self.device.strategy,
        )

    def _compiled(self, steps: int) -> keras.Model:
        """Return the model that is trained, from what `_batches` gives to logits."""
        return compile_for_training(self.model, self.recipe, steps)

    def _batches(self, epoch: int, first_step: int) -> tf.data.Dataset:
        train, recipe = self.data.train, self.recipe
        one_hot = train.one_hot(len(recipe.classes))
        return training_batches(
            train.pixels.array, one_hot, recipe, epoch=epoch, first_step=first_step
        )

    def _callbacks(self, run: Run) -> list[Callback]:
        score = "stress_auc" if self.recipe.choose_on == "stressed" else "val_auc"
        best = callbacks.BestEpoch(score, self.checkpoints.keep_best)
        return [
            callbacks.Validation(self._measure),
            best,
            callbacks.EarlyStopping(best, self.recipe.patience),
            callbacks.History(run.history_path),
            self.progress,
            callbacks.SaveRegularly(self.save, self.schedule),
            callbacks.StopOnSignal(self.context, self.save),
        ]

    def save(self) -> None:
        """Save everything that decides how the training goes on."""
        self.checkpoints.save(self.loop)

    def has_model(self) -> bool:
        """Return whether at least one epoch was finished."""
        return self.checkpoints.best is not None

    def best_logits(self) -> np.ndarray:
        """Give the model the weights of the best epoch, and return its validation logits (N, K)."""
        self.best = self.checkpoints.take_best()
        return self._predict(self.training_model)

    def probabilities(self, logits: np.ndarray, scaling: Scaling) -> np.ndarray:
        """Return the validation probabilities (N, K) of the model that is written."""
        return self._predict(self.model)

    def stressed_probabilities(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the probabilities (M, K) of composites and their rows (M,), if they choose."""
        if self.recipe.choose_on != "stressed":
            return None
        images, rows = self._stressed.composites
        return self._predict(self.model, images), rows

    def record(self, probabilities: np.ndarray, reporter: Reporter) -> dict[str, Any]:
        """Return the best epoch, the images a second, and the time of the checkpoints."""
        meta, rates = self.best.meta, self.progress.rates
        return {
            "best": {**meta, "epoch": meta["epoch"] + 1},
            "images_per_second": round(statistics.median(rates), 2) if rates else None,
            "checkpoints": self.schedule.as_dict(),
        }

    @property
    def training(self) -> Sequence[ImageRecord]:
        """The training images that could be read."""
        return self.data.train.pixels.examples

    @property
    def validation(self) -> Sequence[ImageRecord]:
        """The N validation images that could be read."""
        return self.decoded.pixels.examples

    def sample_images(self, count: int) -> np.ndarray:
        """Return the first validation images (M, S, S, 3) in 0..255."""
        return self.decoded.pixels.array[:count]

    @property
    def network_content(self) -> None:
        """None: the trained network was not converted to LiteRT yet."""
        return None

    def reference_features(
        self, run: Run, probabilities: np.ndarray, reporter: Reporter, *, is_light: bool
    ) -> ReferenceFeatures:
        """Compute the features of validation images, and of some training images."""
        train = self.data.train
        return features_of_images(
            run,
            self.model,
            train.pixels.array,
            train.labels,
            self.decoded.pixels.array,
            reporter,
            is_light=is_light,
        )

    def picture_means(self, reporter: Reporter) -> np.ndarray:
        """Return the numbers that describe the validation pictures, (N, P)."""
        return describe(self.decoded.pixels.array)

    @property
    def decoded(self) -> Labelled:
        """The decoded validation images."""
        return self.data.validation

    def _measure(self) -> dict[str, float]:
        try:
            with averaged_weights(self.training_model):
                probabilities = self._validate()
                stressed = self._stressed.measure(self._validate)
        except Stopped:
            self.save()  # only here: within the block the weights are not the training's own
            raise
        plain = validation.measure(probabilities, self.decoded.labels, self.recipe)
        return {**plain, **stressed}

    def _validate(self, images: np.ndarray | None = None) -> np.ndarray:
        """Return the probabilities (M, K) of images, by default of validation, after an epoch."""
        return self._predict(self.model, images)

    @cached_property
    def _stressed(self) -> StressedValidation:
        pixels, labels = self.decoded.pixels, self.decoded.labels
        return StressedValidation(pixels.array, labels, pixels.examples, self.recipe)

    def _predict(self, model: keras.Model, images: Rows | None = None) -> np.ndarray:
        return predict_probabilities(
            model,
            self.decoded.pixels.array if images is None else images,
            progress=lambda *_: self.context.check_not_stopped(
                "while validating; everything is saved"
            ),
        )


def _observers(run: Run) -> list[keras.callbacks.Callback]:
    return [keras.callbacks.TensorBoard(os.fspath(run.folder / "tensorboard"), write_graph=False)]
