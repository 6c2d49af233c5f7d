"""Train the tail of a network by gradient steps on cached activations of the frozen trunk below.

The loop, the checkpoints and all that is decided are those of `StepTrainer`; only what a batch
holds and what a step computes are less. The written model is the whole classifier, and what is
decided after the last epoch is decided with it, on the pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from dlmath.data import images
from dlmath.data.pipeline import training_batches
from dlmath.data.pixels import in_threads, load_pixels, reserve_room
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.errors import RecipeError
from dlmath.features.extract import store_features_of_pixels
from dlmath.features.store import StoredRows
from dlmath.models.tail_model import Parts, split_at_tail
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training.context import TrainingContext
from dlmath.training.distances import ReferenceFeatures, features_of_images
from dlmath.training.optimizer import compile_logits
from dlmath.training.step_trainer import StepTrainer
from dlmath.training.tail_features import (
    EpochRows,
    TailFeatures,
    freeze_trunk,
    load_tail_features,
)
from dlmath.training.training_data import Labelled, bad_file_warnings, class_indices


class TailTrainer(StepTrainer):
    """Trainer of the tail; see `dlmath.training.trainer.Trainer`.

    Attributes:
        parts: The trunk and the tail of the model, there after `build`.
        features: The activations of the images, there after `load`.
    """

    parts: Parts
    features: TailFeatures

    def require_data(self, split: Split) -> None:
        """Make room in the cache for the pixels of the validation part."""
        reserve_room(split.validation, self.recipe.image_size)

    def build(self, reporter: Reporter) -> None:
        """Build the model, and cut it in two.

        Raises:
            RecipeError: CutMix, and a cut where there is nothing to cut rectangles out of.
        """
        super().build(reporter)
        with self.device.strategy.scope():
            self.parts = split_at_tail(self.model, self.recipe)
        if self.recipe.cutmix and len(self.parts.tail.input_shape) < 4:
            raise RecipeError(
                f"CutMix cuts rectangles out of maps, and the tail of {self.recipe.backbone} takes "
                f"numbers in a row. Received: cutmix={self.recipe.cutmix}, tune='tail'. Use mixup, "
                "or --tune all."
            )

    def load(self, context: TrainingContext) -> list[str]:
        """Compute the activations that the cache does not have, and decode the validation part."""
        network = freeze_trunk(self.parts, self.device, self.recipe)
        self.features = load_tail_features(self.prepared, network, context.reporter, context.stop)
        recipe, reporter = self.recipe, context.interruptible()
        pixels = load_pixels(
            self.prepared.split.validation,
            recipe.image_size,
            on_bad_file=recipe.on_bad_file,
            progress=reporter.task("reading validation images"),
        )
        self._decoded = Labelled(pixels, class_indices(pixels.examples, recipe))
        return bad_file_warnings([*self.features.views[0].bad, *pixels.bad])

    @property
    def training(self) -> Sequence[ImageRecord]:
        """The training images that could be read."""
        return self.features.training

    @property
    def decoded(self) -> Labelled:
        """The decoded validation images."""
        return self._decoded

    def best_logits(self) -> np.ndarray:
        """Give the model the weights of the best epoch, and return its validation logits (N, K)."""
        self.best = self.checkpoints.take_best()
        return self._predict(keras.Model(self.model.input, self.model.get_layer("logits").output))

    def reference_features(
        self, run: Run, probabilities: np.ndarray, reporter: Reporter, *, is_light: bool
    ) -> ReferenceFeatures:
        """Compute the features of validation images, and of some training images."""
        return features_of_images(
            run,
            self.model,
            _FilePixels(self.training, self.recipe.image_size),
            self.features.labels,
            self.decoded.pixels.array,
            reporter,
            is_light=is_light,
        )

    def _compiled(self, steps: int) -> keras.Model:
        return compile_logits(self.parts.logits, self.recipe, steps)

    def _batches(self, epoch: int, first_step: int) -> tf.data.Dataset:
        recipe = self.recipe
        views = tuple(self._at_cut(view.array) for view in self.features.views)
        return training_batches(
            EpochRows(views, epoch),
            np.eye(len(recipe.classes), dtype=np.float32)[self.features.labels],
            recipe,
            epoch=epoch,
            first_step=first_step,
            are_pixels=False,
        )

    def _validate(self, images: np.ndarray | None = None) -> np.ndarray:
        features = self.features
        rows = (
            features.validation.array
            if images is None
            else store_features_of_pixels(images, features.network)
        )
        return self._predict(self.parts.tail, self._at_cut(rows))

    def _at_cut(self, rows: StoredRows) -> StoredRows:
        """Return stored activations in the shape that the tail takes them."""
        return rows.reshaped(self.parts.tail.input_shape[1:])


@dataclass(frozen=True)
class _FilePixels:
    """Images that are decoded where they are indexed."""

    examples: Sequence[ImageRecord]
    size: int

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), self.size, self.size, 3)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        chosen = (self.examples[row] for row in rows)
        return np.stack(
            list(in_threads(lambda one: images.read(one.path, one.file, self.size), chosen))
        )
