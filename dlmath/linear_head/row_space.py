r"""The rows in the space that they span, for fewer rows than features.

A penalised kernel is a combination of the rows that have weight: a part that is orthogonal to them
would cost penalty and change no logit. With Q, (D, n), an orthonormal basis of their span, a kernel
is Q v and |Q v| = |v|, so the problem in v, with the rows Z = X Q, has the same optimum and as many
columns as there are rows.
"""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import qr

from dlmath.linear_head.design_matrix import DesignMatrix
from dlmath.linear_head.standardized_features import StandardizedFeatures


class RowSpace(DesignMatrix):
    """N rows in a basis of the span of some of them, Z (N, n), and a last column of ones.

    Args:
        rows: N rows of D standardised features.
        present: (N,) bool, the n rows that have weight.
        spread: (D,), the variance that each feature is divided by, those of the rows that are
            present: one penalty then suits every column, as after standardising by these rows.
    """

    def __init__(self, rows: StandardizedFeatures, present: np.ndarray, spread: np.ndarray):
        self._scale = np.sqrt(spread)
        scaled = np.concatenate([block for _, block in rows.blocks()]) / self._scale
        self._basis, triangle = qr(
            scaled[present].T, mode="economic", overwrite_a=True, check_finite=False
        )
        self.count, self.width = len(scaled), self._basis.shape[1]
        exact = np.empty((self.count, self.width))
        exact[present], exact[~present] = triangle.T, scaled[~present] @ self._basis
        self._held: dict[type, np.ndarray] = {
            np.float64: exact,
            np.float32: exact.astype(np.float32),
        }

    def blocks(self, dtype: type = np.float64) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield all rows."""
        yield slice(None), self._held[dtype]

    def in_features(self, parameters: np.ndarray) -> np.ndarray:
        """Return (D + 1, ...) for features divided by their spread, of coordinates (n + 1, ...)."""
        kernel = np.tensordot(self._basis, parameters[:-1], axes=1)
        return np.concatenate([kernel, parameters[-1:]])

    def project(self, parameters: np.ndarray) -> np.ndarray:
        """Return the coordinates, (n + 1, ...), nearest to a kernel and bias (D + 1, ...).

        Those are for standardised features, before they are divided by their spread.
        """
        scale = self._scale.reshape(-1, *[1] * (parameters.ndim - 1))
        kernel = np.tensordot(self._basis.T, scale * parameters[:-1], axes=1)
        return np.concatenate([kernel, parameters[-1:]])


def is_smaller(rows: StandardizedFeatures) -> bool:
    """Return whether the space of the rows is smaller than that of the features."""
    return rows.count < rows.width


def all_rows(rows: StandardizedFeatures) -> DesignMatrix:
    """Return the rows in the smaller of the two spaces, with the same penalty for every column."""
    if not is_smaller(rows):
        return rows
    return RowSpace(rows, np.ones(rows.count, bool), np.ones(rows.width))
