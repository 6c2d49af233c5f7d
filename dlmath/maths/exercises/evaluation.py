"""Exercises of the notebook on transfer learning, Mixup and honest evaluation."""

import numpy as np

from dlmath.maths.exercises.exercise_base import compared, exercise


@exercise(
    judge=compared((1.0,), (0.2,), (0.4,), (3.0,)),
    insight="A small alpha has the larger variance: nearly all of it lies at 0 and 1.",
    mistakes={
        "the second moment": lambda alpha: (alpha + 1) / (2 * (2 * alpha + 1)),
        "a uniform lambda, whatever alpha": lambda alpha: 1 / 12,
        "alpha in the place of 2 alpha": lambda alpha: 1 / (4 * (alpha + 1)),
    },
)
def variance_of_lambda(alpha: float) -> float:
    """Return the variance of Mixup's lambda ~ Beta(alpha, alpha)."""
    return 1 / (4 * (2 * alpha + 1))


@exercise(
    judge=compared((100, 1, 0.5), (1000, 20, 0.3), (600, 3, 0.0), (600, 3, 1.0)),
    insight="With rho = 1 it is the number of patients, with rho = 0 that of images.",
    mistakes={
        "the images": lambda images, each, rho: images,
        "the patients": lambda images, each, rho: images / each,
        "m in the place of m - 1": lambda images, each, rho: images / (1 + each * rho),
    },
)
def effective_size(images: int, each: int, correlation: float) -> float:
    """Return how many independent images say as much as these, of patients with `each` images.

    Two images of one patient have the correlation rho, images of two patients have none: it is
    the N' for which Var(mean) = sigma^2 / N'.
    """
    return images / (1 + (each - 1) * correlation)


@exercise(
    judge=compared(
        (np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.1])),
        (np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.7, 0.2])),
        (np.array([1, 0, 0]), np.array([0.3, 0.3, 0.3])),
    ),
    insight="It is the statistic of Mann and Whitney, divided by the number of pairs.",
    mistakes={
        "ties are right": lambda y, s: np.mean(s[y == 1][:, None] >= s[y == 0]),
        "ties are wrong": lambda y, s: np.mean(s[y == 1][:, None] > s[y == 0]),
        "the accuracy at one half": lambda y, s: np.mean((s >= 0.5) == y),
    },
)
def area_by_pairs(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of pairs (positive, negative) whose scores are in order, ties half.

    Labels (N,) are 1 for positive and 0 for negative.
    """
    differences = scores[labels == 1][:, np.newaxis] - scores[labels == 0]
    return float(np.mean((np.sign(differences) + 1) / 2))
