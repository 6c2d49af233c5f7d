"""Which images of an evaluation are worth a look: the most confident rights and wrongs."""

import numpy as np

from dlmath.evaluation.intervals import Sample
from dlmath.inference.decision_rule import decide_binary

_NARROW = 1e-12  # a threshold of 0 or 1 leaves no way on one side


def most_confident(sample: Sample, right: bool, count: int) -> list[int]:
    """Return the rows of up to `count` images, by confidence, the classes taking turns.

    At most one image of a patient is among them: five films of one child would show one thing.

    Args:
        sample: N images.
        right: Whether those decided rightly are wanted, or those decided wrongly.
        count: At least 1.
    """
    sure = certainty(sample)
    rows = np.flatnonzero((sample.decision == sample.truth) == right)
    rows = rows[np.argsort(-sure[rows], kind="stable")]
    _, first = np.unique(sample.clusters[rows], return_index=True)
    rows = rows[np.sort(first)]
    of_classes = [rows[sample.truth[rows] == index] for index in np.unique(sample.truth)]
    turns = [(turn, -sure[row], row) for of in of_classes for turn, row in enumerate(of[:count])]
    return [int(row) for _, _, row in sorted(turns)[:count]]


def certainty(sample: Sample) -> np.ndarray:
    """Return how sure each decision is, (N,) in 0..1, to rank images by.

    Of two classes it is the share of the way from the threshold to certainty, so that both
    decisions can be compared whatever the threshold; of more, the largest probability. Abstention
    goes by another measure, `DecisionRule.confidence`, in log-odds.
    """
    index, threshold = sample.rule.positive_index, sample.rule.threshold
    if index is None or threshold is None:
        return sample.probabilities.max(axis=1)
    probability, least = sample.probabilities[:, index], threshold.value
    is_positive = decide_binary(probability, least)
    way = np.where(is_positive, max(1 - least, _NARROW), max(least, _NARROW))
    return np.abs(probability - least) / way
