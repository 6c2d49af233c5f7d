"""Metrics of decisions: what comes out once each image has been given a class.

All of them follow from three counts for each class, so no confusion matrix is kept for each
of a thousand bootstrap replicates. Names and formulas: Sokolova, Lapalme, "A systematic
analysis of performance measures for classification tasks", Information Processing &
Management 45(4), 2009, tables 2 and 3.
"""

from typing import NamedTuple

import numpy as np


class ClassCounts(NamedTuple):
    """Weighted counts for R replicates and K classes, each (R, K)."""

    hits: np.ndarray  # of the class, and decided as it
    decided: np.ndarray  # decided as the class, rightly or not
    actual: np.ndarray  # of the class


def class_columns(truth: np.ndarray, decision: np.ndarray, classes: int) -> np.ndarray:
    """Return (N, 3K): what each image adds to the hits, the decided and the actual of a class.

    Weights (R, N) times this are the parts of `ClassCounts` side by side: one matrix product
    counts for all replicates.

    Args:
        truth: (N,) class indices.
        decision: (N,) class indices.
        classes: K, the number of classes.
    """
    one_hot = np.eye(classes)
    actual, decided = one_hot[truth], one_hot[decision]  # (N, K)
    return np.hstack([actual * decided, decided, actual])


def decision_metrics(counts: ClassCounts, about: list[int]) -> dict[str, np.ndarray]:
    """Return the decision metrics, (R,) each, NaN where a denominator is 0.

    With the counts of one class against the rest (tp, fp, fn, tn):

        sensitivity = tp / (tp + fn)        ppv = tp / (tp + fp)
        specificity = tn / (tn + fp)        npv = tn / (tn + fn)
        f1 = 2 tp / (2 tp + fp + fn)

    Balanced accuracy is the mean sensitivity over all classes.

    Args:
        counts: By class, for R weightings of the images.
        about: The classes whose metrics are averaged: the positive one of a binary task, or
            all of them (macro averages).
    """
    hits, decided, actual = counts
    total = actual.sum(axis=1, keepdims=True)  # (R, 1)
    true_negatives = total - decided - actual + hits
    by_class = {
        "sensitivity": ratio(hits, actual),
        "specificity": ratio(true_negatives, total - actual),
        "ppv": ratio(hits, decided),
        "npv": ratio(true_negatives, total - decided),
        "f1": ratio(2 * hits, actual + decided),
    }
    return {
        "accuracy": ratio(hits.sum(axis=1), total[:, 0]),
        "balanced_accuracy": by_class["sensitivity"].mean(axis=1),
        **{name: values[:, about].mean(axis=1) for name, values in by_class.items()},
        "mcc": matthews_correlation(counts),
    }


def matthews_correlation(counts: ClassCounts) -> np.ndarray:
    """Return Matthews's correlation coefficient (R,), in its form for K classes.

    Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", Computational Biology and Chemistry 28, 2004, eq. 8. For two classes it is
    Matthews's own. NaN where the truth or the decisions hold one class only; scikit-learn
    returns 0 there.
    """
    hits, decided, actual = counts
    total = actual.sum(axis=1)
    covariance = hits.sum(axis=1) * total - (decided * actual).sum(axis=1)
    return ratio(covariance, np.sqrt(_spread(decided, total) * _spread(actual, total)))


def _spread(counts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return total^2 less the sum of squares (R,): 0 for a single class, also if rounded."""
    spread = total**2 - (counts**2).sum(axis=1)
    return np.where(spread > 1e-12 * total**2, spread, 0.0)


def confusion_matrix(truth: np.ndarray, decision: np.ndarray, classes: int) -> np.ndarray:
    """Return the (K, K) counts of images: rows are truth, columns decisions."""
    cells = np.bincount(truth * classes + decision, minlength=classes**2)
    return cells.reshape(classes, classes)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide, with NaN (undefined) where the denominator is not above 0."""
    undefined = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)
