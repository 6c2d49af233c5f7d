"""Exercises of the first notebook: the numbers that a classifier is judged by."""

import numpy as np

from dlmath.maths.exercises.exercise_base import compared, exercise

_LABELS = np.array([1, 1, 1, 1, 0, 0])
_PROBABILITIES = np.array([0.9, 0.7, 0.5, 0.2, 0.5, 0.1])


@exercise(
    judge=compared(
        (_LABELS, _PROBABILITIES, 0.5),
        (_LABELS, _PROBABILITIES, 0.6),
        (np.array([0, 1, 1]), np.array([0.3, 0.3, 0.1]), 0.2),
    ),
    insight="A lower threshold trades false alarms for misses; no threshold changes the AUC.",
    mistakes={
        "above the threshold only": lambda y, p, t: (
            np.mean(p[y == 1] > t),
            np.mean(p[y == 0] < t),
        ),
        "shares of all images": lambda y, p, t: (
            np.mean((y == 1) & (p >= t)),
            np.mean((y == 0) & (p < t)),
        ),
        "the predictive values": lambda y, p, t: (
            np.mean(y[p >= t] == 1),
            np.mean(y[p < t] == 0),
        ),
    },
)
def rates_at_a_threshold(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float
) -> tuple[float, float]:
    """Return sensitivity and specificity, positive being decided at probability >= threshold.

    Labels (N,) are 1 for positive and 0 for negative; probabilities (N,) are of positive.
    """
    positive = probabilities >= threshold
    return float(np.mean(positive[labels == 1])), float(np.mean(~positive[labels == 0]))


@exercise(
    judge=compared((0.95, 0.9, 0.5), (0.95, 0.9, 0.01), (0.8, 0.99, 0.2)),
    insight="Of 100 alarms of this very model only 9 are right where one child in 100 is ill.",
    mistakes={
        "the sensitivity": lambda sensitivity, specificity, prevalence: sensitivity,
        "as if half were ill": lambda sensitivity, specificity, prevalence: (
            sensitivity / (sensitivity + 1 - specificity)
        ),
        "the prevalences swapped": lambda sensitivity, specificity, prevalence: (
            sensitivity
            * (1 - prevalence)
            / (sensitivity * (1 - prevalence) + (1 - specificity) * prevalence)
        ),
    },
)
def ppv_at_a_prevalence(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Return the share of alarms that are right where a share `prevalence` of the images is ill.

    It is Bayes's rule. Try it with a sensitivity of 0.95, a specificity of 0.9, and 1 % ill.
    """
    right = sensitivity * prevalence
    return right / (right + (1 - specificity) * (1 - prevalence))
