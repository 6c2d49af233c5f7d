"""Statistics: bias and variance, ensembles, bounds, double descent."""

from math import sqrt

import numpy as np
from numpy.polynomial.legendre import legvander

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def fitted(rng: np.random.Generator, degree: int, rows: int, noise: float) -> tuple:
    """Return training inputs, targets and Legendre coefficients of a least squares fit."""
    x = rng.uniform(-1, 1, rows)
    y = np.sin(3 * x) + noise * rng.normal(size=rows)
    return x, y, np.linalg.lstsq(legvander(x, degree), y, rcond=None)[0]


@experiment(
    title="Expected error is bias squared, variance and noise",
    statement=(
        "At a point that was not trained on, the expected squared error of an estimator is the "
        "square of its bias, plus its variance over training sets, plus the variance of the "
        "noise. On the training targets themselves it is less. With the degree of a polynomial "
        "the bias falls, and the variance rises as (degree + 1) / N once the bias is small."
    ),
    sources=(
        Source("foundations", 87, "Expected Error = Bias² + Variance + Noise"),
        Source("foundations", 91, "deeper networks can reduce bias but increase variance"),
    ),
    about=("fitted", "compute.guesses", "compute.biases", "compute.variances"),
    reference="Hastie, Tibshirani and Friedman, The elements of statistical learning, 2009, 7.3",
    sabotage=Sabotage("the error is taken on the training set", {"fresh": False}),
)
def bias_variance_noise(
    *, fresh: bool = True, rows: int = 40, noise: float = 0.3, draws: int = 600, seed: int = 0
) -> Outcome:
    """`fresh` takes new points and targets for the error; polynomials of degree 1 to 6."""
    degrees = np.arange(1, 7)
    errors, sums, standard, biases, variances = [], [], [], [], []
    grid = np.linspace(-0.95, 0.95, 40)
    for degree in degrees:
        rng = seeds.generator("bias and variance", seed, int(degree))
        guesses, losses = [], []
        for _ in range(draws):
            x, y, weights = fitted(rng, int(degree), rows, noise)
            guesses.append(legvander(grid, int(degree)) @ weights)
            new = np.sin(3 * grid) + noise * rng.normal(size=40)
            at, said = (guesses[-1], new) if fresh else (legvander(x, int(degree)) @ weights, y)
            losses.append(np.mean((at - said) ** 2))
        guess = np.array(guesses)
        biases.append(np.mean((guess.mean(axis=0) - np.sin(3 * grid)) ** 2))
        variances.append(guess.var(axis=0).mean())
        sums.append(biases[-1] + variances[-1] + noise**2)
        errors.append(np.mean(losses))
        standard.append(np.std(losses) / sqrt(draws))
    gap = np.abs(np.array(errors) - sums)
    return Outcome(
        (
            at_most(
                "largest gap between both sides, in standard errors", (gap / standard).max(), 4.0
            ),
            at_most("bias squared at degree 5 over that at degree 1", biases[4] / biases[0], 0.01),
            at_least(
                "variance at degree 6 over that at degree 3", variances[5] / variances[2], 1.3
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


@experiment(
    title="Ensembles reduce variance",
    statement=(
        "The mean of m estimators from independent training sets has 1/m of the variance of "
        "one, and the same bias. Estimators from one and the same set have nothing to average."
    ),
    sources=(Source("foundations", 93, "Why ensemble methods work by reducing variance"),),
    about=("fitted", "compute.variances"),
    reference="Breiman, Bagging predictors, 1996, section 4.1",
    sabotage=Sabotage("all members see the same training set", {"independent": False}),
)
def ensembles_reduce_variance(
    *, independent: bool = True, rows: int = 40, draws: int = 200, seed: int = 0
) -> Outcome:
    """`independent` gives each member a training set of its own."""
    sizes = np.array([1, 2, 4, 8, 16])
    grid = legvander(np.linspace(-0.9, 0.9, 30), 4)
    rng = seeds.generator("ensembles", seed)
    guesses = np.array(
        [[grid @ fitted(rng, 4, rows, 0.3)[2] for _ in range(sizes[-1])] for _ in range(draws)]
    )  # (draws, members, 30)
    if not independent:
        guesses[:] = guesses[:, :1]
    variances = np.array([guesses[:, :m].mean(axis=1).var(axis=0).mean() for m in sizes])
    ratio = variances * sizes / variances[0]
    return Outcome(
        (at_most("largest relative error of variance / m", np.abs(ratio - 1).max(), 0.25),),
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


@experiment(
    title="Hoeffding's bound for a finite class",
    statement=(
        "For |H| classifiers fixed in advance and N independent examples, the chance that some "
        "training error is more than e away from its true error is at most 2 |H| exp(-2 N e^2). "
        "It holds, and is loose by a factor of five or more; with dependent examples it does not "
        "hold."
    ),
    sources=(
        Source("foundations", 169, "Bounds for finite hypothesis classes"),
        Source("foundations", 161, "PAC-learnable"),
        Source("foundations", 163, "Number of examples needed for learning"),
    ),
    about=("compute.wrong", "compute.gap", "compute.found"),
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
    bound = np.minimum(1, 2 * classifiers * np.exp(-2 * rows * levels**2))
    informative = bound < 1
    return Outcome(
        (
            at_most(
                "largest excess of the frequency over the bound",
                (found - bound)[informative].max(),
                0.0,
            ),
            at_least(
                "bound over frequency, where it first says something",
                bound[informative][0] / max(found[informative][0], 1 / draws),
                5,
            ),
        ),
        curves(
            "Chance of a gap above e",
            "e",
            "chance",
            {"frequency": (levels, np.where(found > 0, found, np.nan)), "bound": (levels, bound)},
            log=True,
        ),
    )


@experiment(
    title="A Rademacher bound for linear classes",
    statement=(
        "Among linear functions of norm at most B = 1 on points of norm at most R = 1, the "
        "expected largest correlation with random signs is at most 1/sqrt N. So, for the loss "
        "(1 - y w . x) / 2 in [0, 1], the chance d that the true loss of some w exceeds that on N "
        "examples by 1/sqrt N + sqrt(log(1/d) / 2N) or more is at most d. It holds, and is loose "
        "by a factor of two to ten."
    ),
    sources=(
        Source("foundations", 169, "Measures the complexity of function classes"),
        Source("foundations", 155, "Generalization Bounds"),
    ),
    about=("compute.largest", "compute.gaps"),
    reference="Mohri, Rostamizadeh and Talwalkar, Foundations of machine learning, 2018, "
    "theorems 3.3 and 5.10",
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
        slack.append(4 * largest.std() / sqrt(draws))
        gaps.append(np.linalg.norm(x.mean(axis=1) - x.mean(axis=(0, 1)), axis=1) / 2)
    complexity = 1 / np.sqrt(sizes)
    bounds = complexity + np.sqrt(np.log(1 / chance) / (2 * sizes))
    quantiles = np.array([np.quantile(gap, 1 - chance) for gap in gaps])
    exceed = max(np.mean(gap >= bound) for gap, bound in zip(gaps, bounds, strict=True))
    return Outcome(
        (
            at_most(
                "largest complexity, less 4 standard errors, over B R / sqrt(N)",
                ((np.array(found) - slack) / complexity).max(),
                1,
            ),
            at_least("least complexity over it", (found / complexity).min(), 0.5),
            at_most("largest share of draws in which some w exceeds the bound", exceed, chance),
            at_least("bound over the quantile that it bounds, least", min(bounds / quantiles), 2),
            at_most("the same, largest", max(bounds / quantiles), 10),
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
        "peak where p is the number of rows, and falls again beyond, below the peak by far. A "
        "ridge removes the peak."
    ),
    sources=(
        Source("foundations", 91, "deeper networks can reduce bias but increase variance"),
        Source("foundations", 187, "Why do overparameterized networks generalize well?"),
    ),
    about=("compute.shrunk", "compute.weights", "compute.errors"),
    reference="Belkin et al., Reconciling modern machine learning practice, arXiv:1812.11118",
    sabotage=Sabotage("a ridge is added", {"ridge": 0.5}),
)
def double_descent(
    *, ridge: float = 0.0, rows: int = 40, draws: int = 20, seed: int = 0
) -> Outcome:
    """`ridge` is the penalty on the squared weights."""
    counts = np.array([5, 10, 20, 30, 40, 50, 70, 120, 250, 600])
    errors = np.zeros((draws, len(counts)))
    for draw in range(draws):
        rng = seeds.generator("double descent", seed, draw)
        truth = rng.normal(size=10)
        x, new = rng.normal(size=(rows, 10)), rng.normal(size=(300, 10))
        y = x @ truth + rng.normal(size=rows)
        directions = rng.normal(size=(10, counts[-1])) / sqrt(10)
        for place, count in enumerate(counts):
            features, unseen = (np.maximum(a @ directions[:, :count], 0) for a in (x, new))
            u, s, v = np.linalg.svd(features, full_matrices=False)
            shrunk = s / (s**2 + ridge * rows) if ridge else np.where(s > 1e-10, 1 / s, 0)
            weights = v.T @ (shrunk * (u.T @ y))
            errors[draw, place] = np.mean((unseen @ weights - new @ truth) ** 2)
    typical = np.median(errors, axis=0)
    peak = typical[counts == rows][0]
    return Outcome(
        (
            at_least(
                "error at p = N over the least before", peak / typical[counts < rows].min(), 3
            ),
            at_least("error at p = N over that at the most features", peak / typical[-1], 3),
        ),
        curves(
            "Test error by the number of features",
            "log10 of features",
            "error",
            {"median": (np.log10(counts), typical)},
            log=True,
        ).upright(float(np.log10(rows)), "p = N"),
    )
