"""A run's Keras model together with what turns its probabilities into decisions."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self

import keras
import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.errors import RunError
from dlmath.inference.decider import Answers, Decider, stored_decision
from dlmath.inference.light_classifier import stored_distance
from dlmath.inference.probabilities import predict_probabilities
from dlmath.reporting import Progress
from dlmath.runs import Run

_AT_ONCE = 1024  # images whose features are in memory in double precision


@dataclass(frozen=True, eq=False)
class Classifier(Decider):
    """What a run decides with.

    Attributes:
        model: Images float32 (N, size, size, 3) in 0..255 to probabilities (N, K).
    """

    model: keras.Model

    @classmethod
    def load(cls, run: Run) -> Self:
        """Load the classifier of a run.

        Raises:
            RunError: The run has no model yet, or its files contradict each other.
            WeightsError: The model is damaged.
        """
        decision = stored_decision(run)  # first, since reading the model takes longer
        model = models.load(run)
        outputs, classes = model.output_shape[-1], run.recipe.classes
        if outputs != len(classes):
            raise RunError(
                f"{run.folder} contradicts itself: the model has {outputs} outputs and "
                f"{run.recipe_path.name} names {len(classes)} classes. Train it again."
            )
        distance = None
        if run.manifest.get("distance"):
            distance = stored_distance(run, model.get_layer("logits").input.shape[-1])
        return cls(**decision, distance=distance, model=model)

    def answer(self, pixels: np.ndarray, progress: Progress | None = None) -> Answers:
        """Return what it says of pixels (N, size, size, 3) in 0..255.

        With features where it measures the distance, which needs them.
        """
        if self.distance is None:
            return Answers(self.probabilities(pixels, progress), None)
        total, classes = len(pixels), len(self.classes)
        probabilities, distances = [np.empty((0, classes))], [np.empty(0)]
        features = [np.empty((0, self.distance.means.shape[1]), np.float32)]
        for first in range(0, total, _AT_ONCE):
            rows = pixels[first : first + _AT_ONCE]
            heard = progress and partial(_from, progress, first, total)
            found = predict_probabilities(self._with_features, rows, progress=heard)
            probabilities.append(found[:, :classes])
            distances.append(self.distance(found[:, classes:]))
            features.append(found[:, classes:].astype(np.float32))
        return Answers(
            np.concatenate(probabilities), np.concatenate(distances), np.concatenate(features)
        )

    def probabilities(self, pixels: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """Return float64 (N, K) for pixels (N, size, size, 3) in 0..255."""
        return predict_probabilities(self.model, pixels, progress=progress)

    def outputs(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Return probabilities (N, K) and, where there is a distance, the features (N, D) for it.

        In TensorFlow operations, for a graph.
        """
        if self.distance is None:
            return self.model(pixels, training=False), None
        both = self._with_features(pixels, training=False)
        return both[:, : len(self.classes)], both[:, len(self.classes) :]

    @cached_property
    def _with_features(self) -> keras.Model:
        """The model with the features below its last layer beside the probabilities, (N, K + D)."""
        features = self.model.get_layer("logits").input
        beside = keras.layers.Concatenate(dtype="float32")([self.model.output, features])
        return keras.Model(self.model.input, beside)


def _from(progress: Progress, first: int, total: int, done: int, _: int, note: str = "") -> None:
    progress(first + done, total, note)
