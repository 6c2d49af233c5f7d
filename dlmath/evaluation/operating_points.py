"""Operating points: sensitivity at a fixed specificity and the reverse, at any threshold."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from dlmath.evaluation.decisions import ratio
from dlmath.evaluation.melding import DRAWS, ends_of
from dlmath.evaluation.threshold import Cuts
from dlmath.stats.bootstrap import Estimate
from dlmath.stats.proportions import effective_images

LEVELS = (0.90, 0.95)

_ROUNDING = 1e-9  # of a count: 0.95 times 20 is not 19 in binary


def measure_operating_points(
    positive: np.ndarray,
    probability: np.ndarray,
    clusters: np.ndarray,
    generator: np.random.Generator,
) -> dict[str, Estimate]:
    """Return the highest sensitivity at specificities of at least 90 and 95 %, and the reverse.

    They are points of the empirical ROC curve of these images, without interpolation. No threshold
    is chosen by them. The intervals are melded from what is not known: where the threshold of the
    specificity lies, and the sensitivity there.

    Args:
        positive: (N,) bool, with both classes.
        probability: (N,), of the positive class.
        clusters: (N,) indices 0..P-1 of the patients; of a single one there are no intervals.
        generator: Where the draws come from.

    Returns:
        By names such as `sensitivity_at_specificity_90`.
    """
    values = point_statistics(positive, probability)(np.ones((1, len(positive))))
    found = {}
    for name, value in values.items():
        ends: tuple[float | None, float | None] = (None, None)
        if clusters.max() > 0:
            level = int(name[-2:]) / 100
            # At a sensitivity: the same of the negatives, which score low.
            sign, wanted = (1, positive) if name.startswith("sensitivity") else (-1, ~positive)
            ends = _melded(sign * probability, wanted, clusters, level, generator)
        found[name] = Estimate(float(value[0]), *ends)
    return found


def _melded(
    score: np.ndarray,
    wanted: np.ndarray,
    clusters: np.ndarray,
    level: float,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Return the interval of the share of `wanted` above what a share `level` of the others is.

    With n other images the threshold lies between their K-th and next score, K binomial (n,
    level): the next one is taken for the lower end, the K-th for the upper one. See
    `dlmath.evaluation.melding` for the share above it.
    """
    others = np.sort(score[~wanted])
    at = others[min(int(np.ceil(level * len(others) - _ROUNDING)), len(others)) - 1]
    held = effective_images(score <= at, ~wanted, clusters)
    number = max(1, round(held))
    drawn = generator.binomial(number, level, DRAWS)
    ends = np.concatenate([[-np.inf], others, [np.inf]])
    place = np.floor(drawn / number * len(others) + _ROUNDING).astype(int)
    size = effective_images(score > at, wanted, clusters)
    mine = np.sort(score[wanted])

    def share_above(threshold: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        return 1 - np.searchsorted(mine, threshold, side) / len(mine)

    least = size * share_above(ends[place + 1], "left")
    most = size * share_above(ends[place], "right")
    lower = np.where(least > 0, generator.beta(np.maximum(least, 1e-9), size - least + 1), 0)
    upper = np.where(most < size, generator.beta(most + 1, np.maximum(size - most, 1e-9)), 1)
    return ends_of(lower, upper)


def point_statistics(
    positive: np.ndarray, probability: np.ndarray
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Return what maps weights (R, N) to the operating points, (R,) each, NaN for one class."""
    cuts = Cuts(positive, probability)

    def points(weights: np.ndarray) -> dict[str, np.ndarray]:
        missed, rejected = cuts.count(weights)
        hits = missed[:, -1:] - missed
        found = {}
        for level in LEVELS:
            name = f"{level:.0%}".rstrip("%")
            found[f"sensitivity_at_specificity_{name}"] = _highest(hits, rejected, level)
            found[f"specificity_at_sensitivity_{name}"] = _highest(rejected, hits, level)
        return found

    return points


def _highest(wanted: np.ndarray, held: np.ndarray, level: float) -> np.ndarray:
    """Return the highest share of `wanted`, (R,), where that of `held` is at least `level`."""
    total, of_held = wanted.max(axis=1), held.max(axis=1, keepdims=True)
    best = np.where(held >= level * of_held - _ROUNDING, wanted, 0).max(axis=1)
    return np.where(of_held[:, 0] > 0, ratio(best, total), np.nan)
