"""Learning curve: the AUC by the number of training patients, and how many a target would take.

Where the patients are not known, each image stands for one, and images are what is counted.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from dlmath import seeds
from dlmath.errors import DataError
from dlmath.linear_head.head import checked, fit_head
from dlmath.linear_head.patients_needed import Needed, needed
from dlmath.linear_head.power_law import PowerLaws, fit_power_laws
from dlmath.linear_head.scores import auc, auc_of_draws
from dlmath.reporting import Progress

SIZES = 8
REPEATS = 8
DRAWS = 400
# Patients of the smallest training set, of which two are of every class: an eighth of all within
# these bounds. Still smaller ones lie on no power law (Hestness et al., section 5: the small data
# region).
SMALLEST = (10, 20)
# The largest sizes are held back from as many extrapolations, one after another.
HELD_BACK = 3
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class CurvePoint:
    """The AUC of heads trained on `count` patients: the mean over draws, and its 95 % interval.

    The interval is over which patients are trained on and which are predicted.
    """

    count: int
    auc: float
    low: float
    high: float


@dataclass(frozen=True)
class HeldBack:
    """An extrapolation to a size that was measured too, from the sizes up to `fitted_to`."""

    fitted_to: int
    count: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class LearningCurve:
    """A measured learning curve and its extrapolation a - b n^-c.

    Attributes:
        points: By size.
        law: The fitted curve.
        draws: The curves fitted to bootstrap draws.
        held_back: What extrapolation from smaller sizes predicted of larger ones.
        error: Root mean square of what it was wrong by; intervals are widened by this.
        unit: What is counted: patient, or image where the patients are not known.
    """

    points: tuple[CurvePoint, ...]
    law: PowerLaws
    draws: PowerLaws
    held_back: tuple[HeldBack, ...]
    error: float
    unit: str = "patient"

    def predict(self, count: int) -> CurvePoint:
        """Return the AUC expected of as many training patients."""
        low, high = np.quantile(self.draws.at(count), _QUANTILES)
        value = float(self.law.at(count)[0])
        return CurvePoint(
            count, value, max(0.0, float(low) - self.error), min(1.0, float(high) + self.error)
        )

    def needed(self, target: float) -> Needed:
        """Return how many training patients an AUC in (0.5, 1) takes.

        Raises:
            ValueError: The target is out of its range.
        """
        if not 0.5 < target < 1:
            raise ValueError(
                f"The target must be an AUC between 0.5 and 1. Received: target={target}"
            )
        optimistic = self.draws.reach(target - self.error)
        pessimistic = self.draws.reach(target + self.error)
        return needed(
            target,
            float(self.law.reach(target)[0]),
            float(np.quantile(optimistic, _QUANTILES[0], method="lower")),
            float(np.quantile(pessimistic, _QUANTILES[1], method="higher")),
            asymptote=float(self.law.asymptote[0]),
            unit=self.unit,
            fewest=self.points[0].count,
            at_hand=self.points[-1].count,
            reached=self.points[-1].auc,
        )


def learning_curve(
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
    held_out_features: np.ndarray,
    held_out_targets: np.ndarray,
    held_out_groups: np.ndarray,
    *,
    l2: float,
    sizes: int = SIZES,
    repeats: int = REPEATS,
    seed: int = 0,
    unit: str = "patient",
    progress: Progress | None = None,
) -> LearningCurve:
    """Train heads on ever more of the patients, and score them on held-out patients.

    Args:
        features: (N, D) as for `fit_head`.
        targets: (N, K), likewise.
        weights: (N,), likewise.
        groups: (N,), likewise.
        held_out_features: (M, D).
        held_out_targets: (M, K); the truth is the class with most of the label.
        held_out_groups: (M,) patients, none of whom is trained on.
        l2: The penalty for all patients. Fewer of them weigh less against the same prior: the
            penalty of a part with the weight s is l2 S / s.
        sizes: How many training sets, log-spaced up to all patients; at least 4.
        repeats: Draws of patients for each size but the largest, each draw growing.
        seed: Of the draws.
        unit: What the groups are: patient, or image where the patients are not known.
        progress: Called with the number of heads fitted and of all.

    Raises:
        DataError: There are too few patients.
    """
    targets, weights, groups = checked(features, targets, weights, groups)
    counts = _sizes(targets, groups, sizes, unit)
    truth = held_out_targets.argmax(axis=1)
    scores = np.empty((len(counts), repeats, *held_out_targets.shape))
    for done, (size, repeat, rows) in enumerate(_parts(targets, groups, counts, repeats, seed)):
        if progress is not None:
            progress(done, repeats * (len(counts) - 1) + 1)
        part = (features[rows], targets[rows], weights[rows], groups[rows])
        fit = fit_head(*part, l2=l2 * weights.sum() / weights[rows].sum())
        # All patients are drawn in one way only: the one fit stands for every repeat.
        places = slice(None) if size == len(counts) - 1 else repeat
        scores[size, places] = fit.logits(held_out_features)
    values = _mean_auc(truth, scores)
    drawn = _drawn_auc(truth, scores, held_out_groups, seed)
    return replace(_curve(counts, values, drawn), unit=unit)


def _curve(counts: np.ndarray, values: np.ndarray, drawn: np.ndarray) -> LearningCurve:
    """Return the curve of mean AUCs (Q,) at sizes (Q,) and of bootstrap draws (Q, B)."""
    precision = 1 / np.maximum(drawn.var(axis=1), 1e-8)
    bounds = np.quantile(drawn, _QUANTILES, axis=1)
    points = tuple(
        CurvePoint(int(count), float(value), float(low), float(high))
        for count, value, low, high in zip(counts, values, *bounds, strict=True)
    )
    held_back = tuple(_extrapolate(counts, values, precision))
    errors = [each.predicted - each.observed for each in held_back]
    return LearningCurve(
        points,
        law=fit_power_laws(counts, values[:, np.newaxis], precision),
        draws=fit_power_laws(counts, drawn, precision),
        held_back=held_back,
        error=float(np.sqrt(np.mean(np.square(errors)))),
    )


def _extrapolate(
    counts: np.ndarray, values: np.ndarray, precision: np.ndarray
) -> Iterator[HeldBack]:
    """Yield what the smaller sizes, at least three, predict of each larger one."""
    for end in range(max(3, len(counts) - HELD_BACK), len(counts)):
        law = fit_power_laws(counts[:end], values[:end, np.newaxis], precision[:end])
        for count, value in zip(counts[end:], values[end:], strict=True):
            predicted = float(law.at(count)[0])
            yield HeldBack(int(counts[end - 1]), int(count), predicted, float(value))


def _sizes(targets: np.ndarray, groups: np.ndarray, sizes: int, unit: str) -> np.ndarray:
    """Return log-spaced numbers of patients, of which the smallest has two of every class."""
    classes = np.bincount(_class_of_patients(targets, groups), minlength=targets.shape[1])
    patients, rarest = int(classes.sum()), int(classes.min())
    smallest = min(max(patients // 8, SMALLEST[0]), SMALLEST[1])
    smallest = max(smallest, math.ceil(2 * patients / max(1, rarest)))
    if rarest < 2 or patients < 4 * smallest:
        raise DataError(
            f"A learning curve needs at least {4 * smallest} training {unit}s, and two of every "
            f"class. Received: {patients:,} {unit}s, {rarest} of the rarest class. Add "
            + ("images." if unit == "image" else "images of further patients.")
        )
    return np.unique(np.geomspace(smallest, patients, sizes).round().astype(int))


def _class_of_patients(targets: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the class, (P,), that most of a patient's labels are for, those of `np.unique`."""
    names, patient = np.unique(groups, return_inverse=True)
    totals = np.zeros((len(names), targets.shape[1]))
    np.add.at(totals, patient, targets)
    return totals.argmax(axis=1)


