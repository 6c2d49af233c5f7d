"""The decision boundary of least degree (Tsemo, Definition 5.4).

A polynomial p classifies by its sign. Some p of degree d is right on all points if and only if a
plane separates their monomials up to d, which is a linear programme. For a fraction alpha below 1
the exact question, how few points must be given up, is NP-hard (Johnson and Preparata, "The densest
hemisphere problem", 1978); the programme with slack, the least sum of violations, gives a
polynomial whose accuracy is a lower bound, and so a degree that is an upper bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog, nnls

from dlmath.maths.polynomials import monomials, written


@dataclass(frozen=True)
class Boundary:
    """A polynomial that classifies by its sign.

    Attributes:
        degree: Its degree.
        coefficients: Of the monomials in the order of `polynomials.powers`.
        accuracy: Share of the points that it was found on and is right on.
        dimension: Of the points.
    """

    degree: int
    coefficients: np.ndarray
    accuracy: float
    dimension: int

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the polynomial at points (N, d)."""
        return monomials(points, self.degree) @ self.coefficients

    def __str__(self) -> str:
        return written(self.coefficients, self.dimension, self.degree)


def fit_boundary(points: np.ndarray, labels: np.ndarray, degree: int) -> Boundary:
    """Return the polynomial of a degree with the least sum of violations of y p(x) >= 1.

    Args:
        points: (N, d).
        labels: (N,), +1 or -1.
        degree: At most this.
    """
    features = monomials(points, degree)
    scale = np.abs(features).max(axis=0)  # the solver wants entries of one size
    scale = np.where(scale > 0, scale, 1.0)
    rows, width = features.shape
    signed = features / scale * labels[:, np.newaxis]
    # Variables p, q >= 0 with coefficients p - q, and the slacks; a trace of a price on p and q
    # chooses the smallest of many polynomials that are all right.
    answer = linprog(
        np.concatenate([np.full(2 * width, 1e-6), np.full(rows, 1 / rows)]),
        A_ub=-np.hstack([signed, -signed, np.eye(rows)]),
        b_ub=-np.ones(rows),
        bounds=(0, None),
        method="highs",
    )
    coefficients = (answer.x[:width] - answer.x[width : 2 * width]) / scale
    accuracy = float(np.mean(labels * (features @ coefficients) > 0))
    return Boundary(degree, coefficients, accuracy, points.shape[1])


def hulls_apart(points: np.ndarray, labels: np.ndarray, degree: int) -> float:
    """Return the least |sum_i l_i y_i m(x_i)| over weights l >= 0 of sum 1, m being the monomials.

    It is 0 if and only if no polynomial of the degree is right on all points (Gordan, 1873): then
    some mixture of the monomials of one class is one of the other's. So it proves from the points
    that there is none, where `fit_boundary` only fails to find one.

    Args:
        points: (N, d).
        labels: (N,), +1 or -1.
        degree: Of the monomials.
    """
    signed = (monomials(points, degree) * labels[:, np.newaxis]).T
    system = np.vstack([signed, np.ones(len(points))])
    target = np.append(np.zeros(len(signed)), 1.0)
    weights = nnls(system, target)[0]  # the best ones, up to their sum
    return float(np.linalg.norm(signed @ weights) / weights.sum())


def by_degree(points: np.ndarray, labels: np.ndarray, highest: int) -> Iterator[Boundary]:
    """Yield the boundary of degree 1, 2, ..., up to `highest` or the first right on all points."""
    for degree in range(1, highest + 1):
        boundary = fit_boundary(points, labels, degree)
        yield boundary
        if boundary.accuracy == 1:
            return


def least_degree(
    points: np.ndarray, labels: np.ndarray, alpha: float = 1.0, highest: int = 8
) -> Boundary | None:
    """Return the boundary of least degree that is right on a fraction of at least alpha.

    With alpha = 1 the degree is the least there is, by linear programming; below, it is an upper
    bound. None if no degree up to `highest` will do.
    """
    found = by_degree(points, labels, highest)
    return next((boundary for boundary in found if boundary.accuracy >= alpha), None)
