"""The groups that every set of images can be divided into: by kind, size and brightness."""

import math
from collections.abc import Sequence

import numpy as np

from dlmath.data.image_headers import BadImage, read_header
from dlmath.data.sources import Example
from dlmath.evaluation.slice_groups import Groups, by_kind, by_number

_AT_ONCE = 256  # images, so that pixels mapped from a file are not all in memory


def image_groups(
    examples: Sequence[Example], pixels: np.ndarray, positive: np.ndarray
) -> list[Groups]:
    """Return the divisions of N images by kind, image size and brightness that divide them at all.

    Args:
        examples: N.
        pixels: (N, S, S, 3) in 0..255, as the model sees them.
        positive: (N,) bool.
    """
    found = (
        by_kind([example.file for example in examples], positive),
        by_number("image size", image_sizes(examples), "px"),
        by_number("brightness", brightness(pixels)),
    )
    return [groups for groups in found if groups is not None]


def brightness(pixels: np.ndarray) -> np.ndarray:
    """Return (N,): the mean over each image's pixels and colours, 0 to 255."""
    means = [
        pixels[first : first + _AT_ONCE].mean(axis=(1, 2, 3), dtype=np.float64)
        for first in range(0, len(pixels), _AT_ONCE)
    ]
    return np.concatenate(means) if means else np.empty(0)


def image_sizes(examples: Sequence[Example]) -> np.ndarray:
    """Return (N,): the side in pixels of a square as large as each file's image; NaN: not known."""
    return np.array([_size(example) for example in examples])


def _size(example: Example) -> float:
    try:
        header = read_header(example.path.read_bytes(), example.file)
    except (OSError, BadImage):  # DICOM has a header of its own kind
        return math.nan
    return math.sqrt(header.width * header.height)
