r"""Occlusion: what the score loses when a patch is covered. Slow, and asks for no gradient.

Source: Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
arXiv:1311.2901, section 4.2.
"""

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap

PATCHES = 7  # a side of the image is this many patches wide


def occlusion(parts: ClassifierParts, image: np.ndarray, index: int) -> HeatMap:
    """Return the mean loss of log-odds over all the patches that cover a pixel.

    A square of a seventh of the side, in the image's mean colour, moves by half its width. Negative
    values speak against the class: covering them raises the score.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Of the class.
    """
    image = np.asarray(image, np.float32)
    squares = _squares(len(image))
    colour = image.mean(axis=(0, 1))
    covered = np.repeat(image[None], len(squares), axis=0)
    for one, (rows, columns) in zip(covered, squares, strict=True):
        one[rows, columns] = colour
    loss = parts.log_odds(image[None], index) - parts.log_odds(covered, index)
    total, count = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    for lost, square in zip(loss, squares, strict=True):
        total[square] += lost
        count[square] += 1
    return HeatMap((total / count).astype(np.float32), min(2 * PATCHES, len(image)))


def _squares(side: int) -> list[tuple[slice, slice]]:
    """Return the rows and columns of every patch; together they cover the image."""
    width = max(2, -(-side // PATCHES))
    starts = [*range(0, side - width, max(1, width // 2)), side - width]
    spans = [slice(start, start + width) for start in starts]
    return [(rows, columns) for rows in spans for columns in spans]
