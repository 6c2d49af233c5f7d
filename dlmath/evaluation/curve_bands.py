"""Curves of a binary classifier, with bands by the bootstrap of patients.

Each is computed on a fixed grid, so that replicates can be laid over one another: a band holds 95 %
of the replicates at each point of the grid by itself, not the whole curve at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath.evaluation.calibration import equal_mass_bins
from dlmath.evaluation.decisions import ratio
from dlmath.inference.decision_rule import decide_binary
from dlmath.stats.bootstrap import replicate_weights

REPLICATES = 500
GRID = np.linspace(0, 1, 101)
_TAIL = 0.025  # of the replicates, below and above a band
BINS = 10  # of the reliability diagram

# Maps weights (R, N) to values (R, points), NaN where undefined.
Curve = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Band:
    """A curve and its band.

    Attributes:
        x: (M,) grid.
        value: (M,) of the sample itself; NaN where undefined.
        low: (M,) below it, 2.5 % of the replicates.
        high: (M,) above it, 2.5 % of the replicates.
    """

    x: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Curves:
    """Curves that a report draws of one set of predictions.

    Attributes:
        roc: Sensitivity over 1 - specificity.
        precision_recall: Precision over recall (PPV over sensitivity).
        reliability: Share of positives over mean probability, in bins of equal numbers.
        net_benefit: Over the threshold probability.
        treat_all: Net benefit of deciding all images positive, on the same grid.
    """

    roc: Band
    precision_recall: Band
    reliability: Band
    net_benefit: Band
    treat_all: np.ndarray


def curves(
    positive: np.ndarray,
    score: np.ndarray,
    clusters: np.ndarray,
    generator: np.random.Generator,
) -> Curves:
    """Return the curves of N predictions, both classes being there.

    Args:
        positive: (N,) bool.
        score: (N,) probability of the positive class, 0 to 1.
        clusters: (N,) indices 0..P-1 of the patients.
        generator: Where the draws come from.
    """
    weights = np.concatenate(list(replicate_weights(clusters, REPLICATES, generator)))

    def band(curve: Curve, x: np.ndarray) -> Band:
        value = curve(np.ones((1, len(score))))[0]
        drawn = curve(weights)
        with np.errstate(invalid="ignore"):
            low, high = _quantiles(drawn)
        return Band(x, value, low, high)

    bins = equal_mass_bins(score, BINS)
    bins = bins[:, bins.any(axis=0)]  # equal scores leave some empty
    prevalence = positive.mean()
    return Curves(
        roc=band(lambda w: _sensitivity_at(positive, score, w), GRID),
        precision_recall=band(lambda w: _precision_at(positive, score, w), GRID),
        reliability=band(
            lambda w: ratio((w * positive) @ bins, w @ bins),
            (score @ bins) / bins.sum(axis=0),
        ),
        net_benefit=band(lambda w: _net_benefit(positive, score, w), GRID[:-1]),
        treat_all=prevalence - (1 - prevalence) * GRID[:-1] / (1 - GRID[:-1]),
    )


def _quantiles(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    defined = ~np.isnan(drawn).all(axis=0)
    bounds = np.full((2, drawn.shape[1]), np.nan)
    bounds[:, defined] = np.nanquantile(drawn[:, defined], [_TAIL, 1 - _TAIL], axis=0)
    return bounds[0], bounds[1]


def _cumulative(
    positive: np.ndarray, score: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights (R, U + 1) of positives and negatives decided positive.

    From none to all images, at each of the U distinct scores going down.
    """
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.flatnonzero(np.diff(score[order], append=np.inf) != 0)
    sorted_weights, sorted_positive = weights[:, order], positive[order]
    hits = np.cumsum(sorted_weights * sorted_positive, axis=1)[:, last_of_ties]
    alarms = np.cumsum(sorted_weights * ~sorted_positive, axis=1)[:, last_of_ties]
    return np.pad(hits, ((0, 0), (1, 0))), np.pad(alarms, ((0, 0), (1, 0)))


def _sensitivity_at(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the sensitivity (R, M) where 1 - specificity is each of `GRID`, interpolated."""
    hits, alarms = _cumulative(positive, score, weights)
    sensitivity = ratio(hits, hits[:, -1:])
    false_rate = ratio(alarms, alarms[:, -1:])
    return np.array(
        [
            np.full(len(GRID), np.nan)
            if np.isnan(x).any() or np.isnan(y).any()
            # Of the points above one another, at an equal x, the highest counts.
            else np.interp(GRID, *_upper(x, y))
            for x, y in zip(false_rate, sensitivity, strict=True)
        ]
    )


def _upper(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points with distinct x, of equal ones the last."""
    last = np.diff(x, append=np.inf) > 0
    return x[last], y[last]


def _precision_at(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the precision (R, M) at the highest threshold whose recall is at least each of `GRID`.

    Between points the curve is not straight (Davis, Goadrich, "The relationship between
    precision-recall and ROC curves", ICML 2006), so that nothing is interpolated.
    """
    hits, alarms = _cumulative(positive, score, weights)
    precision = ratio(hits, hits + alarms)
    recall = ratio(hits, hits[:, -1:])
    found = np.full((len(weights), len(GRID)), np.nan)
    for row, (own_recall, own_precision) in enumerate(zip(recall, precision, strict=True)):
        if not np.isnan(own_recall).any():
            # From the second point on: at none decided positive, precision is not defined.
            at = 1 + np.searchsorted(own_recall[1:], GRID - 1e-12)
            found[row] = own_precision[np.minimum(at, len(own_precision) - 1)]
    return found


def _net_benefit(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the net benefit (R, M - 1) of deciding positive at p >= t, for each t of the grid.

        net benefit = tp / n - fp / n * t / (1 - t)

    Source: Vickers, Elkin, "Decision curve analysis", Medical Decision Making 26(6), 2006, p. 567.
    """
    thresholds = GRID[:-1]
    decided = decide_binary(score[:, np.newaxis], thresholds)  # (N, M - 1)
    total = weights.sum(axis=1, keepdims=True)
    hits = (weights * positive) @ decided
    alarms = (weights * ~positive) @ decided
    return (hits - alarms * thresholds / (1 - thresholds)) / total
