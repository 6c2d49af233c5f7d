"""Exercises of the notebook on the geometry of decision boundaries."""

import math

import numpy as np

from dlmath.maths.exercises.exercise_base import compared, exercise


@exercise(
    judge=compared((1, 4), (2, 3), (5, 2), (10, 3)),
    insight="For a fixed degree it is polynomial in the dimension, and the other way round.",
    mistakes={
        "those of exactly that degree": lambda d, m: math.comb(d + m - 1, m),
        "every power up to the degree": lambda d, m: (m + 1) ** d,
        "the constant is forgotten": lambda d, m: math.comb(d + m, m) - 1,
    },
)
def count_monomials(dimension: int, degree: int) -> int:
    """Return how many monomials in d variables have total degree at most m, the constant too."""
    return math.comb(dimension + degree, degree)


@exercise(
    judge=compared(
        (np.array([0.0, 1, 2, 3]), np.array([1.0, 1, -1, -1])),
        (np.array([3.0, 1, 2, 0]), np.array([1.0, -1, 1, -1])),
        (np.array([5.0, -1, 2, 0.5, 9]), np.array([1.0, 1, -1, -1, -1])),
        (np.array([1.0, 2.0]), np.array([1.0, 1.0])),
    ),
    insight="A polynomial of degree m changes its sign at most m times, and may where you like.",
    mistakes={
        "in the order given": lambda x, y: int(np.sum(np.diff(y) != 0)),
        "one less than the points": lambda x, y: len(x) - 1,
        "the runs": lambda x, y: 1 + int(np.sum(np.diff(y[np.argsort(x)]) != 0)),
    },
)
def degree_on_a_line(points: np.ndarray, labels: np.ndarray) -> int:
    """Return the least degree of a polynomial of one variable with these signs at these points.

    The points (N,) are different, in any order; the labels are +1 and -1.
    """
    return int(np.sum(np.diff(labels[np.argsort(points)]) != 0))


@exercise(
    judge=compared((4, 2), (10, 4), (30, 10), (40, 20), (5, 9)),
    insight="At N = 2 M it is exactly 1/2: twice the coefficients is the capacity of a hyperplane.",
    mistakes={
        "all subsets up to M": lambda n, m: sum(math.comb(n, k) for k in range(m)) / 2.0 ** (n - 1),
        "without the factor 2": lambda n, m: sum(math.comb(n - 1, k) for k in range(m)) / 2.0**n,
        "one term too many": lambda n, m: (
            sum(math.comb(n - 1, k) for k in range(m + 1)) / 2.0 ** (n - 1)
        ),
    },
)
def share_of_separable_labels(points: int, coefficients: int) -> float:
    """Return the share of the 2^N labellings of N points that a polynomial follows.

    It has M coefficients, and the points' monomials are in general position: by Cover, 2 times
    the sum over k < M of binomial(N - 1, k) labellings out of 2^N.
    """
    return sum(math.comb(points - 1, k) for k in range(coefficients)) / 2.0 ** (points - 1)
