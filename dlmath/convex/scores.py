"""How good predictions are: log-loss, and the area under the ROC curve."""

import numpy as np
from scipy.stats import rankdata


def log_loss(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted mean cross-entropy of probabilities (N, K) for soft labels (N, K)."""
    tiny = np.finfo(float).tiny  # a probability that underflowed costs 708, not infinity
    losses = -(targets * np.log(np.maximum(probabilities, tiny))).sum(axis=1)
    return float(np.average(losses, weights=weights))


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of (positive, negative) pairs that the scores put in order, ties half.

    For labels 0 and 1 of a column of scores (N,), or for class numbers and scores (N, K): then
    the mean over classes, each against the rest. NaN where a class has no example.
    """
    if scores.ndim == 2:
        return float(np.mean([auc(labels == k, column) for k, column in enumerate(scores.T)]))
    positive = np.asarray(labels, bool)
    pairs = positive.sum() * np.sum(~positive)
    if not pairs:
        return float("nan")
    count = positive.sum()
    return float((rankdata(scores)[positive].sum() - count * (count + 1) / 2) / pairs)
