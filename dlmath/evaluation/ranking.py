"""Metrics of ranking: how well the scores put positive images above negative ones."""

import numpy as np

from dlmath.evaluation.decisions import ratio


def ranking_metrics(
    positive: np.ndarray, score: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return AUC and average precision, (R,) each, for R weightings of the same scores.

    The scores are sorted once; each replicate then costs a few cumulative sums. With P and Q
    the weights of positive and negative images and u running over the distinct scores:

        auc = sum_u p_u (Q_below(u) + q_u / 2) / (P Q)
        average_precision = sum_u p_u P_from(u) / (P_from(u) + Q_from(u)) / P

    where `from` means at u and above. The first is the Mann-Whitney statistic with ties
    counted half: Hanley, McNeil, "The meaning and use of the area under a ROC curve",
    Radiology 143, 1982. The second is the step-wise sum that scikit-learn computes, without
    interpolation between points of the precision-recall curve.

    Args:
        positive: (N,) bool.
        score: (N,), higher for what looks more positive.
        weights: (R, N), how often each image counts in each replicate.

    Returns:
        `auc`, NaN where a class has no weight, and `average_precision`, NaN where the
        positive class has none.
    """
    order = np.argsort(score, kind="stable")
    is_first = np.diff(score[order], prepend=-np.inf) > 0
    first_of_ties = np.flatnonzero(is_first)
    positives = _sum_ties(weights[:, order] * positive[order], first_of_ties)  # (R, U)
    negatives = _sum_ties(weights[:, order] * ~positive[order], first_of_ties)

    negatives_up_to = np.cumsum(negatives, axis=1)
    positive_weight, negative_weight = positives.sum(axis=1), negatives.sum(axis=1)
    below = negatives_up_to - negatives / 2
    concordant = (positives * below).sum(axis=1)

    positives_from = positive_weight[:, None] - np.cumsum(positives, axis=1) + positives
    negatives_from = negative_weight[:, None] - negatives_up_to + negatives
    # Where nothing is counted from u on, p_u is 0 as well, and any precision will do.
    all_from = np.maximum(positives_from + negatives_from, np.finfo(float).tiny)
    precision_sum = (positives * positives_from / all_from).sum(axis=1)
    return {
        "auc": ratio(concordant, positive_weight * negative_weight),
        "average_precision": ratio(precision_sum, positive_weight),
    }


def _sum_ties(weights: np.ndarray, first_of_ties: np.ndarray) -> np.ndarray:
    """Sum the columns of equal scores, which lie side by side."""
    if len(first_of_ties) == weights.shape[1]:
        return weights
    return np.add.reduceat(weights, first_of_ties, axis=1)
