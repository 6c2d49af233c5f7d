"""Two-sample test of drift: are new images drawn from the same distribution as the reference?

Source: Rabanser, Günnemann, Lipton, "Failing loudly: an empirical study of methods for detecting
dataset shift", NeurIPS 2019, arXiv:1810.11953: a trained network's features and scores tell shifts
well. Means of a finite feature map are compared, as in Gretton et al., "A kernel two-sample test",
JMLR 13, 2012, with the kernel that the map has.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmath.audit.group_differences import holm
from dlmath.drift.discrepancy import SHARES, TITLES, compared, discrepancies
from dlmath.drift.pictures import NAMES
from dlmath.drift.prevalence import Prevalence, prevalence_alone
from dlmath.drift.reference import Reference
from dlmath.drift.samples import Sample, permuted, redrawn, redrawn_apart
from dlmath.drift.sketch import Layout, Sketch
from dlmath.seeds import generator

ALPHA = 0.01
LEAST_ALPHA = 0.001  # less takes more draws than fit in memory
_DRAWS = 1_999
_LEAST_SPREAD = 1e-4  # what rounding leaves of a metric that does not vary
_LEVEL = (0.025, 0.975)


@dataclass(frozen=True)
class ShiftMeasure:
    """One measure of shift between two sets of images.

    Attributes:
        name: See `dlmath.drift.discrepancy.TITLES`.
        statistic: The measured value; sampling by itself makes it more than 0.
        fair: The 1 - alpha quantile of the statistic over samples that do not differ.
        value: The statistic less what sampling adds on average; for a share, the difference itself.
        low: Lower end of its 95 % interval; None where patients are not known.
        high: Upper end of that interval.
        p: p-value of this measure by itself.
        adjusted: p-value corrected for the number of tests (Holm).
    """

    name: str
    statistic: float
    fair: float
    value: float
    low: float | None
    high: float | None
    p: float
    adjusted: float

    def as_json(self) -> dict[str, Any]:
        """Return the fields under their names in the JSON document."""
        return {
            "name": self.name,
            "title": TITLES[self.name],
            "statistic": self.statistic,
            "fair": self.fair,
            "difference": {"value": self.value, "low": self.low, "high": self.high},
            "p": self.p,
            "p_adjusted": self.adjusted,
        }


@dataclass(frozen=True)
class PictureMean:
    """Mean of one metric of the pictures, in the reference and in new images.

    Attributes:
        name: See `dlmath.drift.pictures.NAMES`.
        reference: Its mean over the reference; levels are in 0..1.
        new: Its mean over the new images.
        difference: Of the two, in standard deviations of single images of the reference; None where
            it does not vary there.
    """

    name: str
    reference: float
    new: float
    difference: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the fields under their names in the JSON document."""
        return {
            "name": self.name,
            "title": NAMES[self.name],
            "reference": self.reference,
            "new": self.new,
            "difference_sd": self.difference,
        }


@dataclass(frozen=True)
class TwoSampleResult:
    """Result of the two-sample test of new images against a reference.

    Attributes:
        images: Number of new images.
        patients: Number of their patients; None where that is not known.
        reference_images: Number of images of the reference.
        reference_patients: Number of patients of the reference.
        alpha: False-alarm rate of the whole test.
        differences: The measures of shift.
        pictures: Mean metrics of the pictures themselves, the most different first.
        prevalence: For two classes, whether a change of prevalence explains the shift.
    """

    images: int
    patients: int | None
    reference_images: int
    reference_patients: int
    alpha: float
    differences: tuple[ShiftMeasure, ...]
    pictures: tuple[PictureMean, ...]
    prevalence: Prevalence | None

    @property
    def drifted(self) -> bool:
        """Return whether any measure of shift is significant."""
        return any(one.adjusted <= self.alpha for one in self.differences)

    @property
    def only_in_pictures(self) -> bool:
        """Return whether only the pictures differ, not what the model computes from them."""
        differ = [one.name for one in self.differences if one.adjusted <= self.alpha]
        return differ == ["pictures"]

    @property
    def explained_by_prevalence(self) -> bool:
        """Return whether a change of prevalence explains all of the shift."""
        return self.drifted and self.prevalence is not None and self.prevalence.p > self.alpha


