"""Exercises of the notebook on approximation and overfitting."""

import math

import numpy as np
from scipy.interpolate import BarycentricInterpolator

from dlmath import seeds
from dlmath.maths.exercises.exercise_base import Answer, compared, exercise, numbers
from dlmath.maths.experiments.overfitting import runge


def _is_the_hat(answer: Answer, _: Answer) -> str:
    for places in ((-1.0, 0.0, 1.0), (0.0, 1.0, 4.0), (2.0, 2.5, 3.0)):
        coefficients = numbers(answer(*places))
        if coefficients.shape != (3,):
            return f"It must return three numbers. It returns the shape {coefficients.shape}."
        grid = np.linspace(places[0] - 1, places[2] + 1, 101)
        units = np.maximum(grid[:, np.newaxis] - np.array(places), 0)
        gap = abs(units @ coefficients - np.interp(grid, places, (0, 1, 0)))
        if not gap.max() <= 1e-5:
            worst = grid[gap.argmax()]
            return (
                f"For the places {places} the sum is not the hat: {gap.max():.3g} off at {worst}."
            )
    return ""


@exercise(
    judge=_is_the_hat,
    insight="Each coefficient is the change of slope at its place; they sum to 0.",
    mistakes={
        "those of the symmetric hat": lambda left, peak, right: (1.0, -2.0, 1.0),
        "the slopes, not their changes": lambda left, peak, right: (
            1 / (peak - left),
            -1 / (right - peak),
            0.0,
        ),
        "the way down as steep as the way up": lambda left, peak, right: (
            1 / (peak - left),
            -1 / (peak - left),
            0.0,
        ),
    },
)
def hat_coefficients(left: float, peak: float, right: float) -> tuple[float, float, float]:
    """Return (a, b, c) with a relu(x - left) + b relu(x - peak) + c relu(x - right) the hat.

    It is 1 at the peak, 0 at left and right and outside of them, and affine between.
    """
    up, down = 1 / (peak - left), 1 / (right - peak)
    return up, -(up + down), down


def _tames_runge(answer: Answer, _: Answer) -> str:
    grid = np.linspace(-1, 1, 801)
    for degree in (10, 30):
        places = numbers(answer(degree))
        if places.shape != (degree + 1,):
            return f"For n = {degree} it has the shape {places.shape}, not ({degree + 1},)."
        if not abs(places).max() <= 1 or len(np.unique(places)) <= degree:
            return f"For n = {degree} the points are not {degree + 1} different ones of [-1, 1]."
        polynomial = BarycentricInterpolator(
            places, runge(places), rng=seeds.generator("barycentric")
        )
        error = abs(polynomial(grid) - runge(grid)).max()
        if error > 4 * 0.82**degree:
            return f"At degree {degree} the polynomial is {error:.3g} away from the function."
    return ""


@exercise(
    judge=_tames_runge,
    insight="Points as dense near the ends as 1/sqrt(1 - x^2) keep the node polynomial level.",
    mistakes={
        "equidistant": lambda n: np.linspace(-1, 1, n + 1),
        "dense in the middle": lambda n: np.linspace(-1, 1, n + 1) ** 3,
        "beyond the interval": lambda n: 1.2 * np.cos(np.pi * np.arange(n + 1) / n),
        "one too few": lambda n: np.cos(np.pi * np.arange(n) / n),
    },
)
def good_places(n: int) -> np.ndarray:
    """Return n + 1 points of [-1, 1] at which the polynomials through Runge's function converge."""
    return np.cos((2 * np.arange(n + 1) + 1) * np.pi / (2 * n + 2))


@exercise(
    judge=compared((1, 0.1, 0.05), (1000, 0.05, 0.01), (2, 0.5, 0.9)),
    insight="The number of classifiers enters by its logarithm, the accuracy by its square.",
    mistakes={
        "for one classifier": lambda size, gap, chance: math.ceil(
            math.log(2 / chance) / (2 * gap**2)
        ),
        "one side only": lambda size, gap, chance: math.ceil(
            math.log(size / chance) / (2 * gap**2)
        ),
        "the gap not squared": lambda size, gap, chance: math.ceil(
            math.log(2 * size / chance) / (2 * gap)
        ),
    },
)
def enough_examples(classifiers: int, gap: float, chance: float) -> int:
    """Return the least N at which Hoeffding's 2 |H| exp(-2 N gap^2) is at most `chance`."""
    return math.ceil(math.log(2 * classifiers / chance) / (2 * gap**2))


@exercise(
    judge=compared((1.0, 1.0, 4), (0.5, 2.0, 10), (3.0, 0.1, 1)),
    insight="Never 1: a little bias always buys more variance than it costs.",
    mistakes={
        "no bias": lambda mean, deviation, rows: 1.0,
        "the variance of one example": lambda mean, deviation, rows: (
            mean**2 / (mean**2 + deviation**2)
        ),
        "not squared": lambda mean, deviation, rows: mean / (mean + deviation / math.sqrt(rows)),
    },
)
def best_shrinkage(mean: float, deviation: float, rows: int) -> float:
    """Return the c for which c times the mean of examples estimates their expectation best.

    There are `rows` independent examples of that mean and deviation; best is the least expected
    squared error, bias squared plus variance.
    """
    return mean**2 / (mean**2 + deviation**2 / rows)
