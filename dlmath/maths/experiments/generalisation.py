"""Statistics: bias and variance, ensembles, bounds, double descent."""

from math import sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss, legvander

from dlmath import seeds
from dlmath.maths.chance import standard_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def fitted(rng: np.random.Generator, degree: int, rows: int, noise: float) -> tuple:
    """Return training inputs, targets and Legendre coefficients of a least squares fit."""
    x = rng.uniform(-1, 1, rows)
    y = np.sin(3 * x) + noise * rng.normal(size=rows)
    return x, y, np.linalg.lstsq(legvander(x, degree), y, rcond=None)[0]


NODES, WEIGHTS = leggauss(16)
WEIGHTS = WEIGHTS / 2  # of the uniform law on [-1, 1], exact for polynomials up to degree 31


def unreachable(degree: int) -> float:
    """Return the least mean square distance of sin(3 x), x uniform, from that degree."""
    basis = legvander(NODES, degree)
    lengths = WEIGHTS @ basis**2
    coefficients = (WEIGHTS * np.sin(3 * NODES)) @ basis / lengths
    return float(WEIGHTS @ (np.sin(3 * NODES) - basis @ coefficients) ** 2)


def spread_off_its_formula(x: np.ndarray, weights: np.ndarray, noise: float) -> float:
    """Return the mean square around the fit to targets without noise, less what it is on average.

    Given the points, that is s^2 times the mean over new places of p(z)^T (X^T X)^-1 p(z).
    """
    degree = len(weights) - 1
    design, places = legvander(x, degree), legvander(NODES, degree)
    without = np.linalg.lstsq(design, np.sin(3 * x), rcond=None)[0]
    leverage = np.sum((places @ np.linalg.pinv(design)) ** 2, axis=1)
    return float(WEIGHTS @ ((places @ (weights - without)) ** 2 - noise**2 * leverage))


@experiment(
    title="Expected error is bias squared, variance and noise",
    statement=(
        "At a point that was not trained on, the expected squared error of an estimator is the "
        "square of its bias, plus its variance over training sets, plus the variance s^2 of the "
        "noise. On the training targets themselves it is less, for least squares by a factor of "
        "1 - (degree + 1) / N once the bias is small. With the degree of a polynomial the bias "
        "falls, never below the distance of the truth from that degree, and the variance rises: "
        "given the points it is s^2 times the mean of p^T (X^T X)^-1 p, which is at least "
        "s^2 (degree + 1) / N."
    ),
    sources=(
        Source("foundations", 87, "Expected Error = Bias² + Variance + Noise"),
        Source("foundations", 91, "deeper networks can reduce bias but increase variance"),
    ),
    about=("fitted", "decomposed"),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 7.3",
    sabotage=Sabotage("the error is taken on the training set", {"fresh": False}),
)
def bias_variance_noise(
    *, fresh: bool = True, rows: int = 60, noise: float = 0.3, draws: int = 600, seed: int = 0
) -> Outcome:
    """`fresh` takes new points and targets for the error; polynomials of degree 1 to 6."""
    degrees = np.arange(1, 7)
    errors, sums, gaps, biases, variances, trained, scattered = [], [], [], [], [], [], []
    for degree in degrees:
        rng = seeds.generator("bias and variance", seed, int(degree))
        guesses, losses, kept, spread = [], [], [], []
        for _ in range(draws):
            x, y, weights = fitted(rng, int(degree), rows, noise)
            spread.append(spread_off_its_formula(x, weights, noise))
            guesses.append(legvander(NODES, int(degree)) @ weights)
            new = np.sin(3 * NODES) + noise * rng.normal(size=len(NODES))
            kept.append(np.mean((legvander(x, int(degree)) @ weights - y) ** 2))
            losses.append(WEIGHTS @ (guesses[-1] - new) ** 2 if fresh else kept[-1])
        parts = decomposed(np.array(guesses), np.sin(3 * NODES))
        biases.append(parts[0])
        variances.append(parts[1])
        sums.append(sum(parts) + noise**2)
        errors.append(np.mean(losses))
        gaps.append(abs(errors[-1] - sums[-1]) / standard_error(np.array(losses)))
        trained.append(np.array(kept))
        scattered.append(abs(np.mean(spread)) / standard_error(np.array(spread)))
    least = np.array([unreachable(int(degree)) for degree in degrees])
    promised = noise**2 * (degrees + 1) / rows
    kept = trained[-1] - noise**2 * (1 - (degrees[-1] + 1) / rows)
    return Outcome(
        (
            at_most("largest gap between both sides, in standard errors", gaps, 5.5),
            at_least(
                "bias squared less the distance of the truth, least",
                (np.array(biases) - least).min(),
                -1e-12,
            ),
            at_most(
                "bias squared over the distance and a tenth of the variance, largest",
                (biases / (least * 1.3 + 0.1 * promised)).max(),
                1,
            ),
            at_least(
                "variance over s^2 (degree + 1) / N, least", (variances / promised).min(), 0.9
            ),
            at_most(
                "square around the fit without noise, away from s^2 tr((X^T X)^-1 M), in standard "
                "errors",
                scattered,
                5.5,
            ),
            at_most(
                "degree 6: training error away from s^2 (1 - 7 / N), in standard errors",
                abs(kept.mean()) / standard_error(kept),
                5.5,
            ),
        ),
        curves(
            "Error by degree",
            "degree",
            "error",
            {"measured": (degrees, errors), "sum of the parts": (degrees, sums)},
            log=True,
        ),
    )


