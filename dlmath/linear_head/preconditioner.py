r"""Approximate inverse Hessians that serve many Newton steps.

The Hessian of K classes is a (K - 1) x (K - 1) array of blocks X^T diag(c_kl) X + penalty. A
preconditioner keeps one block, of the mean curvature, for all K - 1 places on the diagonal:

    M = X^T diag(c) X + diag(penalty, 0),      c_i = w_i (1 - |p_i|^2) / (K - 1).

For two classes M is the Hessian itself, at the point where it was made.
"""

import numpy as np

from dlmath.linear_head.factors import Factor, FeatureFactor, RowFactor
from dlmath.linear_head.objective import Objective, Point
from dlmath.linear_head.standardized_features import StandardizedFeatures

# A saturated row keeps a trace of its weight.
_LEAST_CURVATURE = 1e-10


class Shared:
    """One M for B problems that are nearly the same.

    Attributes:
        patience: Inner iterations that cost about what a new Gram matrix does.
    """

    patience = 20

    def __init__(self, rows: StandardizedFeatures):
        self._rows = rows
        self.made = False

    def renew(self, objective: Objective, point: Point) -> None:
        """Make M for the mean curvature at a point."""
        self._curvature = _curvature(objective, point).mean(axis=1)
        if self._rows.count >= self._rows.width:
            self._gram = self._rows.gram(self._curvature)
        self.made = True
        self.factor(objective.penalty)

    def factor(self, penalty: np.ndarray) -> None:
        """Factor M for another penalty (D, B)."""
        mean = penalty.mean(axis=1)
        if self._rows.count >= self._rows.width:
            self._factor: Factor = FeatureFactor(self._gram, mean)
        else:
            inner = self._rows.inner(mean)
            self._factor = RowFactor(self._rows, inner, self._curvature, mean)

    def solve(self, residual: np.ndarray) -> np.ndarray:
        """Return M^-1 r, (D + 1, B, K - 1), of r (D + 1, B, K - 1)."""
        return self._factor.solve(residual.reshape(len(residual), -1)).reshape(residual.shape)


class PerFold:
    """An M for each fold, without its rows; together they cost one Gram matrix.

    Every row is held out of one fold, so the Gram matrices of the held-out rows add up to that
    of all, and each fold's is the rest.

    Args:
        rows: N rows of D features.
        held_out: (N, B) bool, whether a row is held out of problem b. No row is so twice.
    """

    patience = 12

    def __init__(self, rows: StandardizedFeatures, held_out: np.ndarray):
        self._rows = rows
        self._held_out = held_out
        self.made = False

    def renew(self, objective: Objective, point: Point) -> None:
        """Make every M for the mean curvature at a point, over the folds that a row is in."""
        present = ~self._held_out
        curvature = _curvature(objective, point) * present
        curvature = curvature.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
        self._curvature = curvature[:, np.newaxis] * present
        if self._rows.count >= self._rows.width:
            parts = [self._rows.gram(curvature, held) for held in self._held_out.T]
            everywhere = np.logical_not(self._held_out.any(axis=1))
            whole = sum(parts) + (self._rows.gram(curvature, everywhere) if everywhere.any() else 0)
            self._grams = [whole - part for part in parts]
        self.made = True
        self.factor(objective.penalty)

    def factor(self, penalty: np.ndarray) -> None:
        """Factor every M for another penalty (D, B)."""
        if self._rows.count >= self._rows.width:
            pairs = zip(self._grams, penalty.T, strict=True)
            self._factors: list[Factor] = [FeatureFactor(gram, each) for gram, each in pairs]
        else:
            mean = penalty.mean(axis=1)
            inner = self._rows.inner(mean)
            self._factors = [
                RowFactor(self._rows, inner, curvature, mean) for curvature in self._curvature.T
            ]

    def solve(self, residual: np.ndarray) -> np.ndarray:
        """Return M^-1 r, (D + 1, B, K - 1), of r (D + 1, B, K - 1)."""
        solved = [factor.solve(residual[:, b]) for b, factor in enumerate(self._factors)]
        return np.stack(solved, axis=1)


def _curvature(objective: Objective, point: Point) -> np.ndarray:
    return np.maximum(objective.row_curvature(point), _LEAST_CURVATURE * objective.weights)
