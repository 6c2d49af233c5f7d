"""Every metric that dlmath reports, for one sample or for many bootstrap weightings of it.

With weights of one row of ones the result is the point estimate. Values equal
scikit-learn's with `sample_weight` to 1e-12 where it has the metric and the metric is
defined; here what is undefined is NaN, never 0.
"""

from collections.abc import Callable

import numpy as np

from dlmath.evaluation.calibration import probability_columns, probability_metrics_of
from dlmath.evaluation.decisions import ClassCounts, class_columns, decision_metrics
from dlmath.evaluation.metric_table import METRICS
from dlmath.evaluation.ranking import rank
from dlmath.inference.decision_rule import decide_binary

Statistics = Callable[[np.ndarray], dict[str, np.ndarray]]


def binary_metrics(
    truth: np.ndarray, probability: np.ndarray, threshold: float, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return each of `METRICS`, (R,), for a task with a positive and a negative class.

    Args:
        truth: (N,) bool, or 1 for positive and 0 for negative.
        probability: (N,), of the positive class, in [0, 1].
        threshold: An image is decided positive at probability >= threshold.
        weights: (R, N), how often each image counts in each replicate.
    """
    return binary_statistics(truth, probability, threshold)(weights)


def binary_statistics(truth: np.ndarray, probability: np.ndarray, threshold: float) -> Statistics:
    """Sort once, and return what gives `binary_metrics` for any weights (R, N)."""
    positive = np.asarray(truth, bool)
    decided = decide_binary(probability, threshold)
    both = np.column_stack([1 - probability, probability])
    additive = _additive(positive.astype(int), decided.astype(int), both, about=[1])
    ranking = rank(positive, probability)
    return lambda weights: _in_order({**additive(weights), **ranking(weights)})


def multiclass_metrics(
    truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return each of `METRICS`, (R,), for three classes or more.

    The most probable class is decided. Sensitivity, specificity, the predictive values, F1,
    AUC and average precision are those of each class against the rest, averaged over the
    classes with equal weight (macro); NaN if one class's is undefined.

    Args:
        truth: (N,) class indices.
        probabilities: (N, K), rows that sum to 1.
        weights: (R, N), how often each image counts in each replicate.
    """
    return multiclass_statistics(truth, probabilities)(weights)


def multiclass_statistics(truth: np.ndarray, probabilities: np.ndarray) -> Statistics:
    """Sort once, and return what gives `multiclass_metrics` for any weights (R, N)."""
    classes = probabilities.shape[1]
    about = list(range(classes))
    additive = _additive(truth, probabilities.argmax(axis=1), probabilities, about)
    rankings = [rank(truth == k, probabilities[:, k]) for k in about]

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        ranked = [ranking(weights) for ranking in rankings]
        means = {name: np.mean([one[name] for one in ranked], axis=0) for name in ranked[0]}
        return _in_order({**additive(weights), **means})

    return metrics


def _additive(
    truth: np.ndarray, decision: np.ndarray, probabilities: np.ndarray, about: list[int]
) -> Statistics:
    """Return what gives the metrics that follow from sums over images: by one matrix product."""
    classes = probabilities.shape[1]
    columns = np.hstack(
        [class_columns(truth, decision, classes), probability_columns(truth, probabilities)]
    )

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        sums = weights @ columns
        counts = ClassCounts(*np.split(sums[:, : 3 * classes], 3, axis=1))
        return {
            **decision_metrics(counts, about),
            **probability_metrics_of(sums[:, 3 * classes :], counts.actual.sum(axis=1)),
        }

    return metrics


def _in_order(metrics: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: metrics[name] for name in METRICS}
