"""What turns a run's probabilities into decisions, whatever program computes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmath.errors import RunError
from dlmath.runs import Run

Progress = Callable[[int, int], object]


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
class Decider:
    """What a run decides with; a subclass computes the probabilities.

    Attributes:
        classes: K names, in the order of the probabilities.
        image_size: Side of the images in pixels.
        positive_class: The class that a binary task is about; None for more than two classes.
        threshold: None for more than two classes, of which the most probable is decided.
    """

    classes: tuple[str, ...]
    image_size: int
    positive_class: str | None
    threshold: Threshold | None

    @property
    def positive_index(self) -> int | None:
        """The index of the positive class, None for more than two classes."""
        return None if self.positive_class is None else self.classes.index(self.positive_class)

    def probabilities(self, pixels: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """Return float64 (N, K) for pixels (N, size, size, 3) in 0..255.

        NaN where the model gives no number; nothing is hidden here.
        """
        raise NotImplementedError

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return (N,) class indices: by the threshold for two classes, else the most probable."""
        positive = self.positive_index
        if positive is None or self.threshold is None:
            return probabilities.argmax(axis=1)
        is_positive = decide_binary(probabilities[:, positive], self.threshold.value)
        return np.where(is_positive, positive, 1 - positive)


def decide_binary(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Return (N,) bool: whether each image is decided positive. The only place that decides."""
    return np.asarray(probability) >= threshold


def stored_decision(run: Run) -> dict[str, Any]:
    """Return the fields of `Decider` as the run's recipe and manifest give them.

    Raises:
        RunError: The run is not finished, or its files are damaged.
    """
    recipe = run.recipe
    return {
        "classes": recipe.classes,
        "image_size": recipe.image_size,
        "positive_class": _positive_class(run) if recipe.is_binary else None,
        "threshold": _threshold(run) if recipe.is_binary else None,
    }


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
