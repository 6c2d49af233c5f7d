"""Every metric of an evaluation with the interval that suits it.

A metric that is a share of images has the exact interval of a share, and a metric composed of such
shares an interval that carries theirs (`dlmath.evaluation.melding`): no rate of 0 or 1 counts as
certain. The AUC of two classes has DeLong's interval, the calibration error that of
`dlmath.evaluation.expected_calibration_error`, and the bootstrap by patient serves the others; of
Brier score and log loss only where there are enough mistakes, which make up most of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlmath.data.listing import listed
from dlmath.evaluation.calibration import probability_columns, worst_losses
from dlmath.evaluation.expected_calibration_error import calibration_error
from dlmath.evaluation.melding import (
    Draws,
    bounded_mean,
    confusion_draws,
    interval_of,
    interval_of_difference,
    recall_draws,
)
from dlmath.evaluation.metric_table import label_of, names_of
from dlmath.evaluation.metrics import Statistics, binary_statistics, multiclass_statistics
from dlmath.inference.decision_rule import DecisionRule
from dlmath.names import next_to_numbers
from dlmath.seeds import generator
from dlmath.stats import auc_parts, auc_with_interval
from dlmath.stats.bootstrap import REPLICATES, Estimate, estimate
from dlmath.stats.proportions import (
    Share,
    clopper_pearson,
    f1_share,
    share_of_images,
)

FEW_PATIENTS = 10

BCA, DELONG, EXACT = "bca", "delong", "clopper-pearson"
MELDED, INVERTED, BOUNDED = "melded", "inversion", "bounded"
_EDGE = 1e-12


@dataclass(frozen=True, eq=False)
class Sample:
    """Sample to measure: images with their truth and the probabilities predicted for them.

    Attributes:
        rule: Whose probabilities these are.
        truth: (N,) class indices.
        probabilities: (N, K).
        clusters: (N,) indices 0..P-1 of the patients.
    """

    rule: DecisionRule
    truth: np.ndarray
    probabilities: np.ndarray
    clusters: np.ndarray

    @property
    def decision(self) -> np.ndarray:
        """(N,) class indices."""
        return self.rule.decide(self.probabilities)

    @property
    def about(self) -> list[int]:
        """The classes whose metrics are averaged: the positive one of two, or all."""
        positive = self.rule.positive_index
        return list(range(self.probabilities.shape[1])) if positive is None else [positive]

    @property
    def rate(self) -> str:
        """The metric to read first: accuracy, or of images of one class their rate."""
        present = np.unique(self.truth)
        if len(present) > 1:
            return "accuracy"
        return "sensitivity" if self.rule.positive_index in (None, present[0]) else "specificity"

    def draws(self, shares: np.ndarray | None = None) -> Draws | None:
        """Return draws of the decision metrics: of one class the rate; None if another is missing.

        They are the same at every call, so that a metric has one interval wherever it stands.

        Args:
            shares: (K,) of the classes, such as those at another prevalence.
        """
        classes, random = self.probabilities.shape[1], generator("melding")
        if self.rate != "accuracy":
            everything = np.ones(len(self.truth), bool)
            ends = recall_draws(everything, self.decision == self.truth, self.clusters, random)
            return Draws(*({self.rate: end} for end in ends))
        if len(np.unique(self.truth)) < classes:
            return None
        return confusion_draws(
            self.truth, self.decision, classes, self.clusters, self.about, random, shares
        )

    def statistics(self) -> Statistics:
        """Return what maps weights (R, N) to all metrics, (R,) each."""
        positive, threshold = self.rule.positive_index, self.rule.threshold
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
        methods: By name: clopper-pearson, melded, delong, inversion, bounded or bca; only of those
            with an interval.
        warnings: What a reader of the intervals should know.
    """

    metrics: dict[str, Estimate]
    methods: dict[str, str]
    warnings: list[str]


