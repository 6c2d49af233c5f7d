"""Metrics of ranking: how well the scores put positive images above negative ones."""

from collections.abc import Callable

import numpy as np

from dlmath.evaluation.decisions import ratio


def rank(positive: np.ndarray, score: np.ndarray) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Sort the scores once, and return what gives AUC and average precision for any weights (R, N).

    With P and Q the weights of positive and negative images and u running over the distinct
    scores:

        auc = sum_u p_u (Q_below(u) + q_u / 2) / (P Q)
        average_precision = sum_u p_u P_from(u) / (P_from(u) + Q_from(u)) / P

    where `from` means at u and above. The first is the Mann-Whitney statistic with ties
    counted half: Hanley, McNeil, "The meaning and use of the area under a ROC curve",
    Radiology 143, 1982. The second is the step-wise sum that scikit-learn computes, without
    interpolation between points of the precision-recall curve.

    Each replicate costs two cumulative sums, one over the negative images and one over the
    positive ones, and a few operations on the positive ones.

    Args:
        positive: (N,) bool.
        score: (N,), higher for what looks more positive.

    Returns:
        What maps weights to `auc`, (R,), NaN where a class has no weight, and
        `average_precision`, (R,), NaN where the positive class has none.
    """
    positives, negatives = _sorted(positive, score), _sorted(~positive, score)
    high, low = score[positives], score[negatives]
    # For each positive image: how many negatives lie below it, and below it or level with it.
    below, level = np.searchsorted(low, high, "left"), np.searchsorted(low, high, "right")
    first_of_ties = np.searchsorted(high, high, "left")

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        counted = weights[:, positives]  # (R, positives)
        positives_below = _running_sums(counted)
        negatives_below = _running_sums(weights[:, negatives])
        positive_weight, negative_weight = positives_below[:, -1], negatives_below[:, -1]
        outscored = negatives_below[:, below]
        concordant = _row_products(counted, outscored + negatives_below[:, level]) / 2

        positives_from = positive_weight[:, None] - positives_below[:, first_of_ties]
        all_from = positives_from + negative_weight[:, None] - outscored
        # Where nothing is counted from u on, p_u is 0 as well, and any precision will do.
        precision = positives_from / np.maximum(all_from, np.finfo(float).tiny)
        return {
            "auc": ratio(concordant, positive_weight * negative_weight),
            "average_precision": ratio(_row_products(counted, precision), positive_weight),
        }

    return metrics


def _sorted(chosen: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the indices of the chosen images, the lowest score first."""
    indices = np.flatnonzero(chosen)
    return indices[np.argsort(score[indices], kind="stable")]


def _running_sums(weights: np.ndarray) -> np.ndarray:
    """Return (R, n + 1): the sums of the first 0, 1, ..., n columns."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _row_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("rn,rn->r", left, right)
