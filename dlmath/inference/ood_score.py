"""The out-of-distribution score of an image: its distance from the training images.

The distance is taken in feature space and does not depend on the head, so an image can be far away
and confidently classified at once: such images are what it finds. `dlmath.inference.ood_fit` fits
it; this file stores and applies it.
"""

import io
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True, eq=False)
class OodScore:
    r"""Squared Mahalanobis distance from the nearest class.

    The classes are taken for Gaussians with one covariance: variances v_i along r directions u_i,
    and one variance v for all that is orthogonal to them. With z = x - m for the mean m of a class,

        d(x) = min over classes of sum_i (u_i z)^2 (1 / v_i - 1 / v) + |z|^2 / v.

    Source: Lee et al., "A simple unified framework for detecting out-of-distribution samples",
    NeurIPS 2018, eq. 2; Moghaddam, Pentland, "Probabilistic visual learning for object
    representation", PAMI 19(7), 1997, eq. 9 (one variance for the rest).

    Attributes:
        means: (K, D) of the classes.
        directions: (D, r), of length 1 and orthogonal.
        variances: (r,), above 0.
        rest: v, above 0.
    """

    means: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    rest: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the scores (N,) of features (N, D); NaN where a feature is not a number."""
        of_classes = [self._from(mean, features) for mean in self.means]
        return np.min(of_classes, axis=0)

    def _from(self, mean: np.ndarray, features: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):  # infinite features give NaN
            away = features - mean
            along = (away @ self.directions) ** 2
            squares = along @ (1 / self.variances - 1 / self.rest)
            return np.maximum(squares + (away**2).sum(axis=1) / self.rest, 0)

    def rounded(self) -> Self:
        """Return it as it will be read back."""
        return self.from_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return it as an `.npz` file of float32."""
        buffer = io.BytesIO()
        arrays: Any = {name: np.float32(array) for name, array in asdict(self).items()}
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        arrays: Any = np.load(io.BytesIO(content), allow_pickle=False)
        names = ("means", "directions", "variances", "rest")
        return cls(**{name: arrays[name].astype(np.float64) for name in names})
