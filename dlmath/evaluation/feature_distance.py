"""How unlike the training images an image is: its distance from them in feature space.

Both distances ask nothing of the head, so an image can be far away and confidently classified at
once: that is what they are for.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.covariance import ledoit_wolf

NEIGHBOURS = 10

_AT_ONCE = 512  # rows, so that the distances of many images are not all in memory


@dataclass(frozen=True, eq=False)
class Mahalanobis:
    """Squared Mahalanobis distance from the nearest class.

    The classes are taken for Gaussians with one covariance, which is shrunk (Ledoit, Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate
    Analysis 88, 2004) since there are about as many features as images. Source: Lee et al., "A
    simple unified framework for detecting out-of-distribution samples", NeurIPS 2018, eq. 2.

    Attributes:
        means: (K, D) of the classes, after whitening.
        whitening: (D, D), W with W^T W the inverse covariance.
    """

    means: np.ndarray
    whitening: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, labels: np.ndarray) -> Self:
        """Fit to the features (N, D) and the class indices (N,) of training images."""
        classes = np.unique(labels)
        means = np.stack([features[labels == k].mean(axis=0, dtype=np.float64) for k in classes])
        residuals = features - means[np.searchsorted(classes, labels)]
        covariance, _ = ledoit_wolf(residuals, assume_centered=True)
        values, vectors = np.linalg.eigh(covariance)
        # A feature that never varies says nothing, and has no scale of its own.
        scale = np.where(values > 1e-12 * values.max(), values, np.inf) ** -0.5
        whitening = scale[:, np.newaxis] * vectors.T
        return cls(means @ whitening.T, whitening)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the distances (M,) of features (M, D)."""
        return _squared_distances(features @ self.whitening.T, self.means).min(axis=1)


@dataclass(frozen=True, eq=False)
class NearestNeighbours:
    """Distance to the k-th nearest training image, features being scaled to length 1.

    Source: Sun et al., "Out-of-distribution detection with deep nearest neighbors", ICML 2022.

    Attributes:
        directions: (N, D) of the training images, of length 1.
        neighbours: k.
    """

    directions: np.ndarray
    neighbours: int

    @classmethod
    def fit(cls, features: np.ndarray, neighbours: int = NEIGHBOURS) -> Self:
        """Fit to the features (N, D) of training images, N at least `neighbours`."""
        if len(features) < neighbours:
            raise ValueError(
                f"The distance to neighbour number {neighbours} needs as many training images. "
                f"Received: {len(features)}"
            )
        return cls(_directions(features), neighbours)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the distances (M,) of features (M, D); a training image counts itself."""
        directions = _directions(features)
        parts = [directions[i : i + _AT_ONCE] for i in range(0, len(directions), _AT_ONCE)]
        return np.concatenate([np.empty(0), *map(self._of_part, parts)])

    def _of_part(self, directions: np.ndarray) -> np.ndarray:
        squares = _squared_distances(directions, self.directions)
        nearest = self.neighbours - 1
        return np.sqrt(np.partition(squares, nearest, axis=1)[:, nearest])


def distance_limit(distances: np.ndarray, share: float = 0.95) -> float:
    """Return the distance that this share of the validation images keep to, the next above it."""
    return float(np.quantile(distances, share, method="higher"))


def _directions(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, np.finfo(np.float64).tiny)


def _squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return (M, N) squared distances of rows (M, D) and (N, D), at least 0 despite rounding."""
    squares = (left**2).sum(axis=1)[:, np.newaxis] + (right**2).sum(axis=1)
    return np.maximum(squares - 2 * left @ right.T, 0)
