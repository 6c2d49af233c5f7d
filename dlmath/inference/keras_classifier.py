"""A classifier whose network Keras runs: a run's own model, or a `.keras` export."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.errors import RunError
from dlmath.inference.classifier import Classifier
from dlmath.inference.exported import decision_of
from dlmath.inference.keras_file import read_ood_score
from dlmath.inference.light_classifier import stored_ood_score
from dlmath.inference.probabilities import BATCH_SIZE, predict_probabilities
from dlmath.inference.run_files import ood_record, stored_decision
from dlmath.models.keras_archive import read_bounded, read_note
from dlmath.runs import Run


@dataclass(frozen=True, eq=False)
class KerasClassifier(Classifier):
    """A classifier with its Keras model.

    Attributes:
        model: Images float32 (N, size, size, 3) in 0..255 to probabilities (N, K).
    """

    batch_size: ClassVar[int] = BATCH_SIZE
    ood_batch_size: ClassVar[int | None] = 1024
    model: keras.Model

    @classmethod
    def load(cls, model: Run | Path) -> Self:
        """Load the classifier of a run, or of a `.keras` file that `dlmath.export` wrote.

        Raises:
            RunError: The run has no model yet, or its files contradict each other; or the file is
                no export.
            WeightsError: The model is damaged, or holds what no trained network holds.
        """
        return cls._of_run(model) if isinstance(model, Run) else cls._of_export(model)

    @classmethod
    def _of_export(cls, path: Path) -> Self:
        metadata = read_note(read_bounded(path), path)
        decision, model = decision_of(metadata), models.load(path)
        outputs, classes = model.output_shape[-1], decision["classes"]
        if outputs != len(classes):
            raise RunError(
                f"{path} contradicts itself: its recipe names {outputs} classes, and it decides "
                f"between {len(classes)}. Export the run again."
            )
        return cls(**decision, ood_score=read_ood_score(metadata, path), model=model)

    @classmethod
    def _of_run(cls, run: Run) -> Self:
        decision = stored_decision(run)  # first, since reading the model takes longer
        model = models.load(run)
        ood_score = None
        if ood_record(run):
            ood_score = stored_ood_score(run, model.get_layer("logits").input.shape[-1])
        return cls(**decision, ood_score=ood_score, model=model)

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the probabilities of a batch and, for an out-of-distribution score, features."""
        if self.ood_score is None:
            return {"probabilities": predict_probabilities(self.model, batch)}
        both, classes = predict_probabilities(self._with_features, batch), len(self.classes)
        return {
            "probabilities": both[:, :classes],
            "features": both[:, classes:].astype(np.float32),
        }

    def outputs_in_graph(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Return probabilities (N, K) and, for an out-of-distribution score, the features (N, D).

        In TensorFlow operations, for a graph.
        """
        if self.ood_score is None:
            return self.model(pixels, training=False), None
        both = self._with_features(pixels, training=False)
        return both[:, : len(self.classes)], both[:, len(self.classes) :]

    @cached_property
    def _with_features(self) -> keras.Model:
        """The model with the features below its last layer after the probabilities, (N, K + D)."""
        features = self.model.get_layer("logits").input
        both = keras.layers.Concatenate(dtype="float32")([self.model.output, features])
        return keras.Model(self.model.input, both)
