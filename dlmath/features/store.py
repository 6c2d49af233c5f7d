"""Rows of features on disk, found again by what they were computed from.

A folder holds segments, each a file of some hundred rows that appears whole or not at all. A
computation that is killed loses its unfinished segment and nothing else; two runs that compute the
same rows at the same time write them twice, which does no harm. A segment is named after the hash
of its bytes, so that damage is noticed and the rows are computed again.

    <hash of the bytes>.rows     n keys of 32 bytes, then n rows of D float32, little-endian
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dlmath.data.placing import make_room
from dlmath.errors import DataError
from dlmath.runs import write_bytes

KEY_BYTES = 32
LIMIT = 16 * 2**30  # bytes of all networks' features together; the longest unused make room


def content_name(content: bytes) -> str:
    """Return the name of a file of the cache, by which damage to it is noticed."""
    return hashlib.sha256(content).hexdigest()[:32]


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


class FeatureStore:
    """The features of one frozen network.

    Args:
        folder: Its segments; need not exist.
        feature_count: Number D of features in a row.
    """

    def __init__(self, folder: Path, feature_count: int):
        self.folder = folder
        self.feature_count = feature_count

    def gather(self, keys: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of `keys`, float32 (N, D), and which of them were found, bool (N,)."""
        places = defaultdict(list)
        for place, key in enumerate(keys):
            places[key].append(place)
        rows = np.zeros((len(keys), self.feature_count), np.float32)
        found = np.zeros(len(keys), bool)
        for stored_keys, stored_rows in self._segments():
            for key, row in zip(stored_keys, stored_rows, strict=True):
                for place in places.get(key, ()):
                    rows[place], found[place] = row, True
        return rows, found

    def append(self, keys: Sequence[bytes], rows: np.ndarray) -> None:
        """Write one segment.

        Raises:
            DataError: The disk is full, or the folder cannot be written to.
        """
        content = b"".join(keys) + np.ascontiguousarray(rows, "<f4").tobytes()
        with writing_to(self.folder):
            write_bytes(self.folder / f"{content_name(content)}.rows", content)

    def make_room(self, count: int) -> None:
        """Remove rows of other networks that were not used for long, if `count` rows need it.

        Raises:
            DataError: The disk has no room for them even then.
        """
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.touch()
        make_room(self.folder.parent, count * (KEY_BYTES + 4 * self.feature_count), LIMIT)

    def _segments(self) -> Iterator[tuple[list[bytes], np.ndarray]]:
        for path in sorted(self.folder.glob("*.rows")):
            try:
                content = path.read_bytes()
            except OSError:  # another process has just made room
                continue
            if content_name(content) != path.stem:
                path.unlink(missing_ok=True)  # damaged: its rows are computed again
                continue
            count = len(content) // (KEY_BYTES + 4 * self.feature_count)
            keys = [content[i * KEY_BYTES : (i + 1) * KEY_BYTES] for i in range(count)]
            rows = np.frombuffer(content, "<f4", offset=count * KEY_BYTES)
            yield keys, rows.reshape(count, self.feature_count)
