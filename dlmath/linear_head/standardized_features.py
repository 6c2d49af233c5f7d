"""Standardized features and the matrix products with them, over blocks of rows.

Everything the solver does to the features is one of three products: X t, X^T r, and X^T C X.
They are taken in float64 whatever the features are held in; `coarse` ones, in float32, take half
the time and serve where a later exact pass corrects them. Small sets are standardised once; large
ones, which may be float32 in a mapped file, block by block at every pass, so that memory stays
bounded.
"""

from collections.abc import Iterator

import numpy as np
from scipy.linalg.blas import ssyrk

# A set up to this size is held as one float64 block; a larger one passes through in pieces.
HELD_BYTES = 512 * 2**20
BLOCK_BYTES = 4 * 2**20  # small enough to stay in the processor's cache

# A spread that float32 would lose in rounding the mean is no information.
_NEGLIGIBLE = 1e-7


class StandardizedFeatures:
    """N rows of D standardised features and a last column of ones: X, (N, D + 1).

    Column j is (f_j - mean_j) / scale_j with the weighted mean and standard deviation, so that
    one penalty suits features of any unit. A constant feature becomes a column of zeros.

    Args:
        features: (N, D), float32 or float64, in memory or mapped from a file.
        weights: (N,), at least 0, with a positive sum.
    """

    def __init__(self, features: np.ndarray, weights: np.ndarray):
        self._features = features
        self._held: dict[type, np.ndarray] = {}
        self.count, self.width = features.shape
        self.mean, variance = self._moments(weights / weights.sum())
        constant = variance <= (_NEGLIGIBLE * self.mean) ** 2
        if not np.isfinite(variance).all():
            raise ValueError("`features` must be finite. Received: NaN or infinite values")
        self.scale = np.sqrt(np.where(constant, 1.0, variance))
        self._factor = np.where(constant, 0.0, 1 / self.scale)
        if 8 * self.count * self.width <= HELD_BYTES:
            exact = self.standardise(features)
            self._held = {np.float64: exact, np.float32: exact.astype(np.float32)}

    def _moments(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance, (D,) each, in two passes: one would cancel digits."""
        mean = sum(shares[part] @ self._features[part] for part in self._parts())
        variance = sum(shares[part] @ (self._features[part] - mean) ** 2 for part in self._parts())
        return np.asarray(mean), np.asarray(variance)

    def spread(self, weights: np.ndarray) -> np.ndarray:
        """Return the variance, (D, B), of each standardised feature under weights (N, B).

        A column without spread gets 1.
        """
        shares = weights / weights.sum(axis=0)
        mean = sum(block.T @ shares[part] for part, block in self.blocks())
        square = sum((block**2).T @ shares[part] for part, block in self.blocks())
        variance = np.asarray(square) - np.asarray(mean) ** 2
        return np.where(variance <= _NEGLIGIBLE * np.asarray(square), 1.0, variance)

    def spread_without(self, features: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return the variance, (D,), of each standardised feature without some of the rows.

        Args:
            features: Raw features (n, D) of the rows that are left out.
            shares: (n,), their weights as shares of all.
        """
        x, left = self.standardise(features), 1 - shares.sum()
        square = (1 - shares @ x**2) / left
        variance = square - (shares @ x / left) ** 2
        present = (self._factor > 0) & (variance > _NEGLIGIBLE * square)
        return np.where(present, variance, 1.0)

    def standardise(self, features: np.ndarray) -> np.ndarray:
        """Return float64 (n, D) of raw features (n, D), without the column of ones."""
        return (features - self.mean) * self._factor

    def augment(self, features: np.ndarray) -> np.ndarray:
        """Return float64 (n, D + 1): standardised features and the column of ones."""
        return np.column_stack([self.standardise(features), np.ones(len(features))])

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

    def inner(self, penalty: np.ndarray) -> np.ndarray:
        """Return X diag(1 / penalty) X^T, (N, N), without the column of ones; penalty (D,) > 0."""
        whole = np.concatenate([block for _, block in self.blocks()]) / np.sqrt(penalty)
        return whole @ whole.T

    def restandardise(self, raw: np.ndarray) -> np.ndarray:
        """Return (D + 1, ...) for standardised features of what is given for raw ones."""
        kernel = raw[:-1] * self.scale.reshape(-1, *[1] * (raw.ndim - 1))
        bias = raw[-1] + np.tensordot(self.mean, raw[:-1], axes=1)
        return np.concatenate([kernel, bias[np.newaxis]])

    def unstandardise(self, parameters: np.ndarray) -> np.ndarray:
        """Return (D + 1, ...) for raw features of what is given for standardised ones."""
        kernel = parameters[:-1] * self._factor.reshape(-1, *[1] * (parameters.ndim - 1))
        bias = parameters[-1] - np.tensordot(self.mean, kernel, axes=1)
        return np.concatenate([kernel, bias[np.newaxis]])

    def blocks(self, dtype: type = np.float64) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of the rows and their standardised features, without the ones."""
        if self._held:
            yield slice(None), self._held[dtype]
            return
        mean: np.ndarray = self.mean.astype(dtype)
        factor: np.ndarray = self._factor.astype(dtype)
        for part in self._parts():
            block: np.ndarray = self._features[part].astype(dtype)
            block -= mean
            block *= factor
            yield part, block

    def _parts(self) -> Iterator[slice]:
        step = max(1, BLOCK_BYTES // (8 * self.width))
        for first in range(0, self.count, step):
            yield slice(first, first + step)
