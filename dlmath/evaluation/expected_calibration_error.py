r"""The calibration error without the bias of its estimate, and an interval that holds it.

The mean absolute gap between what is predicted and what happens, over bins, is above 0 for a
perfectly calibrated model too, just by chance. With g_b the gap of a bin times its share of the
images, and noise e from the bootstrap by patient, what would have been measured had the true gaps
been m is S(m) = sum |m_b + e_b|. The true error is a point of three lines of gaps t d, along which
the chance of the measured S(g), or of a higher one, grows with t:

    estimate     t at which it is 50 %,      d = g
    lower end    t at which it is 2.5 %,     d = g, each gap shrunk by its noise
    upper end    t at which it is 97.5 %,    d = the signs of g: gaps of equal size

Noise adds most to few large gaps, and hardly anything to gaps that are all as large, so the
directions of the ends are those that leave most and least to chance. All three are 0 where chance
explains as much.

The upper end also allows for what a bin without a single other outcome cannot show.

Source of the bias: Roelofs, Cain, Shlens, Mozer, "Mitigating bias in calibration error estimation",
AISTATS 2022, §4. The interval is a test inverted along those lines; how often it holds the true
error is simulated by `benchmarks/studies/coverage.py`.
"""

from dataclasses import replace

import numpy as np

from dlmath.evaluation.calibration import claims, equal_mass_bins
from dlmath.seeds import generator
from dlmath.stats.bootstrap import LEVEL, Estimate, replicate_weights
from dlmath.stats.proportions import share_of_images

REPLICATES = 1_000

_TAIL = (1 - LEVEL) / 2
_SHRINKAGE = 1.5  # standard errors of a gap
_STEPS = 30  # halvings of a range of [0, 1]


def calibration_error(
    truth: np.ndarray,
    probabilities: np.ndarray,
    clusters: np.ndarray,
    image_weights: np.ndarray | None = None,
) -> Estimate:
    """Return the expected calibration error with its 95 % interval, each in [0, 1].

    Args:
        truth: (N,) class indices.
        probabilities: (N, K), rows that sum to 1.
        clusters: (N,) indices 0..P-1 of the patients; of a single one there is no interval.
        image_weights: (N,), such as those of another prevalence; 1 by default.
    """
    claim, outcome = claims(truth, probabilities)
    weight = np.ones(len(truth)) if image_weights is None else image_weights
    bins = equal_mass_bins(claim)
    columns = np.column_stack([bins * (outcome - claim)[:, np.newaxis], np.ones(len(claim))])
    columns *= weight[:, np.newaxis]
    gaps = _gaps(columns.sum(axis=0)[np.newaxis])[0]
    if clusters.max() == 0:
        return Estimate(float(np.abs(gaps).sum()), None, None)
    random = generator("calibration error")
    drawn = [_gaps(one @ columns) for one in replicate_weights(clusters, REPLICATES, random)]
    noise = (np.concatenate(drawn) - gaps) * _unbiased(bins, clusters)
    found = _inverted(gaps, noise)
    assert found.value is not None
    assert found.high is not None
    unseen = _unseen(bins, claim, outcome, clusters, gaps)
    return replace(found, high=min(1.0, found.value + np.hypot(found.high - found.value, unseen)))


def _gaps(sums: np.ndarray) -> np.ndarray:
    """Return the bins' gaps times their shares, (R, B), of sums (R, B + 1)."""
    return sums[:, :-1] / sums[:, -1:]


def _unbiased(bins: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return (B,) what makes the bootstrap's spread that of bins of few patients."""
    patients = np.array([len(np.unique(clusters[chosen > 0])) for chosen in bins.T])
    return np.sqrt(np.maximum(patients, 2) / (np.maximum(patients, 2) - 1))


def _unseen(
    bins: np.ndarray,
    claim: np.ndarray,
    outcome: np.ndarray,
    clusters: np.ndarray,
    gaps: np.ndarray,
) -> float:
    """Return how much larger the error may be where all outcomes of a bin are alike.

    No replicate has another outcome there, so the bootstrap takes the share of 0 or 1 for certain.
    The exact interval of that share bounds the gap of each such bin; their distances from the
    measured gaps are added as squares, as those of independent parts (MOVER: Zou, Donner,
    "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008).
    """
    total = 0.0
    for members, gap in zip(bins.T > 0, gaps, strict=True):
        if members.any() and len(np.unique(outcome[members])) == 1:
            share = share_of_images(outcome.astype(bool), members, clusters)
            assert share is not None  # the bin has an image
            reach = max(abs(end - claim[members].mean()) for end in share[1:])
            total += max(reach * members.mean() - abs(gap), 0.0) ** 2
    return float(np.sqrt(total))


def _inverted(gaps: np.ndarray, noise: np.ndarray) -> Estimate:
    measured = np.abs(gaps).sum()
    spread = (noise**2).mean(axis=0)
    squares = np.maximum(gaps**2, np.finfo(float).tiny)
    shrunk = gaps * np.maximum(1 - _SHRINKAGE**2 * spread / squares, 0)
    if not shrunk.any():
        shrunk = np.where(np.arange(len(gaps)) == np.abs(gaps).argmax(), gaps, 0)
    value, low, high = (
        _true_error(measured, direction, noise, chance)
        for direction, chance in (
            (gaps, 0.5),
            (shrunk, _TAIL),
            (np.where(gaps < 0, -1.0, 1.0), 1 - _TAIL),
        )
    )
    return Estimate(value, min(low, value), max(value, high))


def _true_error(measured: float, direction: np.ndarray, noise: np.ndarray, chance: float) -> float:
    """Return the error along a direction at which `measured` or more has the given chance."""
    size = np.abs(direction).sum()
    if not size:
        return 0.0
    unit = direction / size

    def exceeds(error: float) -> bool:
        drawn = np.abs(error * unit + noise).sum(axis=1)
        return float((drawn >= measured).mean()) >= chance

    if exceeds(0.0):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if exceeds(middle) else (middle, high)
    return high
