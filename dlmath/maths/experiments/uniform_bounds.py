"""Bounds on the true error of every member of a class at once: Hoeffding's and Rademacher's."""

import numpy as np
from scipy.stats import binom

from dlmath import seeds
from dlmath.maths.chance import frequency_range, standard_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


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
    about=("hoeffding", "compute.wrong", "compute.gap", "compute.found"),
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
    about=("compute.largest", "compute.gaps"),
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
    found, slack, gaps, off = [], [], [], []
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
        centre = x.mean(axis=(0, 1))
        squares = 4 * size * gaps[-1] ** 2 / (outside**2 - centre @ centre)  # of mean 1
        off.append(abs(squares.mean() - 1) / standard_error(squares))
    complexity = 1 / np.sqrt(sizes)
    bounds = complexity + np.sqrt(np.log(1 / chance) / (2 * sizes))
    quantiles = np.array([np.quantile(gap, 1 - chance) for gap in gaps])
    exceed = largest_of(np.mean(gap >= bound) for gap, bound in zip(gaps, bounds, strict=True))
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
            at_most(
                "mean square of the gap times 4 N / Var x, away from 1, in standard errors",
                off,
                5.5,
            ),
            at_least("bound over the quantile that it bounds, least", bounds / quantiles, 2),
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