def decomposed(guesses: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return the squared bias and the variance, over x, of guesses (draws, NODES)."""
    bias = WEIGHTS @ (guesses.mean(axis=0) - truth) ** 2
    return float(bias), float(WEIGHTS @ guesses.var(axis=0))


@experiment(
    title="Ensembles reduce variance",
    statement=(
        "The mean of m estimators from independent training sets has 1/m of the variance of "
        "one, and the same bias; its error is the square of that bias plus the variance. "
        "Estimators from one and the same set have nothing to average."
    ),
    sources=(Source("foundations", 93, "Why ensemble methods work by reducing variance"),),
    about=("fitted", "ensemble"),
    reference="Breiman, Bagging predictors, 1996, section 4.1",
    sabotage=Sabotage("all members see the same training set", {"independent": False}),
)
def ensembles_reduce_variance(
    *, independent: bool = True, rows: int = 40, draws: int = 200, seed: int = 0
) -> Outcome:
    """`independent` gives each member a training set of its own."""
    sizes, degree, noise = np.array([1, 2, 4, 8, 16]), 4, 0.3
    truth, basis = np.sin(3 * NODES), legvander(NODES, degree)
    rng = seeds.generator("ensembles", seed)
    guesses = np.array(
        [
            [basis @ fitted(rng, degree, rows, noise)[2] for _ in range(sizes[-1])]
            for _ in range(draws)
        ]
    )  # (draws, members, NODES)
    if not independent:
        guesses[:] = guesses[:, :1]
    means = np.stack([ensemble(guesses, int(m)) for m in sizes])  # (sizes, draws, NODES)
    centre = guesses.mean(axis=(0, 1))
    spreads = (means - centre) ** 2 @ WEIGHTS  # (sizes, draws)
    one = ((guesses - centre) ** 2 @ WEIGHTS).mean(axis=1)  # of single members
    gaps = sizes[:, np.newaxis] * spreads - one
    variances = spreads.mean(axis=1)
    bias = WEIGHTS @ (centre - truth) ** 2
    errors = ((means - truth) ** 2 @ WEIGHTS).mean(axis=1)
    promised = noise**2 * (degree + 1) / rows
    least = unreachable(degree)
    shifts = np.abs(means.mean(axis=1) - centre) / standard_error(np.swapaxes(means, 0, 1))
    return Outcome(
        (
            at_most(
                "variance times m away from that of one, in standard errors",
                (np.abs(gaps.mean(axis=1)) / (standard_error(gaps.T) + 1e-12)).max(),
                5.5,
            ),
            at_most("mean guess away from that of one, in standard errors", shifts.max(), 6.0),
            at_least("bias squared over the distance of the truth", bias / least, 1),
            at_most(
                "bias squared over 1.5 distances and a 50th of the variance",
                bias / (1.5 * least + 0.02 * promised),
                1,
            ),
            at_least("variance of one over s^2 (degree + 1) / N", variances[0] / promised, 0.85),
            at_most("the same, the other way", variances[0] / promised, 2),
            at_most(
                "error of 16 away from bias squared plus variance / 16, over the latter",
                abs(errors[-1] - bias - one.mean() / sizes[-1]) / (one.mean() / sizes[-1]),
                0.3,
            ),
        ),
        curves(
            "Variance by the number of members",
            "log2 of members",
            "variance",
            {
                "measured": (np.log2(sizes), variances),
                "1/m": (np.log2(sizes), variances[0] / sizes),
            },
            log=True,
        ),
    )


def ensemble(guesses: np.ndarray, members: int) -> np.ndarray:
    """Return the mean of the first members' guesses, of guesses (draws, members, points)."""
    return guesses[:, :members].mean(axis=1)


@experiment(
    title="Double descent",
    statement=(
        "The test error of the least squares fit of least norm on p random features rises to a "
        "peak where p is the number of rows, and falls again beyond, below the peak by far. From "
        "there on the fit goes through every training target. A ridge removes the peak."
    ),
    sources=(
        Source("foundations", 91, "deeper networks can reduce bias but increase variance"),
        Source("foundations", 187, "Why do overparameterized networks generalize well?"),
    ),
    about=("least_norm", "compute.errors"),
    reference="Belkin et al., Reconciling modern machine learning practice, arXiv:1812.11118",
    sabotage=Sabotage("a ridge is added", {"ridge": 0.5}),
)
def double_descent(
    *, ridge: float = 0.0, rows: int = 40, draws: int = 20, seed: int = 0
) -> Outcome:
    """`ridge` is the penalty on the squared weights."""
    shares = np.array([1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 5 / 4, 7 / 4, 3, 25 / 4, 15])
    counts = np.round(shares * rows).astype(int)
    errors, missed = np.zeros((2, draws, len(counts)))
    for draw in range(draws):
        rng = seeds.generator("double descent", seed, draw)
        truth = rng.normal(size=10)
        x, new = rng.normal(size=(rows, 10)), rng.normal(size=(300, 10))
        y = x @ truth + rng.normal(size=rows)
        directions = rng.normal(size=(10, counts[-1])) / sqrt(10)
        for place, count in enumerate(counts):
            features, unseen = (np.maximum(a @ directions[:, :count], 0) for a in (x, new))
            weights = least_norm(features, y, ridge)
            errors[draw, place] = np.mean((unseen @ weights - new @ truth) ** 2)
            missed[draw, place] = np.mean((features @ weights - y) ** 2)
    typical = np.median(errors, axis=0)
    peak = typical[counts == rows][0]
    return Outcome(
        (
            at_least(
                "error at p = N over the least before", peak / typical[counts < rows].min(), 3
            ),
            at_least("error at p = N over that at the most features", peak / typical[-1], 3),
            at_most(
                "place of the largest error, away from p = N",
                abs(int(counts[typical.argmax()]) - rows),
                0,
            ),
            at_most(
                "median training error beyond p = N",
                np.median(missed[:, counts > rows], axis=0).max(),
                1e-12,
            ),
            at_least(
                "median training error before p = N",
                np.median(missed[:, counts < rows], axis=0).min(),
                1e-3,
            ),
        ),
        curves(
            "Test error by the number of features",
            "log10 of features",
            "error",
            {"median": (np.log10(counts), typical)},
            log=True,
        ).upright(float(np.log10(rows)), "p = N"),
    )


def least_norm(features: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    """Return the least mean square fit plus `ridge` |w|^2, that of least norm if it is 0."""
    u, s, v = np.linalg.svd(features, full_matrices=False)
    shrunk = s / (s**2 + ridge * len(y)) if ridge else np.where(s > 1e-10, 1 / s, 0)
    return v.T @ (shrunk * (u.T @ y))
