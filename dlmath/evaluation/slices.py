"""Figures of parts of the images, and the gaps between them, with intervals.

A mean over all images hides a group on which a classifier fails. The more groups are looked at, the
more of them stand out by chance: of 20 gaps of nothing, one has a 95 % interval without 0.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlmath.evaluation.bootstrap import Estimate, estimate
from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.evaluation.slice_groups import Groups

# Half of those of the main figures: three properties of three groups cost ten times as much.
REPLICATES = 1_000


@dataclass(frozen=True)
class Slice:
    """Figures of one group.

    Attributes:
        n: How many images the figures are of.
        own: How many of them are the group's own; the others are for comparison.
        patients: How many patients they are of; the count of images where those are not known.
        metrics: By the names in `METRICS`.
        warnings: What a reader of these intervals should know.
    """

    n: int
    own: int
    patients: int
    metrics: dict[str, Estimate]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Slices:
    """Figures of the groups of one property.

    Attributes:
        name: Of the property.
        groups: By name.
        gaps: Of each group the metrics less those of all other groups together, by name; of two
            groups the first alone. 0 within the interval: no difference is shown. A metric without
            an interval, such as one of images that both sides share, is left out.
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
    """Return all metrics of each group, and the gaps between a group and the others.

    A gap's interval is that of the paired bootstrap: in each replicate patients are drawn once, and
    both sides are measured on that draw, so that what the sides share (a patient with images on
    both, the same negatives) cancels.

    Args:
        sample: All images.
        groups: Rows of them.
        generator: Where the draws come from.
        replicates: How many samples of patients are drawn.
    """
    found = {name: rows for name, rows in groups.rows.items() if len(rows)}
    slices = {
        name: _slice(sample, rows, groups.own[name], generator, replicates)
        for name, rows in found.items()
    }
    names = list(found)
    compared = names[:1] if len(names) == 2 else names if len(names) > 2 else []
    gaps = {
        name: _gaps(
            sample,
            found[name],
            np.unique(np.concatenate([found[other] for other in names if other != name])),
            generator,
            replicates,
        )
        for name in compared
    }
    return Slices(groups.name, slices, gaps)


def select(sample: Sample, rows: np.ndarray) -> Sample:
    """Return the sample of some of the images, its patients numbered anew."""
    return Sample(
        sample.decider,
        sample.truth[rows],
        sample.probabilities[rows],
        np.unique(sample.clusters[rows], return_inverse=True)[1],
    )


def _slice(
    sample: Sample, rows: np.ndarray, own: int, generator: np.random.Generator, replicates: int
) -> Slice:
    chosen = select(sample, rows)
    measured = measure_metrics(chosen, generator, replicates)
    return Slice(
        n=len(rows),
        own=own,
        patients=int(chosen.clusters.max()) + 1,
        metrics=measured.metrics,
        warnings=tuple(measured.warnings),
    )


def _gaps(
    sample: Sample,
    rows: np.ndarray,
    others: np.ndarray,
    generator: np.random.Generator,
    replicates: int,
) -> dict[str, Estimate]:
    here, there = select(sample, rows).statistics(), select(sample, others).statistics()

    def differences(weights: np.ndarray) -> dict[str, np.ndarray]:
        left, right = here(weights[:, rows]), there(weights[:, others])
        return {name: left[name] - right[name] for name in left}

    gaps = estimate(differences, sample.clusters, generator, replicates)[0]
    return {name: gap for name, gap in gaps.items() if gap.has_width}


def slices_as_json(slices: Sequence[Slices]) -> dict[str, Any]:
    """Return the document that stands under `slices` in `evaluate --json`."""

    def of(metrics: dict[str, Estimate]) -> dict[str, Any]:
        return {name: asdict(figure) for name, figure in metrics.items()}

    return {
        one.name: {
            "groups": {
                name: {
                    "n": group.n,
                    "own": group.own,
                    "patients": group.patients,
                    "metrics": of(group.metrics),
                    "warnings": list(group.warnings),
                }
                for name, group in one.groups.items()
            },
            "gaps": {name: of(gap) for name, gap in one.gaps.items()},
        }
        for one in slices
    }