def _parts(
    targets: np.ndarray, groups: np.ndarray, counts: np.ndarray, repeats: int, seed: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield the number of the size, of the repeat, and the rows of the patients drawn.

    Each repeat draws an order of the patients in which every beginning holds the classes in
    proportion: the patients of a class are spread evenly over it.
    """
    class_of = _class_of_patients(targets, groups)
    patient = np.unique(groups, return_inverse=True)[1]
    for repeat in range(repeats):
        generator = seeds.generator(seed, "learning curve", repeat)
        place = np.empty(len(class_of))
        for number in np.unique(class_of):
            members = generator.permutation(np.flatnonzero(class_of == number))
            place[members] = (np.arange(len(members)) + generator.random()) / len(members)
        rank = np.argsort(np.argsort(place, kind="stable"))
        for size, count in enumerate(counts[:-1]):
            yield size, repeat, np.flatnonzero(rank[patient] < count)
    yield len(counts) - 1, 0, np.arange(len(groups))


def _mean_auc(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the AUC, (Q,), of logits (Q, R, M, K), its mean over repeats."""
    return np.array([[auc(truth, _ranking(each)) for each in row] for row in scores]).mean(axis=1)


def _drawn_auc(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Return (Q, B): AUCs under draws with replacement of repeats and of held-out patients."""
    generator = seeds.generator(seed, "learning curve", "draws")
    sizes, repeats = scores.shape[:2]
    patient = np.unique(groups, return_inverse=True)[1]
    patients = int(patient.max()) + 1
    weights = generator.multinomial(patients, np.full(patients, 1 / patients), DRAWS)[:, patient]
    times = generator.multinomial(repeats, np.full(repeats, 1 / repeats), DRAWS)  # (B, R)
    drawn = np.zeros((sizes, DRAWS))
    for size in range(sizes):
        for repeat in range(repeats):
            values = auc_of_draws(truth, _ranking(scores[size, repeat]), weights.astype(float))
            drawn[size] += times[:, repeat] * values / repeats
    return drawn[:, np.isfinite(drawn).all(axis=0)]  # a draw without one of the classes has none


def _ranking(logits: np.ndarray) -> np.ndarray:
    """Return what the AUC ranks by: one column for two classes."""
    return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits
