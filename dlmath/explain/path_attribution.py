r"""Integrated gradients: the score's way from a black image to this one, shared among the pixels.

Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
arXiv:1703.01365, eq. 1 and proposition 1 (completeness).
"""

from typing import NamedTuple

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap

FIRST_STEPS, MOST_STEPS = 16, 512
TOLERANCE = 0.02  # of the difference of scores; the paper advises 0.05
LEAST_TOLERANCE = 0.02  # log-odds, for images whose score is nearly that of the black one
_AT_ONCE = 16  # as many gradients as fit in memory anywhere


class _Way(NamedTuple):
    """The straight way from black to the image, looked at in some places in order."""

    places: np.ndarray  # float64 (n,) in 0..1, the first 0 and the last 1
    scores: np.ndarray  # float64 (n,), s there
    slopes: np.ndarray  # float64 (n,), ds/dt there
    attributions: np.ndarray  # float32 (n, S, S), x times ds/dx there, colours summed

    @property
    def errors(self) -> np.ndarray:
        """Return the error (n - 1,) of the trapezium rule on each step."""
        trapezia = (self.slopes[1:] + self.slopes[:-1]) / 2 * np.diff(self.places)
        return trapezia - np.diff(self.scores)


def integrated_gradients(
    parts: ClassifierParts, image: np.ndarray, index: int, most_steps: int = MOST_STEPS
) -> HeatMap:
    r"""Return the attribution of each pixel, its three colours summed.

    With the black image x' and the score s:

        IG_i = (x_i - x'_i) * integral over t in 0..1 of ds/dx_i (x' + t (x - x'))     (eq. 1)
        sum over i of IG_i = s(x) - s(x')                                     (completeness)

    Black is what both kinds of picture hold where there is nothing: around a segmented cell, and
    around a body on a film.

    The integral is a trapezoidal sum over steps of unequal length. The score is known at both ends
    of each step, and with it the integral of its slope on that step: so the error of each trapezium
    is known too. The steps with the largest are halved, until the sum of the map is within 2 % of
    the difference (or within 0.02), or there would be more than `most_steps`; the metrics say where
    it ended. Equal steps do not do: a network with batch normalisation sees in a nearly black image
    a strange one, and most of the error lies in the first eighth of the way.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Of the class.
        most_steps: Where to give up; at least 16.

    Returns:
        The map, with the metrics `difference` s(x) - s(x'), `sum` of the map, their `residual`,
        its `tolerance` and the number of `steps`.
    """
    image = np.asarray(image, np.float32)
    way = _look(parts, image, index, np.linspace(0, 1, FIRST_STEPS + 1))
    difference = float(way.scores[-1] - way.scores[0])
    tolerance = max(TOLERANCE * abs(difference), LEAST_TOLERANCE)
    while abs(way.errors.sum()) > tolerance and len(way.errors) < most_steps:
        way = _halve_worst(parts, image, index, way, most_steps - len(way.errors))
    length = np.diff(way.places)
    shares = np.concatenate([length, [0]]) / 2 + np.concatenate([[0], length]) / 2
    values = np.tensordot(shares, way.attributions, axes=1)
    total = float(values.sum())
    metrics = {
        "difference": difference,
        "sum": total,
        "residual": total - difference,
        "tolerance": tolerance,
        "steps": float(len(way.errors)),
    }
    return HeatMap(values.astype(np.float32), len(values), metrics)


def _halve_worst(
    parts: ClassifierParts, image: np.ndarray, index: int, way: _Way, room: int
) -> _Way:
    """Halve the steps with the largest errors, at most `room` of them."""
    worst = np.sort(np.argsort(-np.abs(way.errors), kind="stable")[: min(_AT_ONCE, room)])
    found = _look(parts, image, index, (way.places[worst] + way.places[worst + 1]) / 2)
    return _Way(
        *(np.insert(old, worst + 1, new, axis=0) for old, new in zip(way, found, strict=True))
    )


def _look(parts: ClassifierParts, image: np.ndarray, index: int, places: np.ndarray) -> _Way:
    scores, slopes, attributions = [], [], []
    for first in range(0, len(places), _AT_ONCE):
        few = places[first : first + _AT_ONCE, None, None, None].astype(np.float32)
        found = parts.at_pixels(few * image, index)
        products = found.gradients * image
        scores.append(found.log_odds)
        slopes.append(products.sum(axis=(1, 2, 3), dtype=np.float64))
        attributions.append(products.sum(axis=-1))
    return _Way(places, *map(np.concatenate, (scores, slopes, attributions)))
