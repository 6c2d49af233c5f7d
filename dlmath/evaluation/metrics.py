"""Every metric that dlmath reports, for one sample or for many bootstrap weightings of it.

With weights of one row of ones the result is the point estimate. Values equal
scikit-learn's with `sample_weight` to 1e-12 where it has the metric and the metric is
defined; here what is undefined is NaN, never 0.
"""

import numpy as np

from dlmath.evaluation.calibration import probability_metrics
from dlmath.evaluation.decisions import count_classes, decision_metrics
from dlmath.evaluation.ranking import ranking_metrics
from dlmath.light.decider import decide_binary

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "auc",
    "average_precision",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "mcc",
    "brier",
    "log_loss",
    "ece",
)


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
    positive = np.asarray(truth, bool)
    decided = decide_binary(probability, threshold)
    counts = count_classes(positive.astype(int), decided.astype(int), 2, weights)
    both = np.column_stack([1 - probability, probability])
    return _in_order(
        {
            **decision_metrics(counts, about=[1]),
            **ranking_metrics(positive, probability, weights),
            **probability_metrics(positive.astype(int), both, weights),
        }
    )


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
    classes = probabilities.shape[1]
    counts = count_classes(truth, probabilities.argmax(axis=1), classes, weights)
    rankings = [ranking_metrics(truth == k, probabilities[:, k], weights) for k in range(classes)]
    return _in_order(
        {
            **decision_metrics(counts, about=list(range(classes))),
            **{name: np.mean([r[name] for r in rankings], axis=0) for name in rankings[0]},
            **probability_metrics(truth, probabilities, weights),
        }
    )


def _in_order(metrics: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: metrics[name] for name in METRICS}
