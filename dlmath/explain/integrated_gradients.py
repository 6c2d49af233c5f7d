r"""Integrated gradients: the score's way from a black image to this one, shared among the pixels.

Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
arXiv:1703.01365, eq. 1 and proposition 1 (completeness).
"""

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap

FIRST_STEPS, MOST_STEPS = 16, 256
TOLERANCE = 0.05  # of the difference of scores, as the paper advises
LEAST_TOLERANCE = 0.02  # log-odds, for images whose score is nearly that of the black one


def integrated_gradients(
    parts: ClassifierParts, image: np.ndarray, index: int, most_steps: int = MOST_STEPS
) -> HeatMap:
    r"""Return the attribution of each pixel, its three colours summed.

    With the black image x' and the score s:

        IG_i = (x_i - x'_i) * integral over t in 0..1 of ds/dx_i (x' + t (x - x'))     (eq. 1)
        sum over i of IG_i = s(x) - s(x')                                     (completeness)

    Black is what both kinds of picture hold where there is nothing: around a segmented cell, and
    around a body on a film. The integral is a trapezoidal sum. Its steps are doubled, each
    gradient being used again, until the sum is within 5 % of the difference (or within 0.02), at
    most up to `most_steps`; the figures say where it ended.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Of the class.
        most_steps: Where to give up; a power of two of at least 16.

    Returns:
        The map, with the figures `difference` s(x) - s(x'), `sum` of the map, their `residual`,
        its `tolerance` and the number of `steps`.
    """
    image = np.asarray(image, np.float32)
    black, score = parts.log_odds(np.stack([np.zeros_like(image), image]), index)
    difference = score - black
    tolerance = max(TOLERANCE * abs(difference), LEAST_TOLERANCE)
    steps = FIRST_STEPS
    mean = _mean_gradient(parts, image, index, np.linspace(0, 1, steps + 1), ends_count_half=True)
    while abs((image * mean).sum() - difference) > tolerance and steps < most_steps:
        middles = (np.arange(steps) + 0.5) / steps
        mean = (mean + _mean_gradient(parts, image, index, middles)) / 2
        steps *= 2
    values = (image * mean).sum(axis=-1)
    total = float(values.sum(dtype=np.float64))
    figures = {
        "difference": float(difference),
        "sum": total,
        "residual": float(total - difference),
        "tolerance": float(tolerance),
        "steps": float(steps),
    }
    return HeatMap(values.astype(np.float32), len(values), figures)


def _mean_gradient(
    parts: ClassifierParts,
    image: np.ndarray,
    index: int,
    places: np.ndarray,
    *,
    ends_count_half: bool = False,
) -> np.ndarray:
    """Return the mean gradient (S, S, 3) at these places, in 0..1, of the way from black."""
    weights = np.ones(len(places))
    if ends_count_half:
        weights[[0, -1]] = 0.5
    total = np.zeros(image.shape)
    for first in range(0, len(places), 16):  # as many gradients as fit in memory anywhere
        few = slice(first, first + 16)
        between = places[few, None, None, None].astype(np.float32) * image
        gradients = parts.at_pixels(between, index).gradients
        total += np.tensordot(weights[few], gradients, axes=1)
    return total / weights.sum()
