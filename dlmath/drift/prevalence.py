"""Prevalence shift: test whether a change of prevalence by itself explains the drift.

A change of prevalence moves the scores, and what of the images goes with the class. It is no fault
of the model: `--prevalence` corrects for it. So the images are compared once more with those of the
reference, mixed as the new ones seem to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmath.audit.group_differences import holm
from dlmath.drift.discrepancy import discrepancies
from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Layout

_HALVINGS = 20  # of 0..1, in which the likeliest share is looked for
_SMOOTHED = 0.01  # of the images over all cells, so that none is empty
_SHARES = np.linspace(0, 1, 21)  # at which the interval's ends are looked for
_DRAWS = 400  # at each of them
_LEVEL = (0.025, 0.975)


@dataclass(frozen=True)
class Prevalence:
    """The share of the positive class, by the scores.

    Attributes:
        reference: Its share in the reference.
        value: In the new images, if images of a class have scores as ever.
        low: Lower end of the 95 % interval of that, if prevalence is all that changed.
        high: Upper end.
        p: Of the hypothesis that prevalence is all that changed, corrected for the number of tests.
    """

    reference: float
    value: float
    low: float
    high: float
    p: float

    def as_json(self) -> dict[str, Any]:
        """Return it under the names of the JSON document."""
        return {
            "reference": self.reference,
            "new": {"value": self.value, "low": self.low, "high": self.high},
            "p_prevalence_alone": self.p,
        }


def prevalence_alone(
    layout: Layout,
    names: Sequence[str],
    classes: tuple[Sample, Sample],
    new: Sample,
    patients: int | None,
    draws: int,
    rng: np.random.Generator,
) -> Prevalence:
    """Test whether the new images are a mixture of the reference's two classes.

    The null distribution is drawn: samples of the classes in the share that was found, from which
    the share is found again, as it is in the data.

    Args:
        layout: Of the numbers.
        names: What is compared.
        classes: The reference's images that are not of the positive class, and those that are.
        new: The new images.
        patients: Of how many patients they are; None for as many images of each as there.
        draws: How many samples.
        rng: Draws them.
    """
    none, one = (sample.mean for sample in classes)
    counts = np.array([sample.total for sample in classes])
    value = float(estimate(layout, none, one, new.mean)[0])
    found = discrepancies(layout, mixed(none, one, np.array([value])), new.mean)
    nones, ones = (sample.drawn(len(sample.images), draws, rng) for sample in classes)
    news = _drawn_mixture(classes, value, new.total, patients, draws, rng)
    values = estimate(layout, nones, ones, news)
    chance = discrepancies(layout, mixed(nones, ones, values), news)
    p_values = [
        (1 + (np.abs(chance[name]) >= np.abs(found[name])).sum()) / (1 + draws) for name in names
    ]
    low, high = interval(layout, classes, new, patients, rng)
    return Prevalence(float(counts[1] / counts.sum()), value, low, high, min(holm(p_values)))


def interval(
    layout: Layout,
    classes: tuple[Sample, Sample],
    new: Sample,
    patients: int | None,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return the shares that the new scores do not contradict, at 95 %.

    Samples are drawn at each of several shares, of the classes in the reference too: what is known
    of their scores rests on so many patients. A share belongs to the interval if the estimate lies
    within the middle 95 % of those of its samples. Source: Neyman, "Outline of a theory of
    statistical estimation", Phil. Trans. R. Soc. A 236, 1937.

    Args:
        layout: Of the numbers.
        classes: As `prevalence_alone` takes them.
        new: The new images.
        patients: Of how many patients they are, as there.
        rng: Draws the samples.
    """
    scores = Layout(0, layout.scores, 0)
    kept = [Sample(_scores_alone(layout, one.sums), one.images) for one in (*classes, new)]
    both, own = (kept[0], kept[1]), kept[2]
    value = float(estimate(scores, both[0].mean, both[1].mean, own.mean)[0])
    nones, ones = (sample.drawn(len(sample.images), _DRAWS, rng) for sample in both)
    ends = []
    for share in _SHARES:
        news = _drawn_mixture(both, float(share), own.total, patients, _DRAWS, rng)
        ends.append(np.quantile(estimate(scores, nones, ones, news), _LEVEL))
    lower, upper = np.maximum.accumulate(np.array(ends), axis=0).T
    # A hair inside, for the first of several shares with equal ends, and the last of them.
    low = np.interp(value - 1e-9, upper, _SHARES)
    return float(low), float(np.interp(value + 1e-9, lower, _SHARES))


def _scores_alone(layout: Layout, sums: np.ndarray) -> np.ndarray:
    cells = layout.part(sums, "scores")
    return np.column_stack([cells, np.zeros((len(cells), 2))])  # two shares, not looked at


def mixed(none: np.ndarray, one: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the means (B, F) of mixtures with the shares (B,) of the second."""
    return none + share[:, np.newaxis] * (one - none)


def estimate(layout: Layout, none: np.ndarray, one: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return (B,), the share of the second class in `new` that makes its scores most likely.

    Source: Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 14(1), 2002, section 2.2, on a histogram. Their steps of
    expectation and maximisation climb a concave function; its slope is bisected here.

    Args:
        layout: Of the numbers.
        none: (B, F) or (1, F), the means of the first class.
        one: Of the second.
        new: (B, F).
    """
    first, second, wanted = (_histogram(layout, means) for means in (none, one, new))
    apart, low, width = second - first, np.zeros(len(new)), 1.0
    for _ in range(_HALVINGS):
        width /= 2
        middle = (low + width)[:, np.newaxis]
        slope = (wanted * apart / (first + middle * apart)).sum(axis=1)
        low += width * (slope > 0)
    return low + width / 2


def _histogram(layout: Layout, means: np.ndarray) -> np.ndarray:
    cells = layout.part(means, "scores")
    return (1 - _SMOOTHED) * cells + _SMOOTHED / cells.shape[1]


def _drawn_mixture(
    classes: tuple[Sample, Sample],
    share: float,
    images: int,
    patients: int | None,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the means (B, F) of mixtures, with the share of images of the second class on average.

    Patients of both classes are drawn together, with all their images: so the share varies as it
    does where some patients have many.
    """
    both = Sample(
        np.concatenate([sample.sums for sample in classes]),
        np.concatenate([sample.images for sample in classes]),
    )
    chances = np.concatenate(
        [
            np.full(len(sample.images), part / sample.total)
            for sample, part in zip(classes, (1 - share, share), strict=True)
        ]
    )
    chances /= chances.sum()
    if patients is None:
        patients = max(1, round(images / float(chances @ both.images)))
    return both.drawn(patients, draws, rng, chances)
