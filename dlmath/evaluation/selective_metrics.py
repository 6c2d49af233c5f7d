"""Selective metrics of an evaluation: coverage and risk of the answers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dlmath.evaluation.composition import class_counts
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.selective import risk_area, risk_coverage
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate, estimate
from dlmath.stats.proportions import Share, share_of_images

_SHOWN = np.arange(1, 21) / 20  # coverages of the curve
_ROUNDING = 1e-12

MetricValue = dict[str, float | None]


def of_sample(sample: Sample, ood_scores: np.ndarray | None, seed: int) -> dict[str, Any]:
    """Return the document's `selective` of images that one classifier answered for.

    Args:
        sample: N images.
        ood_scores: (N,) out-of-distribution scores; None where the run fitted none.
        seed: Of the bootstrap.
    """
    rule = sample.rule
    abstains = rule.abstains(sample.probabilities, ood_scores)
    metrics = measure_selective(
        sample.decision != sample.truth,
        rule.confidence(sample.probabilities),
        sample.clusters,
        abstains=abstains,
        out_of_distribution=rule.out_of_distribution(ood_scores),
        seed=seed,
    )
    limits = rule.abstention
    return {
        "least_confidence": limits.confidence,
        "greatest_distance": limits.ood_score,
        **metrics,
        "answered": answered_by_class(sample.truth, abstains, rule.classes),
    }


def answered_by_class(
    truth: np.ndarray, abstains: np.ndarray | None, classes: Sequence[str]
) -> dict[str, int] | None:
    """Return how many images of each class are answered; None without a rule."""
    return None if abstains is None else class_counts(truth[~abstains], classes)


def measure_selective(
    wrong: np.ndarray,
    confidence: np.ndarray,
    clusters: np.ndarray,
    *,
    abstains: np.ndarray | None,
    out_of_distribution: np.ndarray | None,
    seed: int,
) -> dict[str, Any]:
    """Return who is answered and how rightly, each metric with its 95 % interval.

    Args:
        wrong: (N,) bool: decided wrongly.
        confidence: (N,), higher for what is surer.
        clusters: (N,) indices 0..P-1 of the patients.
        abstains: (N,) bool, which images are not answered; None without a rule.
        out_of_distribution: (N,) bool; None if that is not known.
        seed: Of the bootstrap.
    """
    everyone = np.ones_like(wrong, bool)
    answered = None if abstains is None else ~abstains

    def share(hit: np.ndarray | None, counted: np.ndarray | None) -> MetricValue | None:
        if hit is None or counted is None:
            return None
        return _as_dict(share_of_images(hit, counted, clusters))

    area = estimate(risk_area(wrong, confidence), clusters, generator("risk area", seed))[0]
    risk = share_of_images(wrong, everyone, clusters)
    if risk is not None and risk.value == 0:
        # No draw holds a mistake. An order no worse than chance has at most the risk for its area.
        area = {"area": Estimate(0.0, 0.0, risk.high)}
    return {
        "coverage": share(answered, everyone),
        "risk": share(wrong, answered),
        "unusual": share(out_of_distribution, everyone),
        "area": asdict(area["area"]),
        "curve": _curve(wrong, confidence, clusters),
    }


def _curve(wrong: np.ndarray, confidence: np.ndarray, clusters: np.ndarray) -> list[MetricValue]:
    """Return the risk, with its interval, at the least coverages of at least 5 %, 10 %, ..."""
    found = risk_coverage(wrong, confidence)
    rows = np.unique(np.searchsorted(found.coverage, _SHOWN - _ROUNDING))
    points = []
    for row in rows:
        risk = _as_dict(share_of_images(wrong, confidence >= found.confidence[row], clusters))
        assert risk is not None  # some image is answered
        points.append({"coverage": float(found.coverage[row]), "risk": risk.pop("value"), **risk})
    return points


def _as_dict(share: Share | None) -> MetricValue | None:
    return None if share is None else {name: float(end) for name, end in share._asdict().items()}
