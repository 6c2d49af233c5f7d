"""Metrics of parts of the images, and the gaps between them, with intervals.

A mean over all images hides a group on which a classifier fails. The more groups are looked at, the
more of them stand out by chance: of 20 gaps of nothing, one has a 95 % interval without 0.

An accuracy depends on how many images of each class it is of, so each group says how many it has. A
group of one class has that class's rate in its place: the sensitivity of positive images, the
specificity of negative ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from dlmath.evaluation.composition import class_counts
from dlmath.evaluation.intervals import Sample, difference_ends, measure_metrics
from dlmath.evaluation.metric_table import METRICS, names_of
from dlmath.evaluation.metrics import Statistics
from dlmath.evaluation.slice_groups import Groups
from dlmath.stats import auc_with_interval
from dlmath.stats.bootstrap import Estimate, estimate

# Half of those of the main metrics: three properties of three groups cost ten times as much.
REPLICATES = 1_000

_UNDEFINED = Estimate(None, None, None)
_NONE = np.zeros(0, int)

Value = TypeVar("Value")


@dataclass(frozen=True)
class Slice:
    """Metrics of one group.

    Attributes:
        n: How many images the metrics are of.
        by_class: How many of them are of each class.
        against: How many images of each class the AUC ranks them against; None where it ranks the
            group's own images, or is undefined.
        patients: How many patients they are of; the count of images where those are not known.
        rate: The metric to read first: accuracy, or of images of one class sensitivity or
            specificity.
        metrics: By the names in `METRICS`; undefined where a metric takes images of another class.
        warnings: What a reader of these intervals should know.
    """

    n: int
    by_class: dict[str, int]
    against: dict[str, int] | None
    patients: int
    rate: str
    metrics: dict[str, Estimate]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Slices:
    """Metrics of the groups of one property.

    Attributes:
        name: Of the property.
        groups: By name.
        gaps: Of each group the metrics less those of all other groups together, by name; of two
            groups only the first. 0 within the interval: no difference is shown. A metric that one
            side does not have, or without an interval, is left out.
    """

    name: str
    groups: dict[str, Slice]
    gaps: dict[str, dict[str, Estimate]]

    @property
    def widest(self) -> tuple[str, str, Estimate] | None:
        """Group, metric and value of the gap whose interval stays furthest from 0, if any does."""
        clear = [
            (max(gap.low, -gap.high), group, metric, gap)
            for group, gaps in self.gaps.items()
            for metric, gap in gaps.items()
            if gap.low is not None and gap.high is not None and max(gap.low, -gap.high) > 0
        ]
        return max(clear, key=lambda one: one[:3])[1:] if clear else None


def measure_slices(
    sample: Sample,
    groups: Groups,
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> Slices:
    """Return the metrics of each group, and the gaps between a group and the others.

    A gap's interval is that of the paired bootstrap: in each replicate patients are drawn once, and
    both sides are measured on that draw, so that what the sides share (a patient with images on
    both, the same negatives) cancels. Where a rate is 0 or 1, which a bootstrap takes for
    certain, the interval is a melded one.

    Args:
        sample: All images.
        groups: Rows of them.
        generator: Where the draws come from.
        replicates: How many samples of patients are drawn.
    """
    found = {
        name: (rows, groups.against.get(name, _NONE))
        for name, rows in groups.rows.items()
        if len(rows)
    }
    slices = {name: _slice(sample, *rows, generator, replicates) for name, rows in found.items()}
    names = list(found)
    compared = names[:1] if len(names) == 2 else names if len(names) > 2 else []
    gaps = {}
    for name in compared:
        others = zip(*(found[other] for other in names if other != name), strict=True)
        there = [np.unique(np.concatenate(rows)) for rows in others]
        sides = _statistics(sample, *found[name]), _statistics(sample, *there)
        ends = difference_ends(select(sample, found[name][0]), select(sample, there[0]))
        gaps[name] = _gaps(sides, ends, sample.clusters, generator, replicates)
    return Slices(groups.name, slices, gaps)


def select(sample: Sample, rows: np.ndarray) -> Sample:
    """Return the sample of some of the images, its patients numbered from 0 on."""
    return Sample(
        sample.rule,
        sample.truth[rows],
        sample.probabilities[rows],
        np.unique(sample.clusters[rows], return_inverse=True)[1],
    )


def _slice(
    sample: Sample,
    rows: np.ndarray,
    against: np.ndarray,
    generator: np.random.Generator,
    replicates: int,
) -> Slice:
    own, classes = select(sample, rows), sample.rule.classes
    rate, counts = own.rate, class_counts(own.truth, classes)
    measured = measure_metrics(own, generator, replicates)
    figures, warnings = _told(measured.metrics, rate), measured.warnings
    if rate != "accuracy":
        kept = (warning for warning in warnings if not warning.startswith("Undefined"))
        warnings = [_said_of_one_class(counts, rate), *kept]
    if len(against):
        figures["auc"] = _auc(select(sample, np.union1d(rows, against)))
    return Slice(
        n=len(rows),
        by_class=counts,
        against=class_counts(sample.truth[against], classes) if len(against) else None,
        patients=int(own.clusters.max()) + 1,
        rate=rate,
        metrics={name: figures.get(name, _UNDEFINED) for name in METRICS},
        warnings=tuple(warnings),
    )


def _told(figures: Mapping[str, Value], rate: str) -> dict[str, Value]:
    """Return the metrics that images with this rate have; of one class it is their accuracy."""
    if rate == "accuracy":
        return dict(figures)
    # All other metrics take images of both classes.
    of_one_class = names_of("probability")
    return {rate: figures["accuracy"], **{name: figures[name] for name in of_one_class}}


def _said_of_one_class(counts: Mapping[str, int], rate: str) -> str:
    [name] = [name for name, count in counts.items() if count]
    return (
        f"Every image is of {name}: {rate} is given in the place of accuracy, and metrics that "
        "take images of another class are undefined."
    )


def _auc(sample: Sample) -> Estimate:
    positive = sample.rule.positive_index
    scores = sample.probabilities[:, positive]
    return Estimate(*auc_with_interval(sample.truth == positive, scores, sample.clusters))


def _statistics(sample: Sample, rows: np.ndarray, against: np.ndarray) -> Statistics:
    """Return what maps weights (R, N) of all images to the metrics of a group, (R,) each."""
    own = select(sample, rows)
    rate, of_own = own.rate, own.statistics()
    ranked = np.union1d(rows, against)
    of_ranked = select(sample, ranked).statistics()

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        figures = _told(of_own(weights[:, rows]), rate)
        if len(against):
            figures["auc"] = of_ranked(weights[:, ranked])["auc"]
        return figures

    return statistics


def _gaps(
    sides: tuple[Statistics, Statistics],
    ends: Mapping[str, tuple[float, float]],
    clusters: np.ndarray,
    generator: np.random.Generator,
    replicates: int,
) -> dict[str, Estimate]:
    here, there = sides

    def differences(weights: np.ndarray) -> dict[str, np.ndarray]:
        left, right = here(weights), there(weights)
        shared = left.keys() & right.keys() - {"ece"}  # the bias of its estimate does not cancel
        return {name: left[name] - right[name] for name in METRICS if name in shared}

    gaps = estimate(differences, clusters, generator, replicates)[0]
    for name in gaps.keys() & ends.keys():
        if gaps[name].value is not None:
            gaps[name] = Estimate(gaps[name].value, *ends[name])
    return {name: gap for name, gap in gaps.items() if gap.has_width}


def slices_as_json(slices: Sequence[Slices]) -> dict[str, Any]:
    """Return the document that stands under `slices` in `evaluate --json`."""
    return {
        one.name: {
            "groups": {
                name: {**asdict(group), "warnings": list(group.warnings)}
                for name, group in one.groups.items()
            },
            "gaps": {
                name: {metric: asdict(gap) for metric, gap in gaps.items()}
                for name, gaps in one.gaps.items()
            },
        }
        for one in slices
    }
