"""Standardized features, the rows of the head's problem.

Small sets are standardised once; large ones, which may be float32 in a mapped file, block by block
at every pass, so that memory stays bounded.
"""

from collections.abc import Iterator

import numpy as np

from dlmath.linear_head.design_matrix import DesignMatrix

# A set up to this size is held as one float64 block; a larger one passes through in pieces.
HELD_BYTES = 512 * 2**20
BLOCK_BYTES = 4 * 2**20  # small enough to stay in the processor's cache

# A spread that float32 would lose in rounding the mean is no information.
_NEGLIGIBLE = 1e-7
# Least variance that some of the rows are taken to leave a feature, as a share of that in all rows.
# A feature that owes its variance to the rows left out, such as a ReLU that only they switch on,
# keeps rounding noise: divided by it, those rows would lie thousands of deviations away.
LEAST_SPREAD = 0.01


class StandardizedFeatures(DesignMatrix):
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

        It is at least LEAST_SPREAD.
        """
        shares = weights / weights.sum(axis=0)
        mean = sum(block.T @ shares[part] for part, block in self.blocks())
        square = sum((block**2).T @ shares[part] for part, block in self.blocks())
        return np.maximum(np.asarray(square) - np.asarray(mean) ** 2, LEAST_SPREAD)

    def spread_without(self, features: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return the variance, (D,), of each standardised feature without some of the rows.

        Args:
            features: Raw features (n, D) of the rows that are left out.
            shares: (n,), their weights as shares of all.
        """
        x, left = self.standardise(features), 1 - shares.sum()
        square = (1 - shares @ x**2) / left
        variance = np.maximum(square - (shares @ x / left) ** 2, LEAST_SPREAD)
        return np.where(self._factor > 0, variance, 1.0)

    def standardise(self, features: np.ndarray) -> np.ndarray:
        """Return float64 (n, D) of raw features (n, D), without the column of ones."""
        return (features - self.mean) * self._factor

    def augment(self, features: np.ndarray) -> np.ndarray:
        """Return float64 (n, D + 1): standardised features and the column of ones."""
        return np.column_stack([self.standardise(features), np.ones(len(features))])

    def in_features(self, parameters: np.ndarray) -> np.ndarray:
        """Return the parameters themselves: the columns are the standardised features."""
        return parameters

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
