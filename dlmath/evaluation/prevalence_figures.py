"""The figures of an evaluation as they would be at another prevalence, with their intervals."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from dlmath.evaluation.bootstrap import Estimate, estimate
from dlmath.evaluation.calibration import probability_metrics
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.prevalence import at_prevalence, predictive_values, shift_probability
from dlmath.seeds import generator

# What does not change is left out: sensitivity, specificity, their mean, and the AUC.
_OF_DECISIONS = ("accuracy", "ppv", "npv", "f1", "mcc", "average_precision")
_OF_PROBABILITIES = ("brier", "log_loss", "ece")


def prevalence_figures(
    sample: Sample,
    metrics: Mapping[str, Estimate],
    prevalence: float,
    trained_at: float,
    seed: int,
) -> dict[str, Any]:
    """Return the document's `at_prevalence`: every metric that changes.

    The images are weighted so that the positive ones have the prevalence. Decisions stay what they
    are. Probabilities are shifted as `shift_probability` does, and then judged.

    Args:
        sample: Of a binary task.
        metrics: Of the images as they are.
        prevalence: Above 0 and below 1.
        trained_at: The prevalence that the model's probabilities are for.
        seed: Of the bootstrap.
    """
    index = sample.decider.positive_index
    assert index is not None  # of a binary task
    positive = sample.truth == index
    shifted = shift_probability(sample.probabilities[:, index], trained_at, prevalence)
    both = np.where(np.arange(2) == index, shifted[:, np.newaxis], 1 - shifted[:, np.newaxis])
    of_decisions = sample.statistics()

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        decided = of_decisions(weights)
        judged = probability_metrics(sample.truth, both, weights)
        # Sums of weights that are no whole numbers round, and a share of them beyond 1.
        return {name: np.minimum(decided[name], 1) for name in _OF_DECISIONS} | {
            name: judged[name] for name in _OF_PROBABILITIES
        }

    moved = at_prevalence(statistics, positive, prevalence)
    figures = estimate(moved, sample.clusters, generator("prevalence", seed))[0]
    return {
        "prevalence": prevalence,
        "trained_at": trained_at,
        "metrics": {
            name: asdict(_unless_certain(name, figure, metrics, prevalence))
            for name, figure in figures.items()
        },
    }


def _unless_certain(
    name: str, figure: Estimate, metrics: Mapping[str, Estimate], prevalence: float
) -> Estimate:
    """Take away an interval of no width; a predictive value has one by the ends of its rates'."""
    if figure.low is None or figure.has_width:
        return figure
    if name not in ("ppv", "npv"):
        return Estimate(figure.value, None, None)
    rates = metrics["sensitivity"], metrics["specificity"]
    lows = [np.array(np.nan if rate.low is None else rate.low) for rate in rates]
    low = float(predictive_values(lows[0], lows[1], prevalence)[name])
    return Estimate(figure.value, None if np.isnan(low) else low, figure.high)
