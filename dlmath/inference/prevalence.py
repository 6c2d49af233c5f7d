r"""Recalibrate probabilities to a place where the disease is more common, or rarer.

Sensitivity and specificity are taken to stay what they are, and with them the distribution of the
images within each class (prior shift). The predictive values, and the probabilities, do not stay.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from dlmath.errors import DataError, RunError
from dlmath.inference.outcome import Prediction
from dlmath.runs import Run


def check_prevalence(prevalence: float) -> float:
    """Return `prevalence` if it is one.

    Raises:
        DataError: It does not lie between 0 and 1.
    """
    if not 0 < prevalence < 1:
        raise DataError(
            "A prevalence is the share of patients who have the disease, above 0 and below 1, "
            f"such as 0.05. Received: prevalence={prevalence:g}"
        )
    return prevalence


def trained_prevalence(run: Run) -> float:
    """Return the share of positive images that the probabilities of a run's model are for.

    It is that of the training images, of which the validation images are a random part; with
    balanced class weights it is a half, unless Platt scaling has moved the probabilities back.

    Raises:
        DataError: The task has more than two classes.
        RunError: The manifest does not say what was trained on.
    """
    recipe, manifest = run.recipe, run.manifest
    if not recipe.is_binary:
        raise DataError(
            "A prevalence is that of the positive class, and a task of more than two classes has "
            "none. Leave --prevalence out."
        )
    method = (manifest.get("calibration") or {}).get("method")
    if recipe.class_weights == "balanced" and method != "platt":
        return 0.5
    counts = manifest.get("split", {}).get("train_classes", {})
    share = counts.get(recipe.positive_class, 0) / max(1, sum(counts.values()))
    if not 0 < share < 1:
        raise RunError(
            f"{run.manifest_path} does not say how many training images each class has. "
            f"Received: {counts}. Train again, or leave --prevalence out."
        )
    return share


def shift_probability(probability: np.ndarray, trained_at: float, prevalence: float) -> np.ndarray:
    r"""Return the probabilities of the positive class recalibrated to another prevalence.

    The odds are multiplied by the ratio of the prior odds, with pi where the model was made and
    pi' where it is used:

        p' = p pi'/pi / (p pi'/pi + (1 - p) (1 - pi')/(1 - pi))

    Source: Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 14(1), 2002, eq. 2.4; Elkan, "The foundations of
    cost-sensitive learning", IJCAI 2001, theorem 2. The order of the images stays.

    Args:
        probability: Any shape, 0 to 1.
        trained_at: pi, above 0 and below 1: of the images that the probabilities are calibrated on.
        prevalence: pi', above 0 and below 1.
    """
    check_prevalence(trained_at)
    check_prevalence(prevalence)
    probability = np.asarray(probability, float)
    for_it = probability * (prevalence / trained_at)
    return for_it / (for_it + (1 - probability) * ((1 - prevalence) / (1 - trained_at)))


@dataclass(frozen=True)
class Shift:
    """Adds to a prediction the probability at another prevalence.

    Attributes:
        positive_class: Whose probability it is.
        trained_at: The prevalence that the model's probabilities are for.
        prevalence: The other one.
    """

    positive_class: str
    trained_at: float
    prevalence: float

    @classmethod
    def of(cls, run: Run, prevalence: float) -> Self:
        """Return the shift from what a run was trained on.

        Raises:
            DataError: There is no such prevalence, or more than two classes.
        """
        check_prevalence(prevalence)
        return cls(run.recipe.positive_class, trained_prevalence(run), prevalence)

    def __call__(self, prediction: Prediction) -> Prediction:
        """Return the prediction with it; one without probabilities as it is."""
        if prediction.probabilities is None:
            return prediction
        own = np.array(prediction.probabilities[self.positive_class])
        shifted = float(shift_probability(own, self.trained_at, self.prevalence))
        return replace(prediction, probability_at_prevalence=shifted)
