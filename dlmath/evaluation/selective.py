"""Selective prediction: to answer where one is sure, and to hand the other images to somebody.

Source: El-Yaniv, Wiener, "On the foundations of noise-free selective classification", JMLR 11,
2010; Geifman, El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from dlmath.errors import DataError
from dlmath.evaluation.decisions import ratio


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The risk at each coverage that a least confidence can give.

    Attributes:
        confidence: (M,) distinct values, falling; images of at least this one are answered.
        coverage: (M,) share of the images that are answered, rising to 1.
        risk: (M,) share of those that are decided wrongly.
        area: Mean of the risk over the images' coverages; less is better (AURC).
    """

    confidence: np.ndarray
    coverage: np.ndarray
    risk: np.ndarray
    area: float


@dataclass(frozen=True)
class Abstention:
    """Which images are answered: those of at least this confidence.

    Attributes:
        confidence: The least that is answered.
        coverage: Share of the images it was chosen on that are answered.
        risk: Share of those that are decided wrongly.
    """

    confidence: float
    coverage: float
    risk: float


def binary_confidence(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Return (N,): how far the log-odds lie from those of the threshold, at least 0.

    The distance of probabilities would call 0.001 as sure as 0.1 at a threshold near 0.

    Args:
        probability: (N,), of the positive class, in [0, 1].
        threshold: An image is decided positive at probability >= threshold.
    """
    least = np.finfo(np.float64).eps  # of a probability whose logarithm is taken
    ends = np.clip(probability, least, 1 - least), np.clip(threshold, least, 1 - least)
    return np.abs(logit(ends[0]) - logit(ends[1]))


def risk_coverage(wrong: np.ndarray, confidence: np.ndarray) -> RiskCoverage:
    """Return the curve of N images, at least one; equal confidences are answered together.

    Args:
        wrong: (N,) bool: decided wrongly.
        confidence: (N,), higher for what is surer.
    """
    order = np.argsort(-confidence, kind="stable")
    last_of_ties = np.flatnonzero(np.diff(-confidence[order], append=np.inf) > 0)
    answered = last_of_ties + 1
    risk = np.cumsum(wrong[order])[last_of_ties] / answered
    shares = np.diff(answered, prepend=0) / len(wrong)
    return RiskCoverage(
        confidence=confidence[order][last_of_ties],
        coverage=answered / len(wrong),
        risk=risk,
        area=float(shares @ risk),
    )


def abstain_at_coverage(wrong: np.ndarray, confidence: np.ndarray, coverage: float) -> Abstention:
    """Return the rule that answers the least share of images that is at least `coverage`.

    Args:
        wrong: (N,) bool, of validation images.
        confidence: (N,).
        coverage: Above 0, at most 1.

    Raises:
        DataError: The coverage is out of its range.
    """
    if not 0 < coverage <= 1:
        raise DataError(
            "A coverage is the share of images that are answered, above 0 and at most 1. "
            f"Received: coverage={coverage:g}"
        )
    curve = risk_coverage(wrong, confidence)
    # 0.9 of 10 images are 9, although 0.9 * 10 need not be 9 in binary.
    return _at(curve, int(np.argmax(curve.coverage >= coverage - 1e-12)))


def abstain_at_risk(wrong: np.ndarray, confidence: np.ndarray, risk: float) -> Abstention:
    """Return the rule that answers the most images with at most this share decided wrongly.

    The risk is that of the validation images it is chosen on: other images may have a higher one.

    Args:
        wrong: (N,) bool, of validation images.
        confidence: (N,).
        risk: At least 0, below 1.

    Raises:
        DataError: The risk is out of its range, or even the surest images have a higher one.
    """
    if not 0 <= risk < 1:
        raise DataError(
            "A risk is the share of answered images that are decided wrongly, at least 0 and "
            f"below 1. Received: risk={risk:g}"
        )
    curve = risk_coverage(wrong, confidence)
    reached = np.flatnonzero(curve.risk <= risk + 1e-12)
    if not len(reached):
        raise DataError(
            f"Of the validation images even those of the highest confidence have a risk of "
            f"{curve.risk[0]:.3f} or more. Received: risk={risk:g}. Ask for a coverage instead."
        )
    return _at(curve, int(reached[-1]))


def selective_metrics(
    wrong: np.ndarray, answered: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return `coverage` and `risk`, (R,) each; the risk is NaN where nothing is answered.

    Args:
        wrong: (N,) bool.
        answered: (N,) bool.
        weights: (R, N), how often each image counts in each replicate.
    """
    count = weights @ answered.astype(float)
    return {
        "coverage": ratio(count, weights.sum(axis=1)),
        "risk": ratio(weights @ (answered & wrong).astype(float), count),
    }


def _at(curve: RiskCoverage, row: int) -> Abstention:
    return Abstention(
        float(curve.confidence[row]), float(curve.coverage[row]), float(curve.risk[row])
    )
