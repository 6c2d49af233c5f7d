"""What a classifier reaches at a fixed specificity or sensitivity, whatever its threshold."""

from collections.abc import Callable

import numpy as np

from dlmath.evaluation.bootstrap import Estimate, estimate
from dlmath.evaluation.cuts import Cuts
from dlmath.evaluation.decisions import ratio

LEVELS = (0.90, 0.95)

_ROUNDING = 1e-9  # of a count: 0.95 times 20 is not 19 in binary


def operating_points(
    positive: np.ndarray,
    probability: np.ndarray,
    clusters: np.ndarray,
    generator: np.random.Generator,
) -> dict[str, Estimate]:
    """Return the highest sensitivity at specificities of at least 90 and 95 %, and the reverse.

    They are points of the empirical ROC curve of these images, without interpolation. In each
    replicate of the bootstrap by patient the point is found anew, so the interval also tells how
    little is known of where the threshold would have to be. No threshold is chosen by them.

    Args:
        positive: (N,) bool, with both classes.
        probability: (N,), of the positive class.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.

    Returns:
        By names such as `sensitivity_at_specificity_90`; without an interval where every replicate
        has the same, as where the classes do not overlap.
    """
    found = estimate(point_statistics(positive, probability), clusters, generator)[0]
    return {
        name: point if point.has_width else Estimate(point.value, None, None)
        for name, point in found.items()
    }


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
