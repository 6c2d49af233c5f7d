r"""Approximate inverse Hessians that serve many Newton steps.

The Hessian of K classes is a (K - 1) x (K - 1) array of blocks X^T diag(c_kl) X + penalty. A
preconditioner keeps one block, of the mean curvature, for all K - 1 places on the diagonal:

    M = X^T diag(c) X + diag(penalty, 0),      c_i = w_i (1 - |p_i|^2) / (K - 1).

For two classes M is the Hessian itself, at the point where it was made.
"""

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from dlmath.linear_head.design_matrix import DesignMatrix
from dlmath.linear_head.objective import Objective, Point

# A saturated row keeps a trace of its weight.
_LEAST_CURVATURE = 1e-10
# Of a Gram matrix in float32, relative to its mean diagonal entry: it keeps M definite in rounding,
# and moves a preconditioner, never a solution.
_ROUNDING = 1e-6


class Factor:
    """M by its Cholesky factor in (D + 1) x (D + 1).

    Args:
        gram: X^T diag(c) X, (D + 1, D + 1), coarse and symmetric.
        penalty: (D,), above 0.
    """

    def __init__(self, gram: np.ndarray, penalty: np.ndarray):
        matrix = np.array(gram.T, order="F")  # the same, and copied without being turned
        diagonal = np.einsum("dd->d", matrix)
        diagonal[:-1] += penalty + _ROUNDING * diagonal.mean()
        self._cholesky, failed = dpotrf(matrix, lower=True, overwrite_a=True, clean=False)
        if failed:
            raise np.linalg.LinAlgError("the matrix is not positive definite in float64")

    def solve(self, columns: np.ndarray) -> np.ndarray:
        """Return M^-1 r, (D + 1, C), of r (D + 1, C)."""
        return dpotrs(self._cholesky, columns, lower=True)[0]


class Shared:
    """One M for B problems that are nearly the same.

    Attributes:
        patience: Inner iterations that cost about what a new Gram matrix does.
    """

    patience = 20

    def __init__(self, rows: DesignMatrix):
        self._rows = rows
        self.made = False

    def renew(self, objective: Objective, point: Point) -> None:
        """Make M for the mean curvature at a point."""
        self._gram = self._rows.gram(_curvature(objective, point).mean(axis=1))
        self.made = True
        self.factor(objective.penalty)

    def factor(self, penalty: np.ndarray) -> None:
        """Factor M for another penalty (D, B)."""
        self._factor = Factor(self._gram, penalty.mean(axis=1))

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

    def __init__(self, rows: DesignMatrix, held_out: np.ndarray):
        self._rows = rows
        self._held_out = held_out
        self.made = False

    def renew(self, objective: Objective, point: Point) -> None:
        """Make every M for the mean curvature at a point, over the folds that a row is in."""
        present = ~self._held_out
        curvature = _curvature(objective, point) * present
        curvature = curvature.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
        parts = [self._rows.gram(curvature, held) for held in self._held_out.T]
        everywhere = np.logical_not(self._held_out.any(axis=1))
        whole = sum(parts) + (self._rows.gram(curvature, everywhere) if everywhere.any() else 0)
        self._grams = [whole - part for part in parts]
        self.made = True
        self.factor(objective.penalty)

    def factor(self, penalty: np.ndarray) -> None:
        """Factor every M for another penalty (D, B)."""
        pairs = zip(self._grams, penalty.T, strict=True)
        self._factors = [Factor(gram, each) for gram, each in pairs]

    def solve(self, residual: np.ndarray) -> np.ndarray:
        """Return M^-1 r, (D + 1, B, K - 1), of r (D + 1, B, K - 1)."""
        solved = [factor.solve(residual[:, b]) for b, factor in enumerate(self._factors)]
        return np.stack(solved, axis=1)


def _curvature(objective: Objective, point: Point) -> np.ndarray:
    return np.maximum(objective.row_curvature(point), _LEAST_CURVATURE * objective.weights)
