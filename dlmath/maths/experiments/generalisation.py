"""Statistics: bias and variance, ensembles, bounds, double descent."""

from math import sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss, legvander
from scipy.stats import binom

from dlmath import seeds
from dlmath.maths.chance import frequency_range, standard_error
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


@experiment(
    title="Expected error is bias squared, variance and noise",
    statement=(
        "At a point that was not trained on, the expected squared error of an estimator is the "
        "square of its bias, plus its variance over training sets, plus the variance s^2 of the "
        "noise. On the training targets themselves it is less, for least squares by a factor of "
        "1 - (degree + 1) / N once the bias is small. With the degree of a polynomial the bias "
        "falls, never below the distance of the truth from that degree, and the variance rises: "
        "it is at least s^2 (degree + 1) / N, and near that."
    ),
    sources=(
        Source("foundations", 87, "Expected Error = Bias² + Variance + Noise"),
        Source("foundations", 91, "deeper networks can reduce bias but increase variance"),
    ),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 7.3",
    sabotage=Sabotage("the error is taken on the training set", {"fresh": False}),
)
def bias_variance_noise(
    *, fresh: bool = True, rows: int = 60, noise: float = 0.3, draws: int = 600, seed: int = 0
) -> Outcome:
    """`fresh` takes new points and targets for the error; polynomials of degree 1 to 6."""
    degrees = np.arange(1, 7)
    errors, sums, gaps, biases, variances, trained = [], [], [], [], [], []
    for degree in degrees:
        rng = seeds.generator("bias and variance", seed, int(degree))
        guesses, losses, kept = [], [], []
        for _ in range(draws):
            x, y, weights = fitted(rng, int(degree), rows, noise)
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
    least = np.array([unreachable(int(degree)) for degree in degrees])
    promised = noise**2 * (degrees + 1) / rows
    kept = trained[-1] - noise**2 * (1 - (degrees[-1] + 1) / rows)
    return Outcome(
        (
            at_most("largest gap between both sides, in standard errors", max(gaps), 5.5),
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
            at_most("the same, largest, from degree 3 on", (variances / promised)[2:].max(), 1.6),
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
            at_most("bias squared over 1.5 distances and a 50th of the variance", bias
                    / (1.5 * least + 0.02 * promised), 1),
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
    title="Hoeffding's bound for a finite class",
    statement=(
        "For |H| classifiers fixed in advance and N independent examples, the chance that some "
        "training error is more than e away from its true error is at most 2 |H| exp(-2 N e^2). "
        "It holds, and is loose by a factor of five or more; with dependent examples it does not "
        "hold. For classifiers that err independently the chance is known exactly."
    ),
    sources=(
        Source("foundations", 169, "Bounds for finite hypothesis classes"),
        Source("foundations", 161, "PAC-learnable"),
        Source("foundations", 163, "Number of examples needed for learning"),
    ),
    reference="Hoeffding, Probability inequalities for sums of bounded random variables, 1963",
    sabotage=Sabotage("every example occurs twenty times", {"copies": 20}),
)
def hoeffding_bound(
    *, copies: int = 1, rows: int = 200, classifiers: int = 10, draws: int = 4000, seed: int = 0
) -> Outcome:
    """`copies` of each independent example make up the `rows`."""
    rng = seeds.generator("hoeffding", seed)
    truth = rng.uniform(0.2, 0.5, classifiers)
    wrong = rng.binomial(rows // copies, truth, (draws, classifiers)) / (rows // copies)
    gap = np.abs(wrong - truth).max(axis=1)
    levels = np.linspace(0.02, 0.2, 40)
    found = np.array([(gap > level).mean() for level in levels])
    bound = hoeffding(classifiers, rows, levels)
    informative = bound < 1
    exact = np.array([_chance_of_a_gap(truth, rows, level) for level in levels])
    (least, most), allowed = frequency_range(exact, draws), frequency_range(bound, draws)[1]
    return Outcome(
        (
            at_most("frequency less what the bound allows, largest", (found - allowed).max(), 0),
            at_most(
                "exact chance over the bound, largest", (exact / bound)[informative].max(), 1 / 5
            ),
            at_most("frequency less what the exact chance allows", (found - most).max(), 0),
            at_least("the same, the other way", (found - least).min(), 0),
        ),
        curves(
            "Chance of a gap above e",
            "e",
            "chance",
            {
                "frequency": (levels, np.where(found > 0, found, np.nan)),
                "bound": (levels, bound),
                "exact": (levels, exact),
            },
            log=True,
        ),
    )


def hoeffding(classifiers: int, rows: int, levels: np.ndarray) -> np.ndarray:
    """Return min(1, 2 |H| exp(-2 N e^2)) for levels e."""
    return np.minimum(1, 2 * classifiers * np.exp(-2 * rows * levels**2))


def _chance_of_a_gap(truth: np.ndarray, rows: int, level: float) -> float:
    """Return the chance that one of several independent shares of N is over `level` away."""
    counts = np.arange(rows + 1)[:, np.newaxis]
    near = np.abs(counts / rows - truth) <= level
    return float(1 - np.prod(np.sum(binom.pmf(counts, rows, truth) * near, axis=0)))


@experiment(
    title="A Rademacher bound for linear classes",
    statement=(
        "Among linear functions of norm at most B = 1 on points of norm at most R = 1, the "
        "expected largest correlation with random signs is at most 1/sqrt N, and for points of "
        "norm 1 at least 1/sqrt 2N. So, for the loss "
        "(1 - y w . x) / 2 in [0, 1], the chance d that the true loss of some w exceeds that on N "
        "examples by 1/sqrt N + sqrt(log(1/d) / 2N) or more is at most d. It holds, and is loose "
        "by a factor of two or more."
    ),
    sources=(
        Source("foundations", 169, "Measures the complexity of function classes"),
        Source("foundations", 155, "Generalization Bounds"),
    ),
    reference="Mohri, Rostamizadeh and Talwalkar, Foundations of machine learning, 2018, "
    "theorems 3.3 and 5.10; Latala and Oleszkiewicz, 1994, for 1/sqrt 2",
    sabotage=Sabotage("some points lie outside the ball of radius R", {"outside": 4.0}),
)
def rademacher_bound(
    *, outside: float = 1.0, chance: float = 0.05, draws: int = 400, seed: int = 0
) -> Outcome:
    """`outside` is the norm of the points, where the bound has R = 1; `chance` is d."""
    sizes = np.array([10, 40, 160, 640])
    rng = seeds.generator("rademacher", seed)
    found, slack, gaps = [], [], []
    for size in sizes:
        x = rng.normal(size=(draws, size, 20))
        x[..., 0] += 2.0  # of the class +1; the other's points are mirrored, so y x has this law
        x *= outside / np.linalg.norm(x, axis=2, keepdims=True)
        signs = rng.choice([-1.0, 1.0], (draws, size, 1))
        # The largest <w, v> over |w| <= 1 is |v|, so both largest values are norms of means.
        largest = np.linalg.norm((signs * x).mean(axis=1), axis=1)
        found.append(float(largest.mean()))
        slack.append(5 * standard_error(largest))
        gaps.append(np.linalg.norm(x.mean(axis=1) - x.mean(axis=(0, 1)), axis=1) / 2)
    complexity = 1 / np.sqrt(sizes)
    bounds = complexity + np.sqrt(np.log(1 / chance) / (2 * sizes))
    quantiles = np.array([np.quantile(gap, 1 - chance) for gap in gaps])
    exceed = max(np.mean(gap >= bound) for gap, bound in zip(gaps, bounds, strict=True))
    return Outcome(
        (
            at_most(
                "largest complexity, less 5 standard errors, over B R / sqrt(N)",
                ((np.array(found) - slack) / complexity).max(),
                1,
            ),
            at_least(
                "least complexity, plus 5 standard errors, over |x| / sqrt(2 N)",
                ((np.array(found) + slack) * np.sqrt(2 * sizes) / outside).min(),
                1,
            ),
            at_most(
                "share of draws in which some w exceeds the bound, largest",
                exceed,
                frequency_range(chance, draws)[1],
            ),
            at_least("bound over the quantile that it bounds, least", min(bounds / quantiles), 2),
        ),
        curves(
            "True loss less that on the examples, at worst",
            "log10 of N",
            "gap",
            {
                "95 % quantile": (np.log10(sizes), quantiles),
                "bound": (np.log10(sizes), bounds),
                "complexity": (np.log10(sizes), found),
            },
            log=True,
        ),
    )


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
