"""Inverses of M = X^T diag(c) X + diag(penalty, 0), by features or by rows, whichever are fewer."""

from typing import Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from dlmath.linear_head.standardized_features import StandardizedFeatures

# Keeps M definite in rounding: it moves a preconditioner, never a solution.
_RIDGE = 1e-12
# Of a Gram matrix in float32, relative to its mean diagonal entry.
_ROUNDING = 1e-6


class Factor(Protocol):
    """A factored M."""

    def solve(self, columns: np.ndarray) -> np.ndarray:
        """Return M^-1 r, (D + 1, C), of r (D + 1, C)."""


class FeatureFactor:
    """M by its Cholesky factor in (D + 1) x (D + 1).

    Args:
        gram: X^T diag(c) X, (D + 1, D + 1), coarse and symmetric.
        penalty: (D,), above 0.
    """

    def __init__(self, gram: np.ndarray, penalty: np.ndarray):
        matrix = np.array(gram.T, order="F")  # the same, and copied without being turned
        diagonal = np.einsum("dd->d", matrix)
        diagonal[:-1] += penalty + _ROUNDING * diagonal.mean()
        self._cholesky = _cholesky(matrix)

    def solve(self, columns: np.ndarray) -> np.ndarray:
        return dpotrs(self._cholesky, columns, lower=True)[0]


class RowFactor:
    """M by Woodbury's identity in N x N; the bias is eliminated.

    With S^2 = diag(c), P = diag(penalty) and M = [[A, b], [b^T, s]], where A = X^T S^2 X + P,

        A^-1 r = P^-1 (r - X^T S (I + S X P^-1 X^T S)^-1 S X P^-1 r),

    and the bias has the Schur complement s - b^T A^-1 b.

    Args:
        rows: X.
        inner: X P^-1 X^T, (N, N), without the column of ones.
        curvature: c, (N,).
        penalty: (D,), above 0.
    """

    def __init__(
        self,
        rows: StandardizedFeatures,
        inner: np.ndarray,
        curvature: np.ndarray,
        penalty: np.ndarray,
    ):
        self._rows = rows
        self._penalty = penalty[:, np.newaxis]
        self._root = np.sqrt(curvature)[:, np.newaxis]
        matrix = np.array(self._root * inner * self._root.T, order="F")
        np.einsum("nn->n", matrix)[:] += 1.0
        self._cholesky = _cholesky(matrix)
        border = rows.adjoint(curvature)[:, np.newaxis]  # (D + 1, 1)
        self._border = border[:-1]
        self._solved_border = self._solve_features(self._border)
        schur = border[-1] - self._border.T @ self._solved_border
        self._schur = np.maximum(schur, _RIDGE * border[-1])

    def solve(self, columns: np.ndarray) -> np.ndarray:
        features = self._solve_features(columns[:-1])
        bias = (columns[-1:] - self._border.T @ features) / self._schur
        return np.concatenate([features - self._solved_border * bias, bias])

    def _solve_features(self, columns: np.ndarray) -> np.ndarray:
        scaled = columns / self._penalty
        no_bias = np.zeros((1, scaled.shape[1]))
        seen = self._root * self._rows.times(np.concatenate([scaled, no_bias]))
        inside = self._root * dpotrs(self._cholesky, seen, lower=True)[0]
        return scaled - self._rows.adjoint(inside)[:-1] / self._penalty


def _cholesky(matrix: np.ndarray) -> np.ndarray:
    """Return the lower Cholesky factor of a matrix in Fortran order, which is overwritten."""
    factor, failed = dpotrf(matrix, lower=True, overwrite_a=True, clean=False)
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive definite in float64")
    return factor
