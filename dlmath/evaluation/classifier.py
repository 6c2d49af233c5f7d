"""A run's Keras model together with what turns its probabilities into decisions."""

from dataclasses import dataclass
from typing import Self

import keras
import numpy as np

from dlmath import models
from dlmath.errors import RunError
from dlmath.evaluation.probabilities import predict_probabilities
from dlmath.light.decider import Decider, Progress, stored_decision
from dlmath.runs import Run


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
        model = models.load(run)
        outputs, classes = model.output_shape[-1], run.recipe.classes
        if outputs != len(classes):
            raise RunError(
                f"{run.folder} contradicts itself: the model has {outputs} outputs and "
                f"{run.recipe_path.name} names {len(classes)} classes. Train it again."
            )
        return cls(**stored_decision(run), model=model)

    def probabilities(self, pixels: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """Return float64 (N, K) for pixels (N, size, size, 3) in 0..255."""
        return predict_probabilities(self.model, pixels, progress=progress)
