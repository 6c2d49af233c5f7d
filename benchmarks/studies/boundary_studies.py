"""What is asked of the features in `boundaries.py`.

    degrees   the least degree for each alpha, and with the labels of the fit part permuted: what
              degree separates them by chance, having coefficients enough
    curve     the accuracy on other patients by sample size and degree, the mean of many draws of
              the sample from the fit part, and what degree 1 has more than each other
    gains     what the accuracy gains from each smaller sample to `GAIN_TO` images. A low degree
              needs less data if it gains less by more of them

Intervals are a bootstrap of both things that chance decided: which samples were drawn, and which
patients are scored (whole ones). Degrees and sizes share the patients drawn, so differences are
paired. The network is held fixed. Samples of half the fit part overlap, and all of it can be drawn
but once: there the intervals are too narrow.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dlmath.maths.boundaries import Boundary, by_degree, fit_boundary
from dlmath.maths.components import Components
from dlmath.seeds import generator

ALPHAS = (0.9, 0.95, 1.0)
HIGHEST = {1: 12, 2: 10, 3: 7, 5: 4, 8: 3}  # degree by components: at most 165 coefficients
SIZES, DEGREES, COMPONENTS, DRAWS, GAIN_TO = (25, 50, 100, 200, 400), (1, 2, 3), 5, 20, 200
REPLICATES = 2_000
SETTINGS = {
    "alphas": ALPHAS,
    "learning_curve_components": COMPONENTS,
    "draws": DRAWS,
    "replicates": REPLICATES,
}


class Featured(NamedTuple):
    """Images of one part."""

    features: np.ndarray  # (N, D)
    labels: np.ndarray  # (N,), +1, the disease, or -1
    patients: np.ndarray  # (N,), a number from 0 for each


Curve = dict[int, dict[int, np.ndarray]]  # by size and degree: an estimate and its replicates


def study(fit: Featured, score: Featured) -> dict:
    """Return the figures of one task's features, before or after tuning."""
    curve = learning_curve(fit, score)
    return {
        "degrees": [degrees(fit, score, count, highest) for count, highest in HIGHEST.items()],
        "curve": [curve_row(size, curve[size]) for size in curve],
        "gains": [gains_row(size, curve) for size in curve if size < GAIN_TO],
    }


def degrees(fit: Featured, score: Featured, count: int, highest: int) -> dict:
    """Return the least degree for each alpha on so many components, and how it does elsewhere."""
    components = Components.of(fit.features, count)
    points, new = components(fit.features), components(score.features)
    found = list(by_degree(points, fit.labels, highest))
    by_chance = list(by_degree(points, generator("permuted").permutation(fit.labels), highest))
    return {
        "components": points.shape[1],
        "highest": highest,
        "least": [over(alpha, found, new, score) for alpha in ALPHAS],
        "least_of_permuted_labels": least(by_chance, 1.0),
        "accuracy_by_degree": [boundary.accuracy for boundary in found],
    }


def over(alpha: float, found: Sequence[Boundary], points: np.ndarray, score: Featured) -> dict:
    degree = least(found, alpha)
    if degree is None:
        return {"alpha": alpha, "degree": None, "accuracy": None}
    hits = right(found[degree - 1], points, score)
    shares = replicated([hits], of_patients(score), "degrees")
    return {"alpha": alpha, "degree": degree, "accuracy": estimate(shares)}


def least(found: Sequence[Boundary], alpha: float) -> int | None:
    return next((one.degree for one in found if one.accuracy >= alpha), None)


def right(boundary: Boundary, points: np.ndarray, score: Featured) -> np.ndarray:
    return np.sign(boundary(points)) == score.labels


def learning_curve(fit: Featured, score: Featured) -> Curve:
    """Return the accuracy on other patients by size and degree, with its replicates."""
    weights = of_patients(score)
    result: Curve = {}
    for size in (size for size in SIZES if size <= len(fit.labels)):
        hits: dict[int, list[np.ndarray]] = {degree: [] for degree in DEGREES}
        for draw in range(DRAWS if size < len(fit.labels) else 1):
            chosen = generator("size", size, draw).permutation(len(fit.labels))[:size]
            components = Components.of(fit.features[chosen], COMPONENTS)
            points, new = components(fit.features[chosen]), components(score.features)
            for degree in DEGREES:
                boundary = fit_boundary(points, fit.labels[chosen], degree)
                hits[degree].append(right(boundary, new, score))
        result[size] = {d: replicated(own, weights, size) for d, own in hits.items()}
    return result


def of_patients(score: Featured) -> np.ndarray:
    """Return weights (1 + REPLICATES, N) of images: all ones, then patients drawn again."""
    count = score.patients.max() + 1
    drawn = generator("patients").multinomial(count, np.full(count, 1 / count), REPLICATES)
    return np.vstack([np.ones(len(score.labels)), drawn[:, score.patients]])


def replicated(hits: Sequence[np.ndarray], images: np.ndarray, key: int | str) -> np.ndarray:
    """Return the share (1 + REPLICATES,) of hits, lists of N for each draw, all weighted."""
    count = len(hits)
    draws = generator("draws", key).multinomial(count, np.full(count, 1 / count), REPLICATES)
    weights = np.vstack([np.ones(count), draws]) / count
    shares = weights @ np.array(hits, float)
    return np.asarray((shares * images).sum(axis=1) / images.sum(axis=1))


def curve_row(size: int, accuracy: dict[int, np.ndarray]) -> dict:
    return {
        "size": size,
        "accuracy": {d: estimate(accuracy[d]) for d in DEGREES},
        "advantage_of_degree_1": {d: estimate(accuracy[1] - accuracy[d]) for d in DEGREES[1:]},
    }


def gains_row(size: int, curve: Curve) -> dict:
    gain = {d: curve[GAIN_TO][d] - curve[size][d] for d in DEGREES}
    return {
        "size": size,
        "to": GAIN_TO,
        "gain": {d: estimate(gain[d]) for d in DEGREES},
        "more_than_degree_1": {d: estimate(gain[d] - gain[1]) for d in DEGREES[1:]},
    }


def estimate(values: np.ndarray) -> dict:
    """Return the first as the value, and the others' middle 95 % as its interval."""
    low, high = np.quantile(values[1:], (0.025, 0.975))
    return {"value": float(values[0]), "low": float(low), "high": float(high)}
