"""Exact intervals of shares of images, where some of the images are of the same patient.

They hold where a bootstrap says nothing: at 0 and 1, where every replicate equals the sample, and
with so few patients that their spread is hardly known.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, stdtrit

from dlmath.stats.bootstrap import LEVEL


class Share(NamedTuple):
    """A share with the ends of its interval, each in [0, 1]."""

    value: float
    low: float
    high: float


def share_of_images(hit: np.ndarray, counted: np.ndarray, patients: np.ndarray) -> Share | None:
    r"""Return the share of hits among the images that count, with its 95 % interval.

    The interval is that of Clopper and Pearson for n* images in place of n:

        n* = n / D (t(n - 1) / t(I - 1))^2,    D = v / (r (1 - r) / n),

    where D is the design effect: v, the variance of the share r by patients (that of a ratio,
    linearised), over the variance that as many independent images would have. I is the number of
    patients and t the upper 2.5 % point of Student's distribution. n* lies between (sum n_i)^2 /
    sum n_i^2, as if all n_i images of a patient i were one, and n; at r = 0 and 1, where D is not
    known, it is the former.

    Source: Korn, Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", Survey Methodology 24(2), 1998; Clopper, Pearson,
    Biometrika 26, 1934; the lower bound: Kish, "Survey Sampling", 1965, §8.2.

    Args:
        hit: (N,) bool, which images are hits.
        counted: (N,) bool, which images count.
        patients: (N,) indices 0..P-1.

    Returns:
        None where no image counts.
    """
    if not counted.any():
        return None
    return clopper_pearson(float(hit[counted].mean()), effective_images(hit, counted, patients))


def clopper_pearson(value: float, size: float) -> Share:
    """Return the interval of a share of `size` independent images; neither need be whole."""
    tail = (1 - LEVEL) / 2
    hits, misses = value * size, (1 - value) * size
    low = float(betaincinv(hits, misses + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses > 0 else 1.0
    return Share(value, low, high)


def f1_share(jaccard: Share) -> Share:
    """Return F1 = 2 J / (1 + J), from J = tp / (tp + fp + fn), which is a share of images."""
    return Share(*(2 * end / (1 + end) for end in jaccard))


def effective_images(hit: np.ndarray, counted: np.ndarray, patients: np.ndarray) -> float:
    """Return n* of `share_of_images`: as many independent images would say as much of the share.

    The arguments are those of `share_of_images`; at least one image counts.
    """
    images = np.bincount(patients, counted)
    present = images > 0
    images, hits = images[present], np.bincount(patients, hit & counted)[present]
    total, number = images.sum(), len(images)
    value = hits.sum() / total
    fewest = total**2 / (images**2).sum()
    if not 0 < value < 1 or number < 2:
        return float(fewest)
    residuals = hits - value * images
    variance = number / (number - 1) * (residuals**2).sum() / total**2
    upper = (1 + LEVEL) / 2
    unsure = (stdtrit(max(total - 1, 1), upper) / stdtrit(number - 1, upper)) ** 2
    return float(np.clip(value * (1 - value) / max(variance, 1e-300) * unsure, fewest, total))
