"""Selective prediction: answer where the model is sure, and leave the other images to a reader.

Source: El-Yaniv, Wiener, "On the foundations of noise-free selective classification", JMLR 11,
2010; Geifman, El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath.errors import DataError
from dlmath.evaluation.decisions import ratio

Statistics = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The risk at each coverage that a least confidence can give.

    Attributes:
        confidence: (M,) distinct values, falling; images of at least this one are answered.
        coverage: (M,) share of the images that are answered, rising to 1.
        risk: (M,) share of those that are decided wrongly.
    """

    confidence: np.ndarray
    coverage: np.ndarray
    risk: np.ndarray


@dataclass(frozen=True)
class LeastConfidence:
    """Rule of abstention: images of at least this confidence are answered.

    Attributes:
        confidence: The least that is answered.
        coverage: Share of the images it was chosen on that are answered.
        risk: Share of those that are decided wrongly.
    """

    confidence: float
    coverage: float
    risk: float


def risk_coverage(wrong: np.ndarray, confidence: np.ndarray) -> RiskCoverage:
    """Return the curve of N images, at least one; equal confidences are answered together.

    Args:
        wrong: (N,) bool: decided wrongly.
        confidence: (N,), higher for what is surer.
    """
    order, last_of_ties = _surest_first(confidence)
    answered = last_of_ties + 1
    return RiskCoverage(
        confidence=confidence[order][last_of_ties],
        coverage=answered / len(wrong),
        risk=np.cumsum(wrong[order])[last_of_ties] / answered,
    )


def abstain_at_coverage(
    wrong: np.ndarray, confidence: np.ndarray, coverage: float
) -> LeastConfidence:
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


def abstain_at_risk(wrong: np.ndarray, confidence: np.ndarray, risk: float) -> LeastConfidence:
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


def risk_area(wrong: np.ndarray, confidence: np.ndarray) -> Statistics:
    """Sort once, and return what gives `area`, (R,), for any weights (R, N).

    It is the mean of the risk over the images' coverages (AURC): 0 where every right answer is
    surer than every wrong one and nothing is wrong, and the share of wrong answers where confidence
    says nothing. Less is better.

    Args:
        wrong: (N,) bool: decided wrongly.
        confidence: (N,), higher for what is surer.
    """
    order, last_of_ties = _surest_first(confidence)
    mistaken = wrong[order].astype(float)

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        counted = weights[:, order]
        answered = np.cumsum(counted, axis=1)[:, last_of_ties]
        mistakes = np.cumsum(counted * mistaken, axis=1)[:, last_of_ties]
        risk = np.nan_to_num(ratio(mistakes, answered))  # nothing is answered, nothing counts
        shares = np.diff(answered, axis=1, prepend=0)
        return {"area": ratio((shares * risk).sum(axis=1), answered[:, -1])}

    return statistics


def _surest_first(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of the images, (N,), and where in it equal confidences end, (M,)."""
    order = np.argsort(-confidence, kind="stable")
    return order, np.flatnonzero(np.diff(-confidence[order], append=np.inf) > 0)


def _at(curve: RiskCoverage, row: int) -> LeastConfidence:
    return LeastConfidence(
        float(curve.confidence[row]), float(curve.coverage[row]), float(curve.risk[row])
    )
