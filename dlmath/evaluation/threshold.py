"""The threshold of a binary task, chosen on validation images and never on test images."""

import numpy as np

from dlmath.errors import DataError, RecipeError

RULES = ("youden", "accuracy")


def choose_threshold(truth: np.ndarray, probability: np.ndarray, rule: str) -> float:
    """Return the threshold t that serves best when p >= t is decided positive.

    Every decision that a threshold can make is tried. Between two neighbouring scores the
    midpoint is taken, which is as far as can be from both. Of equally good thresholds the
    lowest is taken, which misses the fewest positive images.

    Args:
        truth: (N,) bool, or 1 for positive and 0 for negative.
        probability: (N,), of the positive class, in [0, 1].
        rule: `youden` for the highest sensitivity + specificity - 1 (Youden, "Index for
            rating diagnostic tests", Cancer 3(1), 1950), or `accuracy`.

    Raises:
        DataError: One of the two classes has no image.
    """
    if rule not in RULES:
        raise RecipeError(
            f"`threshold_rule` must be one of {', '.join(RULES)}. Received: threshold_rule={rule!r}"
        )
    positive = np.asarray(truth, bool)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        raise DataError(
            "A threshold needs images of both classes in the validation part. Received: "
            f"{positives} positive and {negatives} negative images. Raise validation_fraction."
        )
    scores, group = np.unique(np.asarray(probability, np.float64), return_inverse=True)
    # At the i-th candidate the images of the i lowest scores are decided negative.
    missed = np.concatenate([[0], np.cumsum(np.bincount(group, positive, len(scores)))])
    rejected = np.concatenate([[0], np.cumsum(np.bincount(group, ~positive, len(scores)))])
    # Whole numbers, so that equally good means equal: Youden's index times both counts.
    gain = {
        "youden": rejected * positives - missed * negatives,
        "accuracy": rejected - missed,
    }[rule]
    return float(_candidates(scores)[np.argmax(gain)])


def _candidates(scores: np.ndarray) -> np.ndarray:
    """Return one threshold below all of the sorted scores, between each two, and above all."""
    lower = np.concatenate([[0.0], scores])
    upper = np.concatenate([scores, [max(1.0, np.nextafter(scores[-1], np.inf))]])
    middle = (lower + upper) / 2
    # Between neighbouring floats the midpoint rounds to one of them; the upper one is right.
    return np.where(middle > lower, middle, upper)