def compare_samples(
    reference: Reference,
    sketch: Sketch,
    new: Sample,
    *,
    patients_known: bool,
    alpha: float = ALPHA,
    draws: int | None = None,
    seed: int = 0,
) -> TwoSampleResult:
    """Test new images against a run's reference.

    Args:
        reference: Reference of the run.
        sketch: Sketch of its classifier.
        new: The numbers of the new images, by patient; or all in one where whose they are is not
            known.
        patients_known: Whether they are by patient. Then the p-values are those of permutations,
            exact if patients of both sides come from one distribution. Else samples of the
            reference take the place, with as many images of a patient as there.
        alpha: False-alarm rate, in (0, 1).
        draws: How many permutations or samples; None for at least as many as it takes for a p-value
            that is below `alpha` after its correction.
        seed: Seed of the draws.
    """
    rng = generator("drift", seed)
    rows, layout = reference.rows(sketch), sketch.layout
    is_number = np.isfinite(rows).all(axis=1)
    rows, labels = rows[is_number], reference.labels[is_number]
    patients = reference.patients[is_number]
    if draws is None:  # the smallest p-value is 1 / (draws + 1), times the number of tests
        draws = max(_DRAWS, math.ceil(2 * len(TITLES) / alpha) - 1)
    own, names = Sample.of(rows, patients), compared(sketch.rule, layout)
    found = discrepancies(layout, own.mean, new.mean)
    again = None
    if patients_known:
        chance = discrepancies(layout, *permuted(own, new, draws, rng))
        again = discrepancies(layout, *redrawn_apart(own, new, draws, rng))
    else:
        chance = discrepancies(layout, *redrawn(own, new.total, draws, rng))
    return TwoSampleResult(
        images=new.total,
        patients=len(new.images) if patients_known else None,
        reference_images=own.total,
        reference_patients=len(own.images),
        alpha=alpha,
        differences=_differences(names, found, chance, again, alpha),
        pictures=picture_means(layout, own.mean[0], new.mean[0]),
        prevalence=_prevalence(rows, labels, patients, sketch, new, patients_known, draws, rng),
    )


def _differences(
    names: tuple[str, ...],
    found: Mapping[str, np.ndarray],
    chance: Mapping[str, np.ndarray],
    again: Mapping[str, np.ndarray] | None,
    alpha: float,
) -> tuple[ShiftMeasure, ...]:
    draws = len(chance[names[0]])
    p_values = [
        float((1 + (np.abs(chance[name]) >= np.abs(found[name])).sum()) / (1 + draws))
        for name in names
    ]
    differences = []
    for name, p, adjusted in zip(names, p_values, holm(p_values), strict=True):
        effect = _of_share if name in SHARES else _of_norm
        value, low, high = effect(
            float(found[name][0]), chance[name], None if again is None else again[name]
        )
        statistic = float(np.abs(found[name][0]))
        fair = float(np.quantile(np.abs(chance[name]), 1 - alpha))
        differences.append(ShiftMeasure(name, statistic, fair, value, low, high, p, adjusted))
    return tuple(differences)


def _of_share(
    found: float, chance: np.ndarray, again: np.ndarray | None
) -> tuple[float, float, float]:
    """Return the difference of two shares and its interval."""
    low, high = found - np.quantile(chance, _LEVEL[::-1])
    if again is not None:
        low, high = np.quantile(again, _LEVEL)
    return found, float(low), float(high)


def _of_norm(
    found: float, chance: np.ndarray, again: np.ndarray | None
) -> tuple[float, float | None, float | None]:
    """Return a norm without what sampling adds to its square, and its interval.

    The square of samples is larger by b than that of what they are drawn from, and drawn again from
    the samples larger by 2 b.
    """
    added = (chance**2).mean() if again is None else (again**2).mean() - found**2
    value = float(np.sqrt(max(found**2 - added, 0)))
    if again is None:
        return value, None, None
    low, high = np.sqrt(np.maximum(np.quantile(again**2, _LEVEL) - 2 * added, 0))
    return value, float(low), float(high)


def _prevalence(
    rows: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    sketch: Sketch,
    new: Sample,
    patients_known: bool,
    draws: int,
    rng: np.random.Generator,
) -> Prevalence | None:
    positive = sketch.rule.positive_index
    if positive is None:
        return None
    is_one = labels == positive
    none, one = (Sample.of(rows[own], patients[own]) for own in (~is_one, is_one))
    names = compared(sketch.rule, sketch.layout)
    number = len(new.images) if patients_known else None
    return prevalence_alone(sketch.layout, names, (none, one), new, number, draws, rng)


def picture_means(
    layout: Layout, reference: np.ndarray, new: np.ndarray
) -> tuple[PictureMean, ...]:
    """Return each metric of the pictures, those whose means are farthest apart first.

    Args:
        layout: Layout of the numbers.
        reference: (F,), means over the reference.
        new: (F,), means over the new images.
    """
    if not layout.pictures:
        return ()
    first, second = np.triu_indices(layout.pictures)
    squares = layout.part(reference, "picture_products")[first == second]
    own, other = (layout.part(means, "pictures") for means in (reference, new))
    spread = np.sqrt(np.maximum(squares - own**2, 0))
    found = [
        PictureMean(name, float(a), float(b), float((b - a) / sd) if sd > _LEAST_SPREAD else None)
        for name, a, b, sd in zip(NAMES, own, other, spread, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.difference or 0)))
