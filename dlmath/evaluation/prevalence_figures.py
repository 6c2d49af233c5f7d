"""The figures of an evaluation as they would be at another prevalence, with their intervals."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from dlmath.evaluation.bootstrap import Estimate, estimate
from dlmath.evaluation.calibration import probability_metrics
from dlmath.evaluation.calibration_error import calibration_error
from dlmath.evaluation.intervals import DECISION_METRICS, Sample
from dlmath.evaluation.melding import interval_of
from dlmath.evaluation.prevalence import at_prevalence, prevalence_weights, shift_probability
from dlmath.seeds import generator

# What does not change is left out: sensitivity, specificity, their mean, and the AUC.
_OF_DECISIONS = ("accuracy", "ppv", "npv", "f1", "mcc", "average_precision")
_OF_PROBABILITIES = ("brier", "log_loss", "ece")


def prevalence_figures(
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
    figures |= _melded(sample, figures, np.where(np.arange(2) == index, prevalence, 1 - prevalence))
    if figures["ece"].value is not None:
        weights = prevalence_weights(positive, np.ones((1, len(positive))), prevalence)[0]
        figures["ece"] = calibration_error(sample.truth, both, sample.clusters, weights)
    return {
        "prevalence": prevalence,
        "trained_at": trained_at,
        "metrics": {
            name: asdict(figure if figure.has_width else Estimate(figure.value, None, None))
            for name, figure in figures.items()
        },
    }


def _melded(
    sample: Sample, figures: Mapping[str, Estimate], shares: np.ndarray
) -> dict[str, Estimate]:
    """Return the decision metrics with intervals that carry the exact ones of their rates."""
    draws = None if sample.clusters.max() == 0 else sample.draws(shares)
    if draws is None:
        return {}
    return {
        name: Estimate(figures[name].value, *interval_of(draws, name))
        for name in DECISION_METRICS
        if name in figures and name in draws.lower and figures[name].value is not None
    }
