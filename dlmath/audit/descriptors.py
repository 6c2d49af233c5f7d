"""Short descriptors of pictures: those of two copies of one picture correlate, whatever was done.

A thumbnail is made smaller, loses its slow changes of brightness, and is brought to length 1: what
remains are the positions of edges, which brightening, contrast, re-encoding and resizing leave
where they were. Cropping moves them, so each picture is also described as its crops would be.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from dlmath.audit.image_stats import THUMBNAIL

# Standard deviation of the blur that is subtracted, in pixels of the descriptor.
BLUR = 2.0
# Root mean square of what remains, in grey levels: below it there is nothing to know again.
LEAST_STRUCTURE = 1.0

_BLOCK = 1024  # thumbnails in float32 at a time


class Window(NamedTuple):
    """A part of a picture, in fractions of its sides.

    Attributes:
        left: Where it begins.
        top: Where it begins.
        side: How much of either side it takes.
        mirrored: Whether it is then mirrored left to right.
    """

    left: float
    top: float
    side: float
    mirrored: bool = False


# The whole, its mirror image, and what a crop by 5 % leaves: each edge of any such crop is at most
# 1.25 % away from that of one of the four windows, less than a pixel of a thumbnail.
WINDOWS = (
    Window(0, 0, 1),
    Window(0, 0, 1, mirrored=True),
    *(Window(left, top, 0.95) for left in (0.0125, 0.0375) for top in (0.0125, 0.0375)),
)


def describe(thumbnails: np.ndarray, size: int, window: Window = WINDOWS[0]) -> np.ndarray:
    """Describe pictures, or one window of each, by size² numbers.

    Args:
        thumbnails: (N, THUMBNAIL, THUMBNAIL), in grey.
        size: Side of the descriptor in pixels, a divisor of THUMBNAIL.
        window: The part of every picture to describe.

    Returns:
        float32 (N, size²), each row of mean 0 and length 1, or about 0 without structure.
    """
    shrink = np.kron(np.eye(size), np.full(THUMBNAIL // size, size / THUMBNAIL))
    rows = shrink @ resampling(*_start_of(window.top, window.side))  # (size, THUMBNAIL)
    columns = shrink @ resampling(*_start_of(window.left, window.side))
    if window.mirrored:
        columns = columns[:, ::-1]
    rows, columns = rows.astype(np.float32), columns.astype(np.float32)
    described = np.empty((len(thumbnails), size * size), np.float32)
    for at in range(0, len(thumbnails), _BLOCK):
        small = rows @ thumbnails[at : at + _BLOCK] @ columns.T
        described[at : at + _BLOCK] = _unit(high_pass(small).reshape(len(small), -1))
    return described


def has_structure(thumbnails: np.ndarray, size: int) -> np.ndarray:
    """Return which of the pictures, (N, THUMBNAIL, THUMBNAIL), could be known again, bool (N,)."""
    blocks = thumbnails.reshape(-1, size, THUMBNAIL // size, size, THUMBNAIL // size)
    rest = high_pass(blocks.mean((2, 4), dtype=np.float32))
    return rest.std((1, 2)) >= LEAST_STRUCTURE


def high_pass(pictures: np.ndarray) -> np.ndarray:
    """Subtract from float32 pictures (..., H, H) what a blur leaves of them."""
    blur = gaussian_filter1d(np.eye(pictures.shape[-1]), BLUR, axis=0, mode="nearest")
    blur = blur.astype(np.float32)
    return pictures - blur @ pictures @ blur.T


def resampling(scale: np.ndarray | float, offset: np.ndarray | float) -> np.ndarray:
    """Return the matrix that reads the pixels `scale * p + offset` of a line of THUMBNAIL.

    Between pixels it interpolates linearly, and beyond the ends it repeats the last one.

    Args:
        scale: Numbers of any shape (...).
        offset: Pixels, of the same shape.

    Returns:
        (..., THUMBNAIL, THUMBNAIL), float32 if `scale` is.
    """
    pixels = np.arange(THUMBNAIL, dtype=np.float32)
    places = np.multiply.outer(scale, pixels) + np.expand_dims(offset, -1)
    matrix = places.clip(0, THUMBNAIL - 1)[..., None] - pixels
    # In place: there are many of these, and memory is what they wait for.
    np.abs(matrix, out=matrix)
    np.subtract(1, matrix, out=matrix)
    return np.maximum(matrix, 0, out=matrix)


def window_start(window: Window) -> tuple[float, float, float, float]:
    """Return scale and offset of a window's rows, then of its columns, for `resampling`."""
    return (*_start_of(window.top, window.side), *_start_of(window.left, window.side))


def _start_of(edge: float, side: float) -> tuple[float, float]:
    # Pixel p of a window lies at (p + 1/2) / THUMBNAIL of its side.
    return side, THUMBNAIL * edge + (side - 1) / 2


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1)  # below one grey level in all there is only rounding
