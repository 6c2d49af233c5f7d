"""The protocol of a trainer, and the choice of the trainer by the recipe."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import keras
import numpy as np

from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.linear_head.scaling import Scaling
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training.context import TrainingContext
from dlmath.training.distances import ReferenceFeatures
from dlmath.training.head_trainer import HeadTrainer
from dlmath.training.step_trainer import StepTrainer
from dlmath.training.tail_trainer import TailTrainer


class Trainer(Protocol):
    """Fits the model of one recipe to its data.

    The calls come in this order: `require_data`, `build`, `load`, `fit`, and then, on a fitted
    model, those with which `dlmath.training.runner` calibrates, decides and writes.

    Attributes:
        FITTED: Where the training is after `fit` and what is kept, for the message of a signal.
        WEIGHT_COPIES: How often a run's folder holds the weights at most.
        recipe: The recipe, with its classes.
        model: The classifier, there after `build`.
    """

    FITTED: ClassVar[str]
    WEIGHT_COPIES: ClassVar[int]
    recipe: Recipe
    model: keras.Model

    def require_data(self, split: Split) -> None:
        """Refuse a split that could not be trained on, or has no room in the cache.

        Raises:
            DataError: The split has too few patients, or the cache's disk has no room.
        """

    def build(self, reporter: Reporter) -> None:
        """Build the model, with the weights of the run that this one continues, if there is one.

        Raises:
            DeviceError: The strategy is none for this trainer.
            WeightsError: The pretrained weights cannot be had.
            RunError: The weights of the continued run do not fit.
        """

    def load(self, context: TrainingContext) -> list[str]:
        """Load the training and validation data, and return the warnings about skipped files.

        Raises:
            UserError: The data cannot be used.
            Stopped: A signal came.
        """

    def fit(self, run: Run, context: TrainingContext) -> None:
        """Fit the model, from the newest checkpoint if there is one, and write the history.

        Raises:
            DivergedError: A loss or a weight became NaN or infinite.
            Stopped: A signal came; everything was saved.
        """

    def has_model(self) -> bool:
        """Return whether there are fitted weights to keep, such as those of a finished epoch."""

    def best_logits(self) -> np.ndarray:
        """Give the model its best weights, and return its validation logits (N, K)."""

    def probabilities(self, logits: np.ndarray, scaling: Scaling) -> np.ndarray:
        """Return the validation probabilities (N, K) of the calibrated model.

        Args:
            logits: (N, K) as `best_logits` returned them.
            scaling: The calibration, which is in the model's weights.
        """

    def stressed_probabilities(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the calibrated model's probabilities (M, K) of composites, and their rows (M,).

        The rows are those of the validation images whose regions the composites show. None where
        the recipe does not choose on them.
        """

    def record(self, probabilities: np.ndarray, reporter: Reporter) -> dict[str, object]:
        """Return the manifest's entries about the fit, among them `best`."""

    @property
    def validation(self) -> Sequence[ImageRecord]:
        """The N validation images that could be read."""

    def sample_images(self, count: int) -> np.ndarray:
        """Return the first validation images (M, S, S, 3) in 0..255, `count` at most."""

    @property
    def network_content(self) -> bytes | None:
        """The LiteRT file of the network below the head, where there is one already."""

    def reference_features(
        self, run: Run, probabilities: np.ndarray, reporter: Reporter, *, is_light: bool
    ) -> ReferenceFeatures:
        """Return the score fitted to training images, and the features of the validation images."""

    def picture_means(self, reporter: Reporter) -> np.ndarray:
        """Return what drift is measured by on the validation pictures themselves."""


def trainer_type(recipe: Recipe) -> type[HeadTrainer] | type[StepTrainer]:
    """Return the trainer of a recipe: the head solved exactly, or gradient steps.

    The steps are those of the whole network, or of its tail on what the layers below it computed
    once.
    """
    if recipe.solves_head:
        return HeadTrainer
    return TailTrainer if recipe.caches_trunk else StepTrainer