def measure_metrics(
    sample: Sample, random: np.random.Generator, replicates: int = REPLICATES
) -> Measured:
    """Return every metric of a sample with its 95 % interval."""
    metrics, warnings = estimate(
        sample.statistics(), sample.clusters, random, replicates, label=label_of
    )
    metrics["ece"] = calibration_error(sample.truth, sample.probabilities, sample.clusters)
    if sample.clusters.max() == 0:
        methods = dict.fromkeys((n for n, one in metrics.items() if one.low is not None), BCA)
        return Measured(metrics, methods, warnings)
    found = {name: (BCA, metric.low, metric.high) for name, metric in metrics.items()}
    found |= {"ece": (INVERTED, metrics["ece"].low, metrics["ece"].high)}
    found |= _of_decisions(sample) | _at_their_end(sample, metrics) | _of_auc(sample, metrics)
    metrics = {
        name: metric if metric.value is None else Estimate(metric.value, *found[name][1:])
        for name, metric in metrics.items()
    }
    methods = {name: found[name][0] for name, one in metrics.items() if one.low is not None}
    alike = _clear_alike(metrics, methods)
    return Measured(
        metrics,
        methods,
        [*warnings, *_warnings(_few(sample), methods, alike)],
    )


def difference_ends(first: Sample, second: Sample) -> dict[str, tuple[float, float]]:
    """Return intervals of decision metrics of one sample less those of another, only at the edges.

    They are of the metrics that follow from a rate of 0 or 1 in either sample, which the bootstrap
    takes for certain; of other metrics its interval, of pairs, is the narrower one.
    """
    draws = first.draws(), second.draws()
    if draws[0] is None or draws[1] is None:
        return {}
    edges, positive = _edges(first) | _edges(second), first.rule.positive_index
    # The rates that a metric follows from; of accuracy it is the accuracy.
    rates: dict[str, set[int | str]] = {"accuracy": {"all"}}
    if positive is not None:
        rates |= {"sensitivity": {positive}, "specificity": {1 - positive}}
    return {
        name: interval_of_difference(draws[0], draws[1], name)
        for name in names_of("decision")
        if name in draws[0].lower
        and name in draws[1].lower
        and edges & rates.get(name, edges - {"all"})
    }


def _edges(sample: Sample) -> set[int | str]:
    """Return the classes, or `all`, of which all images or none are decided rightly."""
    right = sample.decision == sample.truth
    groups: dict[int | str, np.ndarray] = {"all": right}
    groups.update({int(k): right[sample.truth == k] for k in np.unique(sample.truth)})
    return {name for name, own in groups.items() if own.mean() in (0.0, 1.0)}


def _few(sample: Sample) -> dict[str, int]:
    """Return what there are few patients of: a class, or mistakes."""
    classes = enumerate(sample.rule.classes)
    rows = {f"of {name}": sample.truth == index for index, name in classes}
    rows["with a wrong decision"] = sample.decision != sample.truth
    patients = {name: len(np.unique(sample.clusters[chosen])) for name, chosen in rows.items()}
    return {
        name: number
        for name, number in patients.items()
        if number < FEW_PATIENTS and (number or not name.startswith("of"))
    }


# What an interval was found by, and its ends.
_Found = dict[str, tuple[str, float | None, float | None]]


def _of_decisions(sample: Sample) -> _Found:
    """Return the intervals of the decision metrics: of shares exactly, of others by melding."""
    draws = sample.draws()
    found: _Found = {}
    if draws is not None:
        found = {name: (MELDED, *interval_of(draws, name)) for name in draws.lower}
    return found | {name: (EXACT, *share[1:]) for name, share in _shares(sample).items()}


