"""What earlier audits found out about the same bytes, so that a second one is done at once.

A folder in the cache holds segments of some thousand rows. A segment is named after the hash of
its bytes and appears whole or not at all, so that damage is noticed. The cache is a help and no
more: whatever goes wrong with it, the files are looked at again. Only sound images are remembered;
of a bad file little is read anyway.
"""

import hashlib
from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path

import numpy as np

from dlmath.audit.facts import THUMBNAIL, Facts
from dlmath.data.pixel_cache import make_room
from dlmath.data.specification import SPECIFICATION
from dlmath.errors import DataError
from dlmath.runs import cache_home, write_bytes

VERSION = 1  # raised whenever a fact could come out otherwise
LIMIT = 2**29  # bytes, of about 120,000 images; the longest unused make room
SEGMENT = 4096  # rows: what an interrupted audit loses at most

_ROW = np.dtype(
    [
        ("sha256", "V32"),
        ("format", "S4"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("mode", "S4"),
        ("bits", "u1"),
        ("quality", "u1"),  # 0 for none
        ("orientation", "u1"),
        ("brightness", "<f8"),
        ("border", "<f8"),
        ("border_spread", "<f8"),
        ("pixel_hash", "V32"),
        ("thumbnail", "u1", (THUMBNAIL, THUMBNAIL)),
    ]
)
_TEXTS = ("format", "mode")
_NUMBERS = ("width", "height", "bits", "orientation", "brightness", "border", "border_spread")


class Remembered:
    """The remembered facts about some images, and what will be remembered of this audit.

    Args:
        wanted: The sha256 of the images, in hexadecimal.
    """

    def __init__(self, wanted: Set[str]):
        key = hashlib.sha256(SPECIFICATION.encode()).hexdigest()[:16]
        self.folder = cache_home() / "audit" / f"{VERSION}-{key}"
        self._known = {}
        self._new: dict[str, np.ndarray] = {}
        for segment in _segments(self.folder):
            for row in segment:
                if (sha256 := bytes(row["sha256"]).hex()) in wanted:
                    self._known[sha256] = row

    def get(self, sha256: str, *, file: str, size: int) -> Facts | None:
        """Return the facts about an image of these bytes, if they are known."""
        row = self._known.get(sha256)
        if row is None:
            return None
        return Facts(
            file=file,
            size=size,
            quality=int(row["quality"]) or None,
            pixel_hash=bytes(row["pixel_hash"]).hex(),
            thumbnail=row["thumbnail"],
            **{name: row[name].decode() for name in _TEXTS},
            **{name: row[name].item() for name in _NUMBERS},
        )

    def add(self, sha256: str, facts: Facts) -> None:
        """Remember facts about these bytes, unless they are known or tell of a fault."""
        if facts.fault or sha256 in self._known or sha256 in self._new:
            return
        row = np.zeros((), _ROW)
        row["sha256"], row["quality"] = bytes.fromhex(sha256), facts.quality or 0
        row["pixel_hash"] = bytes.fromhex(facts.pixel_hash or "")
        for name in (*_TEXTS, *_NUMBERS, "thumbnail"):
            row[name] = getattr(facts, name)
        self._new[sha256] = row
        if len(self._new) == SEGMENT:
            self.save()

    def save(self) -> None:
        """Write what is new; without room for it nothing is written."""
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
