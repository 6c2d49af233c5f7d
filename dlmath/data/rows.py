"""Rows of numbers for images, in memory or mapped from files."""

from typing import Any, Protocol

import numpy as np


class Rows(Protocol):
    """What is read of an array with a row for each of N images; a NumPy array is one."""

    @property
    def dtype(self) -> Any:
        """The type of the numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, N first."""

    def __len__(self) -> int:
        """Return N."""

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return the rows of a slice, or of an array (n,) of row numbers, as an array."""
