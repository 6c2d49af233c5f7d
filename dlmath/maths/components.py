"""Principal components: the directions in which rows vary most, and coordinates along them."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Components:
    """An affine map from rows (N, d) to coordinates (N, k) of deviation 1 on the rows it is from.

    Attributes:
        mean: (d,) of those rows.
        directions: (d, k), orthonormal, the direction of most variance first.
        deviations: (k,) standard deviations of the rows along them, above 0.
    """

    mean: np.ndarray
    directions: np.ndarray
    deviations: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, count: int) -> Self:
        """Return the first `count` components of rows (N, d), fewer where the rows span fewer."""
        mean = rows.mean(axis=0)
        _, singular, directions = np.linalg.svd(rows - mean, full_matrices=False)
        count = min(count, int(np.sum(singular > 1e-10 * singular[0])))
        return cls(mean, directions[:count].T, singular[:count] / np.sqrt(len(rows)))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the coordinates (N, k) of rows (N, d)."""
        return (rows - self.mean) @ self.directions / self.deviations
