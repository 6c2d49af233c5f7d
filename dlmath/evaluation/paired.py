"""Tests of two classifiers on the same images, of which some are of the same patient."""

from typing import NamedTuple

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit

from dlmath.stats import auc_parts
from dlmath.stats.bootstrap import LEVEL


class AucDifference(NamedTuple):
    """One AUC less another.

    Attributes:
        value: In [-1, 1].
        low: Of the 95 % interval.
        high: Of the 95 % interval.
        standard_error: 0 where the two rank all images alike.
        p: Of the hypothesis that both AUCs are equal, two-sided.
    """

    value: float
    low: float
    high: float
    standard_error: float
    p: float


def delong_test(
    positive: np.ndarray, scores: tuple[np.ndarray, np.ndarray], clusters: np.ndarray
) -> AucDifference | None:
    """Compare the AUCs of two scores of the same images by the paired, clustered DeLong test.

    The variance is that of `dlmath.stats.auc_with_interval`, of the differences between what a
    patient adds to the one AUC and to the other; the interval is value +- t standard errors, with
    Student's t at that variance's degrees of freedom. With one image a patient the standard error
    is DeLong's.

    Source: DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated
    receiver operating characteristic curves", Biometrics 44, 1988; Obuchowski, "Nonparametric
    analysis of clustered ROC curve data", Biometrics 53, 1997.

    Args:
        positive: (N,) bool.
        scores: Two of (N,), higher for what looks more positive.
        clusters: (N,) patient of each image.

    Returns:
        None where a class has fewer than two patients.
    """
    first, second = (auc_parts(positive, score, clusters) for score in scores)
    if first is None or second is None or min(first.counts.positive, first.counts.negative) < 2:
        return None
    difference = first - second
    variance, freedom = difference.variance()
    value, error = difference.value, float(np.sqrt(variance))
    if not error:  # ranked alike, or differing by the same for every patient
        return AucDifference(value, value, value, 0.0, 1.0 if value == 0 else 0.0)
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(value) / error))
    return AucDifference(value, value - reach, value + reach, error, p)


class McNemar(NamedTuple):
    """McNemar's counts: how often exactly one of two classifiers is right.

    Attributes:
        only_first: Images that only the first decides rightly.
        only_second: Images that only the second decides rightly.
        p: Of the hypothesis that both are right equally often, two-sided, of single images.
        p_by_patient: The same, of patients.
    """

    only_first: int
    only_second: int
    p: float
    p_by_patient: float


def mcnemar_test(right: tuple[np.ndarray, np.ndarray], clusters: np.ndarray) -> McNemar:
    """Compare two accuracies by McNemar's exact test, of images and of patients.

    Of images: the discordant ones are tosses of a fair coin. Of patients: each patient's surplus
    d_i, images that only the first has right less those that only the second has, is as likely
    d_i as -d_i; |sum d_i| is held against all 2^P choices of signs, whose distribution is computed
    exactly. With one image a patient the two are the same test.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12, 1947; Fisher, "The Design of Experiments", 1935, §21 (random
    signs).

    Args:
        right: Two of (N,) bool, whether each image is decided rightly.
        clusters: (N,) indices 0..P-1.
    """
    first, second = right
    only_first, only_second = first & ~second, second & ~first
    surplus = np.bincount(clusters, only_first.astype(int) - only_second.astype(int)).astype(int)
    numbers = int(only_first.sum()), int(only_second.sum())
    return McNemar(*numbers, _binomial_p(*numbers), _signs_p(surplus))


def _binomial_p(first: int, second: int) -> float:
    return min(1.0, 2 * float(bdtr(min(first, second), first + second, 0.5)))


def _signs_p(surplus: np.ndarray) -> float:
    """Return P(|sum of s_i |d_i|| >= |sum of d_i|) for fair random signs s_i."""
    sizes = np.abs(surplus[surplus != 0])
    span = int(sizes.sum())
    chances = np.zeros(2 * span + 1)  # of the sums -span, ..., span
    chances[span] = 1.0
    for size in sizes:
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    sums = np.arange(-span, span + 1)
    return min(1.0, float(chances[np.abs(sums) >= abs(int(surplus.sum()))].sum()))
