r"""An approximate inverse Hessian: one factor that serves all classes, folds and penalties.

The Hessian is a (K - 1) x (K - 1) array of blocks X^T diag(c_kl) X + penalty. The preconditioner
keeps, for each of the K - 1 diagonal places, the block of the mean curvature

    M = X^T diag(c) X + diag(penalty, 0),      c_i = w_i (1 - |p_i|^2) / (K - 1).

For two classes it is the Hessian itself. With fewer rows than features, M is inverted by
Woodbury's identity in N x N, and the bias is eliminated.
"""

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from dlmath.convex.rows import Rows

# Keeps M definite in rounding: it moves the preconditioner, never the solution.
_RIDGE = 1e-12
_LEAST_CURVATURE = 1e-10


class Preconditioner:
    """The matrix M at one curvature, to be factored for one penalty after another.

    Args:
        rows: N rows of D standardised features.
        curvature: (N,), at least 0.
        weights: (N,), summing to one: a saturated row keeps a trace of its weight.
    """

    def __init__(self, rows: Rows, curvature: np.ndarray, weights: np.ndarray):
        self._rows = rows
        self._curvature = np.maximum(curvature, _LEAST_CURVATURE * weights)
        self._dual = rows.count < rows.width
        if not self._dual:
            self._gram = rows.gram(self._curvature)

    def factor(self, penalty: np.ndarray) -> None:
        """Make M^-1 for a penalty (D,)."""
        if self._dual:
            self._factor_rows(penalty)
        else:
            matrix = self._gram.copy(order="F")
            matrix[np.diag_indices_from(matrix)] += np.append(penalty, 0.0)
            matrix[np.diag_indices_from(matrix)] += _RIDGE * np.trace(matrix)
            self._inverse = _invert(matrix)

    def _factor_rows(self, penalty: np.ndarray) -> None:
        """Factor I + S X P^-1 X^T S with S^2 = diag(curvature), and prepare the bias.

        M = [[A, b], [b^T, s]] with A = X^T S^2 X + P; the bias has the Schur complement
        s - b^T A^-1 b.
        """
        self._penalty = penalty
        root = np.sqrt(self._curvature)
        matrix = np.asfortranarray(root[:, np.newaxis] * self._rows.inner(penalty) * root)
        matrix[np.diag_indices_from(matrix)] += 1.0
        self._inverse = _invert(matrix)
        border = self._rows.adjoint(self._curvature)  # (D + 1,)
        self._border = border[:-1]
        self._border_solved = self._solve_features(self._border[:, np.newaxis])[:, 0]
        schur = border[-1] - self._border @ self._border_solved
        self._schur = max(schur, _RIDGE * border[-1])

    def solve(self, residual: np.ndarray) -> np.ndarray:
        """Return M^-1 r, (D + 1, ...), of r (D + 1, ...)."""
        columns = residual.reshape(len(residual), -1)
        if not self._dual:
            solution = self._inverse @ columns
        else:
            features = self._solve_features(columns[:-1])
            bias = (columns[-1] - self._border @ features) / self._schur
            solution = np.vstack([features - np.outer(self._border_solved, bias), bias])
        return solution.reshape(residual.shape)

    def _solve_features(self, columns: np.ndarray) -> np.ndarray:
        """Return A^-1 r = P^-1 (r - X^T S (I + S X P^-1 X^T S)^-1 S X P^-1 r), (D, C)."""
        root = np.sqrt(self._curvature)[:, np.newaxis]
        scaled = columns / self._penalty[:, np.newaxis]
        seen = root * self._rows.times(np.vstack([scaled, np.zeros((1, scaled.shape[1]))]))
        inside = root * (self._inverse @ seen)
        return scaled - self._rows.adjoint(inside)[:-1] / self._penalty[:, np.newaxis]


def _invert(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of a positive definite matrix in Fortran order, overwriting it.

    A product with the inverse is one pass at the speed of memory; two triangular solves are
    several times slower. What precision that loses, a preconditioner does not need.
    """
    factor, failed = dpotrf(matrix, lower=True, overwrite_a=True, clean=False)
    if not failed:
        factor, failed = dpotri(factor, lower=True, overwrite_c=True)
    if failed:
        raise np.linalg.LinAlgError("the preconditioner is not positive definite")
    return np.ascontiguousarray(np.tril(factor) + np.tril(factor, -1).T)
