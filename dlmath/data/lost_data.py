"""Find pictures that lost data, although their files end as they should.

A JPEG of which a part is missing is decoded without an error: libjpeg puts one even shade in the
place of what it cannot read, and only warns, of which Pillow hears nothing. Two signs remain.

- **Data that run out.** Bytes put behind the data of each scan are never read where a picture is
  whole; where the decoder ran out of data it takes them for the rest of the picture, and the pixels
  change. None of 6,070 real X-rays does so; all of 240 films with a hole in their data do.
- **A flat lower part**, which is also left in copies that were made of such a picture. A bar of the
  same shade at the top is padding. A picture that is flat throughout shows nothing at all.

A flipped bit that leaves the number of blocks as it was cannot be told from a picture.
"""

import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from . import images
from .image_headers import JPEG_SIGNATURE

FLAT_SHARE = 0.1  # of the height: no one of 11,000 real X-rays and cells has as much
_FLAT_LEVELS = 2  # by which a flat part may vary: it goes through compression
_MORE = bytes((37 * number + 11) % 251 for number in range(64))  # varied, and without a marker

_MARKER = re.compile(rb"\xff+[\x01-\xfe]")  # not a byte FF of the data, which 00 follows
_START_OF_SCAN, _END = 0xDA, 0xD9
_RESTARTS = range(0xD0, 0xD8)


class Picture(NamedTuple):
    """An image as a model takes it, and the doubts about it.

    Attributes:
        pixels: uint8 (size, size, 3), RGB.
        doubts: Reasons not to rely on the picture, a sentence each.
    """

    pixels: np.ndarray
    doubts: tuple[str, ...]


def read_with_doubts(
    source: Path | bytes, name: str, size: int, limits: images.ReadLimits = images.LIMITS
) -> Picture:
    """Read an image as `images.read` does, and look for signs of lost data.

    Raises:
        BadImage: As `images.read`.
    """
    checked = images.open_checked(source, name, limits)
    pixels = images.resized(checked, name, size)
    return Picture(pixels, (*checked.doubts, *doubts_about(checked.data, pixels)))


def doubts_about(data: bytes, pixels: np.ndarray) -> tuple[str, ...]:
    """Return the signs that a picture lost data, a sentence each.

    Args:
        data: The whole file, an 8-bit PNG or JPEG.
        pixels: The upright picture, uint8 (H, W) or (H, W, C), of any size.
    """
    if is_cut_short(data):
        return ("a part of the file's data is missing: the decoder filled the rest of the picture",)
    if is_blank(pixels):
        return ("the whole picture is one flat shade: there is nothing to see in it",)
    if share := flat_lower_share(pixels):
        return (f"the lower {share:.0%} of the picture are one flat shade: padding, or lost data",)
    return ()


def is_cut_short(data: bytes) -> bool:
    """Return whether the data of a JPEG end before its picture is whole; False for another file.

    Args:
        data: The whole file, which can be decoded.
    """
    if not data.startswith(JPEG_SIGNATURE):
        return False
    pieces, begin = [], 0
    for end, more in _ends_of_data(data):
        pieces += [data[begin:end], more]
        begin = end
    if not pieces:
        return False
    return _decoded(b"".join([*pieces, data[begin:]])) != _decoded(data)


def _ends_of_data(data: bytes) -> list[tuple[int, bytes]]:
    """Return where the data of each scan end, and of each interval up to a restart, and more data.

    Behind a scan with restarts whole intervals are put, for those that may be missing.
    """
    ends, position, in_scan = [], 2, False
    restart: int | None = None
    while match := _MARKER.search(data, position):
        marker = data[match.end() - 1]
        is_restart = marker in _RESTARTS
        if in_scan:
            is_last = not is_restart and restart is not None
            ends.append((match.start(), _intervals_after(restart or 0) if is_last else _MORE))
        if marker == _END:
            break
        restart = marker if is_restart else None
        position = match.end()
        if not is_restart:
            in_scan = marker == _START_OF_SCAN
            position += int.from_bytes(data[position : position + 2], "big")
    return ends


def _intervals_after(restart: int) -> bytes:
    """Return data, and two intervals more after a restart marker; their numbers go round."""
    following = (0xD0 + (restart + step - 0xD0) % 8 for step in (1, 2))
    return _MORE + b"".join(bytes((0xFF, marker)) + _MORE for marker in following)


def _decoded(data: bytes) -> bytes:
    picture = JpegImageFile(io.BytesIO(data))
    if not picture.info.get("progressive"):  # whose later scans only add what is left out here
        picture.draft(None, (max(picture.width // 8, 1), max(picture.height // 8, 1)))
    picture.load()
    return picture.tobytes()


def flat_lower_share(pixels: np.ndarray) -> float:
    """Return the share of the height that is one flat shade at the bottom, 0 if below `FLAT_SHARE`.

    It is 0 as well for a picture that is flat throughout, and where a bar of at least half that
    height and the same shade lies at the top.

    Args:
        pixels: uint8 (H, W) or (H, W, C).
    """
    rows = pixels.reshape(len(pixels), -1, 1 if pixels.ndim == 2 else pixels.shape[2])
    low, high = rows.min(axis=1).astype(int), rows.max(axis=1).astype(int)  # (H, C)
    bottom, top = _flat_rows(low[::-1], high[::-1]), _flat_rows(low, high)
    is_padding = top >= bottom / 2 and np.abs(low[0] - low[-1]).max() <= _FLAT_LEVELS
    if bottom == len(rows) or bottom < FLAT_SHARE * len(rows) or is_padding:
        return 0.0
    return bottom / len(rows)


def is_blank(pixels: np.ndarray) -> bool:
    """Return whether a picture is one flat shade throughout, such as wholly black.

    Args:
        pixels: uint8 (H, W) or (H, W, C).
    """
    levels = pixels.reshape(-1, 1 if pixels.ndim == 2 else pixels.shape[2])  # (H W, C)
    return bool(np.ptp(levels, axis=0).max() <= _FLAT_LEVELS)


def _flat_rows(low: np.ndarray, high: np.ndarray) -> int:
    """Return how many of the first rows are together one flat shade, from their extremes (H, C)."""
    spread = np.maximum.accumulate(high) - np.minimum.accumulate(low)
    return int((spread.max(axis=1) <= _FLAT_LEVELS).cumprod().sum())
