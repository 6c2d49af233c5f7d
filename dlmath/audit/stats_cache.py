"""Cache of image statistics by the hash of the bytes, so that a second audit reads no image again.

A folder in the cache holds segments of some thousand rows. A segment is named after the hash of
its bytes and appears whole or not at all, so that damage is noticed. The cache is a help and no
more: whatever goes wrong with it, the files are read again. Only sound images are cached: of a
bad file little is read anyway.
"""

import hashlib
from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path

import numpy as np

from dlmath.audit.image_stats import THUMBNAIL, ImageStats
from dlmath.data.conversion_version import reading_version
from dlmath.data.pixel_cache import make_room
from dlmath.errors import DataError
from dlmath.runs import cache_home, write_bytes

VERSION = 3  # raised whenever a statistic could come out otherwise
LIMIT = 2**29  # bytes, of about 120,000 images; the longest unused make room
SEGMENT = 4096  # rows: what an interrupted audit loses at most

_ROW = np.dtype(
    [
        ("sha256", "V32"),
        ("format", "S8"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("mode", "S8"),
        ("bits", "u1"),
        ("quality", "u1"),  # 0 for none
        ("orientation", "u1"),
        ("brightness", "<f8"),
        ("border", "<f8"),
        ("border_spread", "<f8"),
        ("is_cut_short", "?"),
        ("flat_share", "<f8"),
        ("is_blank", "?"),
        ("levels_lost", "?"),
        ("pixel_hash", "V32"),
        ("thumbnail", "u1", (THUMBNAIL, THUMBNAIL)),
    ]
)
_TEXTS = ("format", "mode")
_NUMBERS = (
    *("width", "height", "bits", "orientation", "brightness", "border", "border_spread"),
    *("is_cut_short", "flat_share", "is_blank", "levels_lost"),
)


class StatsCache:
    """Cached statistics of some images, and those that this audit will add.

    Args:
        wanted: The sha256 of the images, in hexadecimal.
    """

    def __init__(self, wanted: Set[str]):
        key = hashlib.sha256(reading_version().encode()).hexdigest()[:16]
        self.folder = cache_home() / "audit" / f"{VERSION}-{key}"
        self._known = {}
        self._new: dict[str, np.ndarray] = {}
        for segment in _segments(self.folder):
            for row in segment:
                if (sha256 := bytes(row["sha256"]).hex()) in wanted:
                    self._known[sha256] = row

    def get(self, sha256: str, *, file: str, size: int) -> ImageStats | None:
        """Return the statistics of an image of these bytes; None where they are not cached."""
        row = self._known.get(sha256)
        if row is None:
            return None
        return ImageStats(
            file=file,
            size=size,
            quality=int(row["quality"]) or None,
            pixel_hash=bytes(row["pixel_hash"]).hex(),
            thumbnail=row["thumbnail"],
            **{name: row[name].decode() for name in _TEXTS},
            **{name: row[name].item() for name in _NUMBERS},
        )

    def add(self, sha256: str, stats: ImageStats) -> None:
        """Add the statistics of these bytes, unless they are cached or name a fault."""
        if stats.fault or sha256 in self._known or sha256 in self._new:
            return
        row = np.zeros((), _ROW)
        row["sha256"], row["quality"] = bytes.fromhex(sha256), stats.quality or 0
        row["pixel_hash"] = bytes.fromhex(stats.pixel_hash or "")
        for name in (*_TEXTS, *_NUMBERS, "thumbnail"):
            row[name] = getattr(stats, name)
        self._new[sha256] = row
        if len(self._new) == SEGMENT:
            self.save()

    def save(self) -> None:
        """Write the new statistics; without room for them nothing is written."""
        if not self._new:
            return
        content = b"".join(row.tobytes() for row in self._new.values())
        with suppress(OSError, DataError):
            make_room(self.folder, len(content), LIMIT)
            write_bytes(self.folder / f"{_name(content)}.facts", content)
        self._known |= self._new
        self._new = {}


def _segments(folder: Path) -> Iterator[np.ndarray]:
    for path in sorted(folder.glob("*.facts")):
        with suppress(OSError):
            content = path.read_bytes()
            if _name(content) == path.stem:
                yield np.frombuffer(content, _ROW)
            else:
                path.unlink()


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
