"""The bytes of a row of features on disk: as they are, or with 8 bits and a scale for each channel.

    SINGLE, HALF    D numbers, little-endian, as float32 or float16
    EightBits(C)    D codes of a byte, then C times lowest and step, as float32

With 8 bits a number x of a channel is kept as round((x - lowest) / step), where the channel's
lowest value and step = (highest - lowest) / 255 are those of this row: an image's code does
not depend on other images. So x is off by half a step at most. Where a channel is constant its step
is 0, and nothing is lost.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

FLOAT32, FLOAT16 = np.dtype("<f4"), np.dtype("<f2")
_LEVELS = 255


class RowFormat(Protocol):
    """How the D numbers of a row become bytes.

    Attributes:
        suffix: How the names of files of such rows end.
        dtype: Of the numbers that come back.
    """

    @property
    def suffix(self) -> str: ...

    @property
    def dtype(self) -> np.dtype: ...

    def row_bytes(self, feature_count: int) -> int:
        """Return the bytes of a row of D numbers."""
        ...

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Return rows (n, D) as bytes, uint8 (n, `row_bytes(D)`)."""
        ...

    def decode(self, content: np.ndarray) -> np.ndarray:
        """Return bytes (n, `row_bytes(D)`) as rows (n, D) of the format's dtype."""
        ...


@dataclass(frozen=True)
class Plain:
    """The numbers themselves.

    Attributes:
        dtype: `FLOAT32` or `FLOAT16`.
    """

    dtype: np.dtype

    @property
    def suffix(self) -> str:
        """`.rows` for float32, `.rows16` for float16."""
        return ".rows" if self.dtype == FLOAT32 else ".rows16"

    def row_bytes(self, feature_count: int) -> int:
        """Return D times the bytes of a number."""
        return self.dtype.itemsize * feature_count

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Return the numbers' bytes; what is beyond float16 becomes infinite."""
        with np.errstate(over="ignore"):
            numbers = np.ascontiguousarray(rows, self.dtype)
        return numbers.view(np.uint8).reshape(len(rows), self.row_bytes(rows.shape[1]))

    def decode(self, content: np.ndarray) -> np.ndarray:
        """Return the numbers, exactly."""
        return np.ascontiguousarray(content).view(self.dtype)


SINGLE, HALF = Plain(FLOAT32), Plain(FLOAT16)


@dataclass(frozen=True)
class EightBits:
    """A byte for each number, with the lowest value and the step of each channel of the row.

    Attributes:
        channels: Number C of channels, the last axis of what the row holds; divides D.
    """

    channels: int

    @property
    def suffix(self) -> str:
        """`.rows8`."""
        return ".rows8"

    @property
    def dtype(self) -> np.dtype:
        """Decoded numbers are float32."""
        return FLOAT32

    def row_bytes(self, feature_count: int) -> int:
        """Return D bytes and two float32 for each channel."""
        return feature_count + 2 * FLOAT32.itemsize * self.channels

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Return codes and scales; a channel with NaN or infinity decodes to NaN throughout."""
        x = np.asarray(rows, FLOAT32)
        x = x.reshape(len(x), x.shape[1] // self.channels, self.channels)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            lowest = x.min(axis=1, keepdims=True)
            step = (x.max(axis=1, keepdims=True) - lowest) / FLOAT32.type(_LEVELS)
            step[~np.isfinite(step)] = np.nan
            codes = np.rint(np.nan_to_num((x - lowest) / np.where(step > 0, step, 1)))
        scales = np.concatenate([lowest, step], axis=1).astype(FLOAT32)
        return np.concatenate(
            [
                codes.clip(0, _LEVELS).astype(np.uint8).reshape(len(rows), -1),
                scales.reshape(len(rows), -1).view(np.uint8),
            ],
            axis=1,
        )

    def decode(self, content: np.ndarray) -> np.ndarray:
        """Return lowest + step * code."""
        count = content.shape[1] - self.row_bytes(0)
        codes = content[:, :count].reshape(len(content), count // self.channels, self.channels)
        scales = np.ascontiguousarray(content[:, count:]).view(FLOAT32)
        lowest, step = scales.reshape(len(content), 2, 1, self.channels).swapaxes(0, 1)
        return (codes * step + lowest).reshape(len(content), count)
