"""The metrics of an evaluation as they would be at another prevalence, with their intervals."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from dlmath.evaluation.calibration import probability_metrics
from dlmath.evaluation.decisions import ratio
from dlmath.evaluation.expected_calibration_error import calibration_error
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.melding import interval_of
from dlmath.evaluation.metric_table import names_of
from dlmath.evaluation.metrics import Statistics
from dlmath.inference.prevalence import check_prevalence, shift_probability
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, estimate


def prevalence_metrics(
    sample: Sample,
    prevalence: float,
    trained_at: float,
    seed: int,
) -> dict[str, Any]:
    """Return the document's `at_prevalence`: every metric that changes.

    The images are weighted so that the positive ones have the prevalence. Decisions stay what they
    are. Probabilities are shifted as `shift_probability` does, and then judged.

    Args:
        sample: Of a binary task.
        prevalence: Above 0 and below 1.
        trained_at: The prevalence that the model's probabilities are for.
        seed: Of the bootstrap.
    """
    index = sample.rule.positive_index
    assert index is not None  # of a binary task
    positive = sample.truth == index
    shifted = shift_probability(sample.probabilities[:, index], trained_at, prevalence)
    both = np.where(np.arange(2) == index, shifted[:, np.newaxis], 1 - shifted[:, np.newaxis])
    of_decisions = sample.statistics()
    # What does not change is left out: sensitivity, specificity, their mean, and the AUC.
    unshifted = names_of("decision", "ranking", moving=True)
    of_shifted = names_of("probability", moving=True)

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        decided = of_decisions(weights)
        judged = probability_metrics(sample.truth, both, weights)
        # Sums of weights that are no whole numbers round, and a share of them beyond 1.
        return {name: np.minimum(decided[name], 1) for name in unshifted} | {
            name: judged[name] for name in of_shifted
        }

    moved = at_prevalence(statistics, positive, prevalence)
    metrics = estimate(moved, sample.clusters, generator("prevalence", seed))[0]
    metrics |= _melded(sample, metrics, np.where(np.arange(2) == index, prevalence, 1 - prevalence))
    if metrics["ece"].value is not None:
        weights = prevalence_weights(positive, np.ones((1, len(positive))), prevalence)[0]
        metrics["ece"] = calibration_error(sample.truth, both, sample.clusters, weights)
    return {
        "prevalence": prevalence,
        "trained_at": trained_at,
        "metrics": {
            name: asdict(metric if metric.has_width else Estimate(metric.value, None, None))
            for name, metric in metrics.items()
        },
    }


def _melded(
    sample: Sample, metrics: Mapping[str, Estimate], shares: np.ndarray
) -> dict[str, Estimate]:
    """Return the decision metrics with intervals that carry the exact ones of their rates."""
    draws = None if sample.clusters.max() == 0 else sample.draws(shares)
    if draws is None:
        return {}
    return {
        name: Estimate(metrics[name].value, *interval_of(draws, name))
        for name in names_of("decision")
        if name in metrics and name in draws.lower and metrics[name].value is not None
    }


def prevalence_weights(positive: np.ndarray, weights: np.ndarray, prevalence: float) -> np.ndarray:
    """Return weights (R, N) under which the share of positives is the prevalence in each row.

    A row keeps its sum; a row without one of the classes becomes NaN, since no weighting of it has
    the prevalence.

    Args:
        positive: (N,) bool.
        weights: (R, N), at least 0.
        prevalence: Above 0 and below 1.
    """
    check_prevalence(prevalence)
    total = weights.sum(axis=1)
    of_positives = weights @ positive.astype(float)
    up = ratio(prevalence * total, of_positives)
    down = ratio((1 - prevalence) * total, total - of_positives)
    factors = np.where(positive, up[:, np.newaxis], down[:, np.newaxis])
    return weights * np.where(np.isnan(up + down)[:, np.newaxis], np.nan, factors)


def at_prevalence(statistics: Statistics, positive: np.ndarray, prevalence: float) -> Statistics:
    """Return statistics as they would be at another prevalence, for any weights (R, N).

    The images are weighted so that each replicate of a bootstrap has the prevalence: so intervals
    come from the same draws as all others. `ppv` and `npv` follow from the same replicate's
    sensitivity and specificity by Bayes's theorem (Altman, Bland, "Diagnostic tests 2: predictive
    values", BMJ 309, 1994); sensitivity, specificity and AUC do not change.

    Args:
        statistics: Maps weights (R, N) to named values (R,), such as those of
            `dlmath.evaluation.metrics.binary_statistics`; for metrics of probabilities, of those
            that `shift_probability` returns.
        positive: (N,) bool.
        prevalence: Above 0 and below 1.
    """

    def shifted(weights: np.ndarray) -> dict[str, np.ndarray]:
        moved = prevalence_weights(positive, weights, prevalence)
        undefined = np.isnan(moved).any(axis=1)
        values = statistics(np.where(undefined[:, np.newaxis], weights, moved))
        return {name: np.where(undefined, np.nan, value) for name, value in values.items()}

    return shifted
