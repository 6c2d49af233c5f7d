"""Rows of features on disk, found again by what they were computed from.

A folder holds segments, each a file of some hundred rows that appears whole or not at all. A
computation that is killed loses its unfinished segment and nothing else; two runs that compute the
same rows at the same time write them twice, which does no harm. A segment is named after the hash
of its bytes, so that damage is noticed and the rows are computed again.

    <hash of the bytes>.rows      n keys of 32 bytes, then n rows of D float32, little-endian
    <hash of the bytes>.rows16    the same with rows of D float16
    <hash of the bytes>.rows8     the same with rows of D bytes and their scales

Segments are mapped, not read: rows that are larger than memory together can be trained on.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlmath.data.placing import make_room
from dlmath.errors import DataError
from dlmath.features.row_formats import SINGLE, RowFormat
from dlmath.runs import mark_used, write_bytes

KEY_BYTES = 32
NAME_LENGTH = 32  # of a segment's hash in hexadecimal digits
LIMIT = 16 * 2**30  # bytes of all networks' features together; the longest unused make room


def content_name(content: bytes) -> str:
    """Return the name of a file of the cache, by which damage to it is noticed."""
    return hashlib.sha256(content).hexdigest()[:NAME_LENGTH]


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say what can be done where the cache cannot be written to, or its disk is full.

    Raises:
        DataError: In the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The cache of features cannot be written: {error.strerror}. Received: {folder}. "
            "Free some space, or set DLMATH_HOME to a folder on another disk."
        ) from error


@dataclass(frozen=True, eq=False)
class StoredRows:
    """N rows of a store, copied from mapped files where they are indexed.

    Attributes:
        segments: Mapped uint8 arrays (n, bytes of a row).
        places: int (N, 2), the segment of each row and its row in there.
        row_shape: The shape of a row as it is given out, of D numbers.
        row_format: What the bytes of a row stand for.
    """

    segments: tuple[np.ndarray, ...]
    places: np.ndarray
    row_shape: tuple[int, ...]
    row_format: RowFormat

    def __len__(self) -> int:
        return len(self.places)

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers as they are given out."""
        return self.row_format.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, *row_shape)."""
        return (len(self), *self.row_shape)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return the rows of a slice or of an array (n,) of row numbers, (n, *row_shape)."""
        places = self.places[rows].tolist()
        size = self.row_format.row_bytes(math.prod(self.row_shape))
        copied = np.empty((len(places), size), np.uint8)
        for target, (segment, row) in zip(copied, places, strict=True):
            target[...] = self.segments[segment][row]
        return self.row_format.decode(copied).reshape(-1, *self.row_shape)

    def reshaped(self, row_shape: tuple[int, ...]) -> "StoredRows":
        """Return the same rows, each given out in another shape."""
        return replace(self, row_shape=row_shape)


class FeatureStore:
    """The features of one frozen network.

    A segment is checked once by each object; what other processes append later is found too.

    Args:
        folder: Its segments; need not exist.
        feature_count: Number D of features in a row.
        row_format: How a row becomes bytes.
    """

    def __init__(self, folder: Path, feature_count: int, row_format: RowFormat = SINGLE):
        self.folder = folder
        self.feature_count = feature_count
        self.row_format = row_format
        self._segments: dict[str, np.ndarray] = {}  # file name to rows, in the order of finding
        self._places: dict[bytes, tuple[int, int]] = {}

    @property
    def row_bytes(self) -> int:
        """Bytes that a row takes on disk."""
        return KEY_BYTES + self.row_format.row_bytes(self.feature_count)

    def find(self, keys: Sequence[bytes]) -> tuple[StoredRows, np.ndarray]:
        """Return the rows of those `keys` that are there, in order, and which are, bool (N,)."""
        self._map_new_segments()
        places = [self._places.get(key) for key in keys]
        found = np.array([place is not None for place in places], bool)
        known = np.array([place for place in places if place is not None], np.int64)
        rows = StoredRows(
            tuple(self._segments.values()),
            known.reshape(-1, 2),
            (self.feature_count,),
            self.row_format,
        )
        return rows, found

    def append(self, keys: Sequence[bytes], rows: np.ndarray) -> None:
        """Write one segment.

        Raises:
            DataError: The disk is full, or the folder cannot be written to.
        """
        content = b"".join(keys) + self.row_format.encode(rows).tobytes()
        with writing_to(self.folder):
            write_bytes(self.folder / f"{content_name(content)}{self.row_format.suffix}", content)

    def make_room(self, count: int) -> None:
        """Remove rows of other networks that were not used for long, if `count` rows need it.

        Raises:
            DataError: The disk has no room for them even then.
        """
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        mark_used(self.folder)
        make_room(self.folder.parent, count * self.row_bytes, LIMIT)

    def _map_new_segments(self) -> None:
        for path in sorted(self.folder.glob(f"*{self.row_format.suffix}")):
            if path.name in self._segments:
                continue
            content = self._map(path)
            if content is None:
                continue
            count = len(content) // self.row_bytes
            keys = content[: count * KEY_BYTES].tobytes()
            number = len(self._segments)
            self._segments[path.name] = content[count * KEY_BYTES :].reshape(count, -1)
            for row in range(count):
                self._places[keys[row * KEY_BYTES : (row + 1) * KEY_BYTES]] = number, row

    def _map(self, path: Path) -> np.ndarray | None:
        """Return the bytes of a file, mapped; None, and the file removed, if it is damaged."""
        try:
            with path.open("rb") as file:  # by reading: mapped pages would count as memory
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest[:NAME_LENGTH] == path.stem:
                return np.asarray(np.memmap(path, np.uint8, mode="r"))
        except OSError:  # another process has just made room
            return None
        path.unlink(missing_ok=True)  # its rows are computed again
        return None
