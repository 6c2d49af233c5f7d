"""Scores of predictions: log loss, and the area under the ROC curve."""

import numpy as np


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
    return float(auc_of_draws(labels, scores, np.ones((1, len(labels))))[0])


def auc_of_draws(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return `auc`, (R,), for weights (R, N) that say how often each row counts."""
    if scores.ndim == 2:
        each = [auc_of_draws(labels == k, column, weights) for k, column in enumerate(scores.T)]
        return np.mean(each, axis=0)
    order = np.argsort(scores, kind="stable")
    first_of_ties = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    positive = np.asarray(labels, bool)[order]
    above = np.add.reduceat(weights[:, order] * positive, first_of_ties, axis=1)
    below = np.add.reduceat(weights[:, order] * ~positive, first_of_ties, axis=1)
    in_order = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
    pairs = above.sum(axis=1) * below.sum(axis=1)
    return np.divide(in_order, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
