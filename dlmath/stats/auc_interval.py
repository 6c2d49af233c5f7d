"""The AUC with a 95 % interval that counts patients, not images, as independent."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, expit, logit, stdtrit

_TAIL = 0.025
_ROUNDING = 1e-24  # of a variance: that of equal numbers is not always 0


class AucInterval(NamedTuple):
    """An area under the ROC curve with its 95 % interval, all in [0, 1]; NaN without both classes.

    Attributes:
        value: The share of (positive, negative) pairs that the scores put in order, ties half.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def auc_with_interval(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> AucInterval:
    r"""Return the AUC of scores with the clustered DeLong interval on the logit scale.

    With V_j the share of negatives that positive j outscores and V_k the share of positives that
    outscore negative k, ties half, both average to the AUC A. Patient i, who has m_i of the M
    positives and n_i of the N negatives, contributes the sums

        p_i = sum_j (V_j - A),    q_i = sum_k (V_k - A)

    over their own images, and

        var A = c(I_p) sum p_i^2 / M^2 + c(I_q) sum q_i^2 / N^2 + 2 c(I) sum p_i q_i / (M N),

    where c(I) = I / (I - 1), for I_p patients with a positive, I_q with a negative, and I in all.
    With one image a patient this is DeLong's variance. The interval is

        logit A +- t sqrt(var A) / (A (1 - A)),

    with Student's t at Satterthwaite's degrees of freedom of the first two terms, I - 1 at most.

    Where the variance is 0, as at A = 0 and 1, or a class has a single patient, the interval is
    that of Clopper and Pearson for n = min(I_p, I_q, I // 2) pairs: so many pairs can be formed of
    different patients, they are independent, and each is in order with probability A.

    Source: Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53, 1997;
    DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988. The sums cost O(N log N): Sun, Xu, "Fast
    implementation of DeLong's algorithm", IEEE Signal Processing Letters 21, 2014.

    Args:
        labels: (N,) 1 or True for what should score high.
        scores: (N,), finite.
        groups: (N,) patient of each, integers or strings.
    """
    parts = auc_parts(labels, scores, groups)
    if parts is None:
        return AucInterval(np.nan, np.nan, np.nan)
    value, (variance, freedom) = parts.value, parts.variance()
    if variance > 0 and 0 < value < 1:
        reach = stdtrit(freedom, 1 - _TAIL) * np.sqrt(variance) / (value * (1 - value))
        low, high = expit(logit(value) + np.array([-reach, reach]))
        return AucInterval(value, float(low), float(high))
    return AucInterval(value, *_of_pairs(value, parts.counts.pairs))


@dataclass(frozen=True, eq=False)
class AucParts:
    """An AUC, and what each of I patients contributes to its variance.

    Attributes:
        value: The AUC.
        p: (I,) sums p_i / M over a patient's positives, 0 without any.
        q: (I,) sums q_i / N over a patient's negatives, 0 without any.
        counts: How many patients there are.
    """

    value: float
    p: np.ndarray
    q: np.ndarray
    counts: "PatientCounts"

    def variance(self) -> tuple[float, float]:
        """Return the variance of the AUC, 0 where it cannot be known, and its degrees of freedom.

        That of a difference of two AUCs of the same images is that of `self - other`.
        """
        return _variance(self.p, self.q, self.counts)

    def __sub__(self, other: "AucParts") -> "AucParts":
        return AucParts(self.value - other.value, self.p - other.p, self.q - other.q, self.counts)


def auc_parts(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> AucParts | None:
    """Return the parts of `auc_with_interval`, whose arguments these are; None for one class."""
    positive = np.asarray(labels, bool)
    scores = np.asarray(scores, float)
    patient = np.unique(np.asarray(groups), return_inverse=True)[1]
    of_positives, of_negatives = patient[positive], patient[~positive]
    if not (len(of_positives) and len(of_negatives)):
        return None
    outscored = _placements(scores[positive], scores[~positive])
    outscoring = 1 - _placements(scores[~positive], scores[positive])
    value = float(outscored.mean())
    counts = PatientCounts(
        len(np.unique(of_positives)), len(np.unique(of_negatives)), int(patient.max()) + 1
    )
    p = np.bincount(of_positives, outscored - value, counts.everybody) / len(of_positives)
    q = np.bincount(of_negatives, outscoring - value, counts.everybody) / len(of_negatives)
    return AucParts(value, p, q, counts)


class PatientCounts(NamedTuple):
    """Numbers of patients: with a positive image, with a negative one, and in all."""

    positive: int
    negative: int
    everybody: int

    @property
    def pairs(self) -> int:
        """The number of pairs, positive and negative, that share no patient with each other."""
        return min(self.positive, self.negative, self.everybody // 2)


def _placements(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return for each score the share of `others` below it, ties half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return below / (2 * len(others))


def _variance(p: np.ndarray, q: np.ndarray, counts: PatientCounts) -> tuple[float, float]:
    if min(counts.positive, counts.negative) < 2:
        return 0.0, 1.0
    terms = np.array([_inflation(counts.positive) * p @ p, _inflation(counts.negative) * q @ q])
    both = 2 * _inflation(counts.everybody) * p @ q
    if terms.sum() + both <= _ROUNDING:
        return 0.0, 1.0
    shares = terms / terms.sum()
    freedom = 1 / (shares**2 / np.array([counts.positive - 1, counts.negative - 1])).sum()
    return float(terms.sum() + both), float(min(freedom, counts.everybody - 1))


def _inflation(number: int) -> float:
    return number / (number - 1)


def _of_pairs(value: float, pairs: int) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of `pairs` independent pairs, a share `value` in order.

    The beta quantiles that it consists of need no whole number of successes.
    """
    ordered = value * pairs
    low = betaincinv(ordered, pairs - ordered + 1, _TAIL) if ordered > 0 else 0.0
    high = betaincinv(ordered + 1, pairs - ordered, 1 - _TAIL) if ordered < pairs else 1.0
    return float(low), float(high)
