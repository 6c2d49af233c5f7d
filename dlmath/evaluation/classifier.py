"""A run's model together with all that turns its probabilities into decisions."""

from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np

from dlmath import models
from dlmath.errors import RunError
from dlmath.evaluation.metrics import decide_binary
from dlmath.evaluation.probabilities import Progress, predict_probabilities
from dlmath.runs import Run


@dataclass(frozen=True)
class Threshold:
    """Decides positive at probability >= value.

    Attributes:
        value: Of the positive class's probability.
        chosen_on: The part of the data that it was chosen on.
    """

    value: float
    chosen_on: str


@dataclass(frozen=True, eq=False)
class Classifier:
    """What a run decides with.

    Attributes:
        model: Images float32 (N, size, size, 3) in 0..255 to probabilities (N, K).
        classes: K names, in the order of the model's outputs.
        image_size: Side of the images in pixels.
        positive_class: The class that a binary task is about; None for more than two classes.
        threshold: None for more than two classes, of which the most probable is decided.
    """

    model: keras.Model
    classes: tuple[str, ...]
    image_size: int
    positive_class: str | None
    threshold: Threshold | None

    @classmethod
    def load(cls, run: Run) -> Self:
        """Load the classifier of a run.

        Raises:
            RunError: The run has no model yet, or its files contradict each other.
            WeightsError: The model is damaged.
        """
        recipe = run.recipe
        model = models.load(run)
        outputs = model.output_shape[-1]
        if outputs != len(recipe.classes):
            raise RunError(
                f"{run.folder} contradicts itself: the model has {outputs} outputs and "
                f"{run.recipe_path.name} names {len(recipe.classes)} classes. Train it again."
            )
        return cls(
            model=model,
            classes=recipe.classes,
            image_size=recipe.image_size,
            positive_class=_positive_class(run) if recipe.is_binary else None,
            threshold=_threshold(run) if recipe.is_binary else None,
        )

    @property
    def positive_index(self) -> int | None:
        """The output of the positive class, None for more than two classes."""
        return None if self.positive_class is None else self.classes.index(self.positive_class)

    def probabilities(self, pixels: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """Return float64 (N, K) for pixels (N, size, size, 3) in 0..255."""
        return predict_probabilities(self.model, pixels, progress=progress)

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return (N,) class indices: by the threshold for two classes, else the most probable."""
        positive = self.positive_index
        if positive is None or self.threshold is None:
            return probabilities.argmax(axis=1)
        is_positive = decide_binary(probabilities[:, positive], self.threshold.value)
        return np.where(is_positive, positive, 1 - positive)


def _positive_class(run: Run) -> str:
    if not run.recipe.positive_class:
        raise RunError(
            f"{run.recipe_path} does not name the positive class. Add a line such as: "
            f"positive_class = {run.recipe.classes[-1]!r}"
        )
    return run.recipe.positive_class


def _threshold(run: Run) -> Threshold:
    stored: dict[str, Any] | None = run.manifest.get("threshold")
    if not stored:
        raise RunError(
            f"{run.folder} has no threshold, since its training did not come to the end. "
            f"Go on with it: dlmath train --resume {run.folder}"
        )
    return Threshold(float(stored["value"]), str(stored["chosen_on"]))
