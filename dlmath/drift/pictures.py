"""Measurements of the picture itself, independent of any model: light, contrast, sharpness.

A network is trained to overlook such changes, so that its features and scores tell them late; and a
device that is set differently changes them first. They are measured of the pixels that the network
gets, so that they are the same for a server and for files, and a change of what it does not get,
such as the size of a file, is none.
"""

from collections.abc import Iterable

import numpy as np

from dlmath.data import images
from dlmath.data.pixels import in_threads
from dlmath.data.sources import ImageRecord
from dlmath.reporting import Reporter

# What is measured, by its name in the JSON document, in the order of the columns.
NAMES = {
    "mean": "mean grey level",
    "contrast": "SD of the grey levels",
    "quantile_05": "5 % quantile of the grey levels",
    "quantile_25": "25 % quantile of the grey levels",
    "median": "median grey level",
    "quantile_75": "75 % quantile of the grey levels",
    "quantile_95": "95 % quantile of the grey levels",
    "black": "share of black pixels",
    "white": "share of white pixels",
    "border": "mean grey level of the border",
    "edges": "log of the mean step between neighbours",
    "detail": "log of the mean Laplacian",
    "grain": "log of the median Laplacian",
    "red": "red above grey",
    "blue": "blue above grey",
}
PICTURES = len(NAMES)

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BLACK, _WHITE = 5, 250  # as grey levels: compression moves what was 0 or 255
_BORDER = 1 / 28  # of the side
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def describe(pixels: np.ndarray) -> np.ndarray:
    """Return the numbers of N pictures, float64 (N, 15), of pixels (N, S, S, 3) in 0..255.

    Levels are in 0..1. The median Laplacian is a measure of noise that edges do not raise; see
    Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996.
    """
    return np.array([_of_one(image) for image in np.asarray(pixels)]).reshape(-1, PICTURES)


def describe_files(examples: Iterable[ImageRecord], size: int, reporter: Reporter) -> np.ndarray:
    """Return the numbers of pictures in files, (N, 15), as resized to a side of `size` pixels.

    Raises:
        DataError: One cannot be read.
    """
    examples = list(examples)

    def look(example: ImageRecord) -> np.ndarray:
        return _of_one(images.read(example.path, example.file, size))

    found = np.empty((len(examples), PICTURES))
    for row, numbers in enumerate(in_threads(look, examples)):
        found[row] = numbers
        reporter.progress("pictures of validation", row + 1, len(examples))
    return found


def _of_one(image: np.ndarray) -> np.ndarray:
    colours = image.reshape(-1, 3).astype(np.float32)  # (S * S, 3)
    grey = np.rint(colours @ _GREY).astype(np.int16).reshape(image.shape[:2])
    counts = np.bincount(grey.ravel(), minlength=256)
    levels, below = np.arange(256) / 255, counts.cumsum() / grey.size
    mean = counts @ levels / grey.size
    spread = np.sqrt(max(counts @ levels**2 / grey.size - mean**2, 0))
    red, _, blue = np.full(grey.size, 1 / grey.size, np.float32) @ colours / 255 - mean
    return np.array(
        [
            mean,
            spread,
            *levels[np.searchsorted(below, _QUANTILES)],
            below[_BLACK],
            1 - below[_WHITE - 1],
            _border(grey),
            *_sharpness(grey),
            red,
            blue,
        ]
    )


def _border(grey: np.ndarray) -> float:
    width = max(1, round(_BORDER * len(grey)))
    inner = grey[width:-width, width:-width]
    outside = grey.size - inner.size
    return float((grey.sum(dtype=np.int64) - inner.sum(dtype=np.int64)) / outside / 255)


def _sharpness(grey: np.ndarray) -> tuple[float, float, float]:
    """Return three measures in logarithms: they vary by factors from one picture to another."""
    steps = np.abs(np.diff(grey, axis=1)).mean()
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian = np.bincount(np.abs(4 * grey[1:-1, 1:-1] - around).ravel())
    total = laplacian.sum()
    mean = laplacian @ np.arange(len(laplacian)) / total
    median = np.searchsorted(laplacian.cumsum(), total / 2)
    return float(np.log1p(steps)), float(np.log1p(mean)), float(np.log1p(median))
