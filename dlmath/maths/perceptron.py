"""The perceptron, Hebb's rule, and two ways of scaling features.

Sources: Tsemo, 2; Rosenblatt, "The perceptron", 1958; Novikoff, "On convergence proofs on
perceptrons", 1962; Ferguson, lines 41-54; Oja, "A simplified neuron model as a principal component
analyzer", 1982.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Perceptron:
    """The result of the perceptron algorithm.

    Attributes:
        weights: (d,), orthogonal to the separating hyperplane.
        updates: How often the weights were changed.
        converged: Whether a whole pass found every point on its side.
    """

    weights: np.ndarray
    updates: int
    converged: bool


def learn_perceptron(
    points: np.ndarray, labels: np.ndarray, *, most: int = 100_000, start: np.ndarray | None = None
) -> Perceptron:
    """Pass through the points, adding y x to the weights at every misclassified x.

    Args:
        points: (N, d).
        labels: (N,), +1 or -1.
        most: Updates after which to give up; on data that no hyperplane separates there is no end.
        start: (d,) first weights, 0 unless given. A point on the hyperplane counts as
            misclassified, or nothing would ever move.
    """
    weights = np.zeros(points.shape[1]) if start is None else np.asarray(start, float)
    updates = 0
    while updates < most:
        before = updates
        for point, label in zip(points, labels, strict=True):
            if label * (weights @ point) <= 0:
                weights = weights + label * point
                updates += 1
                if updates >= most:
                    break
        if updates == before:
            return Perceptron(weights, updates, True)
    return Perceptron(weights, updates, False)


def embed(points: np.ndarray) -> np.ndarray:
    """Return (x, 1) for each row x: an affine hyperplane of x is a linear one of (x, 1)."""
    return np.column_stack([points, np.ones(len(points))])


def min_max_scale(features: np.ndarray) -> np.ndarray:
    """Return (x - min) / (max - min), column by column, in [0, 1]; a constant column becomes 0."""
    low, high = features.min(axis=0), features.max(axis=0)
    return (features - low) / np.where(high > low, high - low, 1.0)


def standard_scale(features: np.ndarray) -> np.ndarray:
    """Return (x - mean) / s, column by column, with s the standard deviation over N, not N - 1."""
    deviation = features.std(axis=0)
    return (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def hebb(inputs: np.ndarray, start: np.ndarray, rate: float, *, decay: bool) -> np.ndarray:
    """Return the weights (N + 1, d) of a linear neuron y = w . x under Hebb's rule.

    w <- w + rate y x: the link is strengthened when both fire. With `decay` it also degrades by
    rate y^2 w, which is Oja's rule.
    """
    path = [np.asarray(start, float)]
    for x in inputs:
        w = path[-1]
        y = w @ x
        path.append(w + rate * y * (x - (y * w if decay else 0.0)))
    return np.array(path)
