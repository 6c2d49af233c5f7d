"""Every metric of an evaluation with the interval that suits it.

Three kinds: BCa bootstrap intervals for all that they are good for, DeLong's for the AUC of two
classes, and exact ones where a metric is 0 or 1 or a class has few patients.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlmath.convex import auc_parts, auc_with_interval
from dlmath.evaluation.bootstrap import REPLICATES, Estimate, estimate
from dlmath.evaluation.metrics import Statistics, binary_statistics, multiclass_statistics
from dlmath.evaluation.proportions import (
    Share,
    clopper_pearson,
    f1_share,
    mean_share,
    share_of_images,
)
from dlmath.light.decider import Decider

FEW_PATIENTS = 10

BCA, DELONG, EXACT = "bca", "delong", "clopper-pearson"

# Means of terms in [0, 1]; at 0 a share of as many images that is 0 is what bounds them.
_MEANS = ("brier", "ece")
_EDGE = 1e-12


@dataclass(frozen=True, eq=False)
class Sample:
    """What is measured: images with what is known and what was said of them.

    Attributes:
        decider: Whose probabilities these are.
        truth: (N,) class indices.
        probabilities: (N, K).
        clusters: (N,) indices 0..P-1 of the patients.
    """

    decider: Decider
    truth: np.ndarray
    probabilities: np.ndarray
    clusters: np.ndarray

    @property
    def decision(self) -> np.ndarray:
        """(N,) class indices."""
        return self.decider.decide(self.probabilities)

    @property
    def about(self) -> list[int]:
        """The classes whose metrics are averaged: the positive one of two, or all."""
        positive = self.decider.positive_index
        return list(range(self.probabilities.shape[1])) if positive is None else [positive]

    def statistics(self) -> Statistics:
        """Return what maps weights (R, N) to all metrics, (R,) each."""
        positive, threshold = self.decider.positive_index, self.decider.threshold
        if positive is None or threshold is None:
            return multiclass_statistics(self.truth, self.probabilities)
        return binary_statistics(
            self.truth == positive, self.probabilities[:, positive], threshold.value
        )


@dataclass(frozen=True)
class Measured:
    """Every metric with its interval.

    Attributes:
        metrics: By name.
        methods: By name: bca, delong or clopper-pearson; only of those with an interval.
        warnings: What a reader of the intervals should know.
    """

    metrics: dict[str, Estimate]
    methods: dict[str, str]
    warnings: list[str]


def measure_metrics(
    sample: Sample, generator: np.random.Generator, replicates: int = REPLICATES
) -> Measured:
    """Return every metric of a sample with its 95 % interval."""
    metrics, warnings = estimate(sample.statistics(), sample.clusters, generator, replicates)
    methods = {name: BCA for name, figure in metrics.items() if figure.low is not None}
    if sample.clusters.max() == 0:
        return Measured(metrics, methods, warnings)
    few = _classes_with_few_patients(sample)
    exact = _exact(sample, metrics, everywhere=bool(few))
    for name, share in exact.items():
        metrics[name] = Estimate(metrics[name].value, share.low, share.high)
        methods[name] = EXACT
    _set_auc(sample, metrics, methods)
    alike = _clear_alike(metrics, methods)
    return Measured(metrics, methods, [*warnings, *_warnings(few, methods, alike)])


def _classes_with_few_patients(sample: Sample) -> dict[str, int]:
    patients = {
        name: len(np.unique(sample.clusters[sample.truth == index]))
        for index, name in enumerate(sample.decider.classes)
    }
    return {name: number for name, number in patients.items() if 0 < number < FEW_PATIENTS}


def _exact(
    sample: Sample, metrics: Mapping[str, Estimate], *, everywhere: bool
) -> dict[str, Share]:
    """Return the exact intervals of metrics that are 0 or 1; `everywhere` of others as well."""
    at_edge = {
        name
        for name, figure in metrics.items()
        if figure.value is not None and min(abs(figure.value), abs(1 - figure.value)) < _EDGE
    }
    shares = {
        name: share
        for name, share in _shares(sample).items()
        if metrics[name].value is not None and (everywhere or name in at_edge)
    }
    if abs(abs(metrics["mcc"].value or 0) - 1) < _EDGE:
        shares["mcc"] = _correlation(_shares(sample)["balanced_accuracy"], sample)
    for name in _MEANS:
        if name in at_edge:
            shares[name] = _all_or_nothing(sample, metrics[name].value)
    if "average_precision" in at_edge:
        shares["average_precision"] = clopper_pearson(1.0, _fewest_patients(sample))
    return shares


def _shares(sample: Sample) -> dict[str, Share]:
    """Return the metrics that are shares of images, or means of such, where they are defined."""
    truth, decision = sample.truth, sample.decision
    classes = range(sample.probabilities.shape[1])

    def share(hit: np.ndarray, counted: np.ndarray) -> Share | None:
        return share_of_images(hit, counted, sample.clusters)

    sensitivities = [share(decision == k, truth == k) for k in classes]
    by_class = {
        "accuracy": [share(decision == truth, np.ones(len(truth), bool))],
        "balanced_accuracy": sensitivities,
        "sensitivity": [sensitivities[k] for k in sample.about],
        "specificity": [share(decision != k, truth != k) for k in sample.about],
        "ppv": [share(truth == k, decision == k) for k in sample.about],
        "npv": [share(truth != k, decision != k) for k in sample.about],
    }
    overlaps = [
        share((truth == k) & (decision == k), (truth == k) | (decision == k)) for k in sample.about
    ]
    by_class["f1"] = [overlap and f1_share(overlap) for overlap in overlaps]
    return {
        name: mean_share(defined)
        for name, shares in by_class.items()
        if len(defined := [one for one in shares if one is not None]) == len(shares)
    }


def _correlation(balanced: Share, sample: Sample) -> Share:
    """Return the interval of a Matthews correlation of 1 or -1: that of the informedness.

    The two agree there. Informedness is balanced accuracy, scaled so that chance is 0 (Powers,
    "Evaluation: from precision, recall and F-measure to ROC, informedness, markedness and
    correlation", Journal of Machine Learning Technologies 2(1), 2011).
    """
    classes = sample.probabilities.shape[1]
    return Share(*((classes * end - 1) / (classes - 1) for end in balanced))


def _all_or_nothing(sample: Sample, value: float | None) -> Share:
    hit = np.full(len(sample.truth), bool(value))
    share = share_of_images(hit, np.ones_like(hit), sample.clusters)
    assert share is not None  # there is an image
    return share


def _fewest_patients(sample: Sample) -> int:
    """Return how many pairs of images of two classes no patient is in two of."""
    of_classes = [
        len(np.unique(sample.clusters[chosen]))
        for k in sample.about
        for chosen in (sample.truth == k, sample.truth != k)
    ]
    return max(1, min(*of_classes, (int(sample.clusters.max()) + 1) // 2))


def _set_auc(sample: Sample, metrics: dict[str, Estimate], methods: dict[str, str]) -> None:
    """Replace the AUC's interval: by DeLong's for two classes, by the exact one at 0 and 1."""
    value, positive = metrics["auc"].value, sample.decider.positive_index
    if value is None:
        return
    if positive is None:
        if min(value, 1 - value) < _EDGE:
            share = clopper_pearson(value, _fewest_patients(sample))
            metrics["auc"], methods["auc"] = Estimate(value, share.low, share.high), EXACT
        return
    data = sample.truth == positive, sample.probabilities[:, positive], sample.clusters
    found, parts = auc_with_interval(*data), auc_parts(*data)
    metrics["auc"] = Estimate(value, found.low, found.high)
    is_delong = parts is not None and 0 < value < 1 and parts.variance()[0] > 0
    methods["auc"] = DELONG if is_delong else EXACT


def _clear_alike(metrics: dict[str, Estimate], methods: dict[str, str]) -> list[str]:
    """Take away intervals of no width, which would claim certainty; return their names."""
    alike = [
        name for name, figure in metrics.items() if figure.low is not None and not figure.has_width
    ]
    for name in alike:
        metrics[name] = Estimate(metrics[name].value, None, None)
        del methods[name]
    return alike


def _warnings(few: Mapping[str, int], methods: Mapping[str, str], alike: list[str]) -> list[str]:
    warnings = []
    exact = ", ".join(name for name, method in methods.items() if method == EXACT)
    if few:
        numbers = ", ".join(f"{number} of {name}" for name, number in few.items())
        drawn = ", ".join(name for name, method in methods.items() if method == BCA)
        warnings.append(
            f"There are few patients ({numbers}; fewer than {FEW_PATIENTS}): the intervals of "
            f"{exact} are exact ones (Clopper-Pearson, on the effective number of images), and "
            f"those of {drawn}, which the bootstrap gives, may be too narrow."
        )
    elif exact:
        warnings.append(
            f"At its end of the scale: {exact}. Every bootstrap replicate would be alike, so the "
            "interval is an exact one (Clopper-Pearson, on the effective number of images)."
        )
    if alike:
        warnings.append(
            "Equal for every patient, so that their spread is not known and no interval is given: "
            f"{', '.join(alike)}."
        )
    return warnings
