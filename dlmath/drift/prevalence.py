"""Could it be the prevalence alone? Then patients are ill more often, and look as before.

A change of prevalence moves the scores, and what of the images goes with the class. It is no fault
of the model: `--prevalence` corrects for it. So the images are compared once more with those of the
reference, mixed as the new ones seem to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmath.data.audit.differences import holm
from dlmath.drift.discrepancies import discrepancies
from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Layout

_STEPS = 200  # of expectation and maximisation
_SMOOTHED = 0.01  # of the images over all cells, so that none is empty


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
    draws: int,
    rng: np.random.Generator,
) -> Prevalence:
    """Test whether the new images are a mixture of the reference's two classes.

    The null distribution is drawn: samples of the classes in the share that was found, from which
    the share is found anew, as it is in the data.

    Args:
        layout: Of the numbers.
        names: What is compared.
        classes: The reference's images that are not of the positive class, and those that are.
        new: The new images.
        draws: How many samples.
        rng: Draws them.
    """
    none, one = (sample.mean for sample in classes)
    counts = np.array([sample.total for sample in classes])
    value = float(estimate(layout, none, one, new.mean)[0])
    found = discrepancies(layout, mixed(none, one, np.array([value])), new.mean)
    nones, ones = (sample.drawn(len(sample.images), draws, rng) for sample in classes)
    news = _drawn_mixture(classes, value, new.total, draws, rng)
    values = estimate(layout, nones, ones, news)
    chance = discrepancies(layout, mixed(nones, ones, values), news)
    p_values = [
        (1 + (np.abs(chance[name]) >= np.abs(found[name])).sum()) / (1 + draws) for name in names
    ]
    low, high = np.clip(np.quantile(values, [0.025, 0.975]), 0, 1)
    return Prevalence(
        float(counts[1] / counts.sum()), value, float(low), float(high), min(holm(p_values))
    )


def mixed(none: np.ndarray, one: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the means (B, F) of mixtures with the shares (B,) of the second."""
    return none + share[:, np.newaxis] * (one - none)


def estimate(layout: Layout, none: np.ndarray, one: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return (B,), the share of the second class in `new` that makes its scores most likely.

    Source: Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 14(1), 2002, eq. 2.4, on a histogram.

    Args:
        layout: Of the numbers.
        none: (B, F) or (1, F), the means of the first class.
        one: Of the second.
        new: (B, F).
    """
    first, second, wanted = (_histogram(layout, means) for means in (none, one, new))
    share = np.full(len(new), 0.5)
    for _ in range(_STEPS):
        of_second = share[:, np.newaxis] * second
        both = of_second + (1 - share)[:, np.newaxis] * first
        share = (wanted * of_second / both).sum(axis=1)
    return share


def _histogram(layout: Layout, means: np.ndarray) -> np.ndarray:
    cells = layout.part(means, "scores")
    return (1 - _SMOOTHED) * cells + _SMOOTHED / cells.shape[1]


def _drawn_mixture(
    classes: tuple[Sample, Sample], share: float, images: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the means (B, F) of mixtures of so many images.

    Patients are drawn, so the share varies as that of so many patients does.
    """
    patients = sum(len(sample.images) for sample in classes)
    patients = max(1, round(images * patients / sum(sample.total for sample in classes)))
    shares = rng.binomial(patients, share, draws) / patients
    none, one = (
        sample.drawn(sample.patients_for(max(1, round(images * part))), draws, rng)
        for sample, part in zip(classes, (1 - share, share), strict=True)
    )
    return mixed(none, one, shares)
