"""Matrix products with rows of columns and a last column of ones, over blocks of rows.

Everything the solver does to the features is one of three products: X t, X^T r, and X^T C X.
They are taken in float64 whatever the features are held in; `coarse` ones, in float32, take half
the time and serve where a later exact pass corrects them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from scipy.linalg.blas import ssyrk


class DesignMatrix(ABC):
    """N rows of D columns and a last column of ones: X, (N, D + 1).

    Attributes:
        count: N.
        width: D.
    """

    count: int
    width: int

    @abstractmethod
    def blocks(self, dtype: type = np.float64) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of the rows and their columns, without the ones."""

    @abstractmethod
    def in_features(self, parameters: np.ndarray) -> np.ndarray:
        """Return (features + 1, ...) for standardised features of what is given for columns."""

    def times(self, parameters: np.ndarray, *, coarse: bool = False) -> np.ndarray:
        """Return X t, (N, ...), of t (D + 1, ...)."""
        dtype = np.float32 if coarse else np.float64
        columns = parameters.reshape(self.width + 1, -1)
        kernel = columns[:-1].astype(dtype)
        product = np.empty((self.count, columns.shape[1]))
        for part, block in self.blocks(dtype):
            product[part] = block @ kernel
        product += columns[-1]
        return product.reshape(self.count, *parameters.shape[1:])

    def adjoint(self, residuals: np.ndarray, *, coarse: bool = False) -> np.ndarray:
        """Return X^T r, (D + 1, ...), of r (N, ...)."""
        dtype = np.float32 if coarse else np.float64
        columns = residuals.reshape(self.count, -1)
        rounded = columns.astype(dtype)
        product = np.zeros((self.width + 1, columns.shape[1]))
        for part, block in self.blocks(dtype):
            product[:-1] += block.T @ rounded[part]
        product[-1] = columns.sum(axis=0)
        return product.reshape(self.width + 1, *residuals.shape[1:])

    def gram(self, curvature: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """Return X^T diag(c) X, (D + 1, D + 1), for c (N,) >= 0, over chosen rows (N,): coarse."""
        gram = np.zeros((self.width, self.width), np.float32, order="F")
        border = np.zeros(self.width + 1)
        for part, block in self.blocks(np.float32):
            rows = slice(None) if chosen is None else chosen[part]
            c = curvature[part][rows]
            scaled = block[rows] * np.sqrt(c).astype(np.float32)[:, np.newaxis]
            gram = ssyrk(1.0, scaled.T, beta=1.0, c=gram, overwrite_c=True, lower=True)
            border += np.append(np.sqrt(c) @ scaled, c.sum())
        bordered = np.empty((self.width + 1, self.width + 1))
        bordered[:-1, :-1] = gram + gram.T  # above the diagonal `gram` is 0
        np.einsum("dd->d", bordered)[:-1] /= 2
        bordered[-1] = bordered[:, -1] = border
        return bordered