def _shares(sample: Sample) -> dict[str, Share]:
    """Return the metrics that are shares of images, where they are defined.

    Accuracy always is; the others are where they are about one class, not means over several.
    """
    truth, decision = sample.truth, sample.decision
    found = {"accuracy": _share(sample, decision == truth, np.ones(len(truth), bool))}
    if len(sample.about) == 1:
        actual, decided = truth == sample.about[0], decision == sample.about[0]
        found |= {
            "sensitivity": _share(sample, decided, actual),
            "specificity": _share(sample, ~decided, ~actual),
            "ppv": _share(sample, actual, decided),
            "npv": _share(sample, ~actual, ~decided),
        }
        overlap = _share(sample, actual & decided, actual | decided)
        found["f1"] = overlap and f1_share(overlap)
    return {name: share for name, share in found.items() if share is not None}


def _share(sample: Sample, hit: np.ndarray, counted: np.ndarray) -> Share | None:
    return share_of_images(hit, counted, sample.clusters)


def _at_their_end(sample: Sample, metrics: Mapping[str, Estimate]) -> _Found:
    """Return intervals where a bootstrap knows too little: few mistakes, perfect precision."""
    found: _Found = {}
    wrong = np.unique(sample.clusters[sample.decision != sample.truth])
    if len(wrong) < FEW_PATIENTS:
        columns = probability_columns(sample.truth, sample.probabilities)
        for name, terms in (("brier", columns[:, 0]), ("log_loss", columns[:, 1])):
            worst = worst_losses(sample.probabilities)[name]
            ends = bounded_mean(terms, worst, sample.clusters, generator(name))
            found[name] = (BOUNDED, *ends)
    if _is_at(metrics["average_precision"], 1):
        share = clopper_pearson(1.0, _fewest_patients(sample))
        found["average_precision"] = (EXACT, share.low, share.high)
    return found


def _is_at(metric: Estimate, end: float) -> bool:
    return metric.value is not None and abs(metric.value - end) < _EDGE


def _fewest_patients(sample: Sample) -> int:
    """Return how many pairs of images of two classes no patient is in two of."""
    of_classes = [
        len(np.unique(sample.clusters[chosen]))
        for k in sample.about
        for chosen in (sample.truth == k, sample.truth != k)
    ]
    return max(1, min(*of_classes, (int(sample.clusters.max()) + 1) // 2))


def _of_auc(sample: Sample, metrics: Mapping[str, Estimate]) -> _Found:
    """Return the AUC's interval: DeLong's for two classes, the exact one at 0 and 1."""
    value, positive = metrics["auc"].value, sample.rule.positive_index
    if value is None:
        return {}
    if positive is None:
        if min(value, 1 - value) >= _EDGE:
            return {}
        share = clopper_pearson(value, _fewest_patients(sample))
        return {"auc": (EXACT, share.low, share.high)}
    data = sample.truth == positive, sample.probabilities[:, positive], sample.clusters
    found, parts = auc_with_interval(*data), auc_parts(*data)
    is_delong = parts is not None and 0 < value < 1 and parts.variance()[0] > 0
    return {"auc": (DELONG if is_delong else EXACT, found.low, found.high)}


def _clear_alike(metrics: dict[str, Estimate], methods: dict[str, str]) -> list[str]:
    """Take away intervals of no width, which would claim certainty; return their names."""
    alike = [
        name for name, metric in metrics.items() if metric.low is not None and not metric.has_width
    ]
    for name in alike:
        metrics[name] = Estimate(metrics[name].value, None, None)
        del methods[name]
    return alike


def _warnings(few: Mapping[str, int], methods: Mapping[str, str], alike: list[str]) -> list[str]:
    warnings = []
    drawn = ", ".join(
        label_of(name) for name, method in methods.items() if method in (BCA, INVERTED)
    )
    if few and drawn:
        numbers = listed([f"{number} {next_to_numbers(name)}" for name, number in few.items()])
        warnings.append(
            f"There are few patients ({numbers}; fewer than {FEW_PATIENTS}): the intervals of "
            f"{drawn}, which the bootstrap gives, may be too narrow."
        )
    if alike:
        warnings.append(
            "Equal for every patient, so that their spread is not known and no interval is given: "
            f"{', '.join(map(label_of, alike))}."
        )
    return warnings
