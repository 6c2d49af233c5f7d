"""Learning from a finite class: PAC bounds, agnostic learning, structural risk minimisation."""

from math import ceil, log, sqrt

import numpy as np
from scipy.stats import beta, binom

from dlmath import seeds
from dlmath.maths.chance import RARE, frequency_range, outside
from dlmath.maths.experiment_base import Check, Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

LAW = (0.3, 2.0)  # of the points in agnostic learning: a beta law, dense near 0
MIDDLE = (0.1, 0.7)  # where their labels are 1


def between(
    name: str, found: np.ndarray, ends: tuple[np.ndarray, np.ndarray]
) -> tuple[Check, Check]:
    """Return the checks that every share lies in its range."""
    low, high = ends
    return (
        at_least(f"least {name} less the least that chance allows", (found - low).min(), 0),
        at_most(f"largest {name} less the largest that chance allows", (found - high).max(), 0),
    )


@experiment(
    title="Thresholds are PAC-learnable",
    statement=(
        "Let a finite class H hold the truth. A learner that returns any h in H that is right on N "
        "independent examples errs by more than e with chance at most |H| (1 - e)^N <= |H| exp(-e "
        "N), so N >= log(|H| / d) / e examples are enough for an error of e with chance 1 - d: "
        "polynomially many in 1/e and log 1/d. For k thresholds on [0, 1], uniform examples and "
        "the largest threshold that is right, the chance is exactly (1 - j/k)^N, with j / k the "
        "first multiple of 1/k above e. Without the truth in H no number of examples is enough."
    ),
    sources=(
        Source("foundations", 161, "with high probability, finds a hypothesis with low error"),
        Source("foundations", 163, "Number of examples needed for learning"),
    ),
    about=("_largest_best", "compute.missed"),
    reference="Blumer et al., Occam's razor, 1987; Shalev-Shwartz and Ben-David, Understanding "
    "machine learning, 2014, corollary 2.3",
    sabotage=Sabotage("the truth is not in the class: labels are noisy", {"noise": 0.2}),
)
def thresholds_are_pac_learnable(
    *,
    noise: float = 0.0,
    thresholds: int = 50,
    error: float = 0.11,
    chance: float = 0.05,
    draws: int = 2000,
    seed: int = 0,
) -> Outcome:
    """`noise` is the chance that a label is turned; `error` is e, `chance` is d."""
    enough = ceil(log(thresholds / chance) / error)
    sizes = np.unique(np.geomspace(2, enough, 10).astype(int))
    rng = seeds.generator("pac", seed)
    grid, truth = np.arange(thresholds) / thresholds, 0.4
    bad = []
    for size in sizes:
        x = rng.random((draws, size))
        y = (x >= truth) ^ (rng.random(x.shape) < noise)
        chosen = grid[_largest_best(x, y, grid)]
        missed = noise + (1 - 2 * noise) * np.abs(chosen - truth)
        bad.append(int((missed > error).sum()))
    found = np.array(bad) / draws
    first = (np.floor(error * thresholds) + 1) / thresholds
    exact = (1 - first) ** sizes
    sharper = thresholds * (1 - error) ** sizes
    bound = np.minimum(1, thresholds * np.exp(-error * sizes))
    return Outcome(
        (
            *between("frequency", found, frequency_range(exact, draws)),
            at_most("exact chance over |H| (1 - e)^N", (exact / sharper).max(), 1),
            at_most(f"exact chance after {enough} examples", exact[-1], chance),
        ),
        curves(
            "Chance of an error above e",
            "log10 of N",
            "chance",
            {
                "frequency": (np.log10(sizes), np.where(found > 0, found, np.nan)),
                "exact": (np.log10(sizes), exact),
                "bound": (np.log10(sizes), bound),
            },
            log=True,
        ),
    )


def _largest_best(x: np.ndarray, y: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the place of the largest threshold t with the fewest errors of x >= t, by draw."""
    wrong = np.stack([((x >= t) != y).sum(axis=1) for t in grid])
    return len(grid) - 1 - wrong[::-1].argmin(axis=0)


@experiment(
    title="Agnostic learning: near the best of the class, whatever the law",
    statement=(
        "No law of examples and no truth in the class is supposed. The h with the fewest errors on "
        "N independent examples exceeds the least true error in H by at most 2 sqrt(log(2 |H| / d) "
        "/ 2 N), with chance 1 - d. For the two constant classifiers and a label that is 1 with "
        "chance 1/2 + g, the excess is 2 g with exactly the chance that half of N such labels or "
        "fewer are 1. For examples that repeat each other neither holds."
    ),
    sources=(Source("foundations", 165, "Learning without distributional assumptions"),),
    about=("_errors_of_thresholds", "compute.hits", "compute.wrong"),
    reference="Shalev-Shwartz and Ben-David, Understanding machine learning, 2014, corollary 4.6",
    sabotage=Sabotage("every example occurs twenty times", {"copies": 20}),
)
def agnostic_learning(
    *, copies: int = 1, chance: float = 0.05, draws: int = 4000, seed: int = 0
) -> Outcome:
    """`copies` of each independent example make up the rows; `chance` is d."""
    rng = seeds.generator("agnostic", seed)
    sizes = np.array([21, 61, 181, 541])
    gaps = np.array([0.02, 0.05, 0.1])
    hits, exact = [], []
    for size in sizes:
        for gap in gaps:
            own = rng.binomial(max(1, size // copies), 0.5 + gap, draws)
            hits.append(int((own <= max(1, size // copies) // 2).sum()))
            exact.append(binom.cdf(size // 2, size, 0.5 + gap))
    places = np.linspace(0, 1, 11)
    true = _errors_of_thresholds(places)
    excess, bounds = [], []
    for size in sizes:
        x = rng.beta(*LAW, (200, max(1, size // copies)))
        y = _in_the_middle(x) ^ (rng.random(x.shape) < 0.2)  # no threshold is right
        wrong = np.stack([((x >= t) != y).mean(axis=1) for t in places])
        excess.append(true[wrong.argmin(axis=0)] - true.min())
        bounds.append(2 * sqrt(log(2 * len(places) / chance) / (2 * size)))
    over = largest_of(int((one > bound).sum()) for one, bound in zip(excess, bounds, strict=True))
    return Outcome(
        (
            *between("frequency", np.array(hits) / draws, frequency_range(np.array(exact), draws)),
            at_most(
                "training errors beyond what chance allows",
                outside(wrong.reshape(len(places), 200).T, true),
                0,
            ),
            at_most("most of 200 draws above the bound", over, binom.isf(RARE, 200, chance)),
            at_least("least error in the class", true.min(), 0.2),
        ),
        curves(
            "Excess over the best threshold",
            "log10 of N",
            "excess",
            {
                "95 % quantile": (np.log10(sizes), [np.quantile(one, 0.95) for one in excess]),
                "bound": (np.log10(sizes), bounds),
            },
        ),
    )


def _in_the_middle(x: np.ndarray) -> np.ndarray:
    low, high = MIDDLE
    return (x > low) & (x < high)


def _errors_of_thresholds(places: np.ndarray) -> np.ndarray:
    """Return the true error of x >= t, for x by `LAW` and a label that is `_in_the_middle`.

    A fifth of the labels is turned, which adds a fifth, and takes two of whatever is wrong.
    """
    inside = np.diff(beta.cdf(MIDDLE, *LAW))[0]
    below = beta.cdf(np.clip(places, *MIDDLE), *LAW) - beta.cdf(MIDDLE[0], *LAW)
    wrong = below + (1 - beta.cdf(places, *LAW)) - (inside - below)
    return 0.2 + 0.6 * wrong


@experiment(
    title="Structural risk minimisation",
    statement=(
        "Let H_1, ..., H_D be finite classes and pen_d = sqrt((log |H_d| + log(2 D / c)) / 2 N). "
        "With chance 1 - c every classifier of every class has a true error within pen_d of that "
        "on N independent examples, so the one of least error plus penalty errs by at most 2 pen_d "
        "more than the best of H_d, for all d at once. H_d here: the classifiers that are constant "
        "on 2^d equal cells of [0, 1]; the truth lies in H_3, a tenth of the labels is turned. "
        "The least error without a penalty is that of the largest class, which learns the noise."
    ),
    sources=(Source("foundations", 172, "Balance empirical error and model complexity"),),
    about=("_cells", "compute.chosen"),
    reference="Vapnik, Statistical learning theory, 1998, chapter 6; Shalev-Shwartz and "
    "Ben-David, Understanding machine learning, 2014, theorem 7.4",
    sabotage=Sabotage("complexity has no price", {"price": 0.0}),
)
def structural_risk_minimisation(
    *,
    price: float = 1.0,
    rows: int = 2000,
    classes: int = 11,
    noise: float = 0.1,
    chance: float = 0.05,
    draws: int = 100,
    seed: int = 0,
) -> Outcome:
    """`price` multiplies the penalty; `classes` is D, `chance` is c."""
    levels = np.arange(1, classes + 1)
    penalty = np.sqrt((2.0**levels * log(2) + log(2 * classes / chance)) / (2 * rows))
    rng = seeds.generator("structural risk", seed)
    seen, true, outside = (np.zeros((draws, classes)) for _ in range(3))
    for draw in range(draws):
        x = rng.random(rows)
        y = (np.floor(8 * x) % 2 == 1) ^ (rng.random(rows) < noise)
        for place, level in enumerate(levels.tolist()):
            seen[draw, place], true[draw, place], outside[draw, place] = _cells(x, y, level, noise)
    best = true_best(levels, noise)
    chosen = (seen + price * penalty).argmin(axis=1)
    risk = true[np.arange(draws), chosen]
    excess = (risk[:, np.newaxis] - best - 2 * penalty).max(axis=1)
    allowed = binom.isf(RARE, draws, chance)
    return Outcome(
        (
            at_most(
                "draws in which some classifier is farther off than its penalty",
                (outside > penalty).any(axis=1).sum(),
                allowed,
            ),
            at_most("draws beyond the bound of some class", (excess > 0).sum(), allowed),
            at_most("draws in which H_3 is not chosen", (chosen != 2).sum(), allowed),
            at_most("largest rise of the training error by class", np.diff(seen).max(), 1e-12),
        ),
        curves(
            "Errors by class",
            "d",
            "error",
            {
                "on the examples": (levels, seen.mean(axis=0)),
                "with the penalty": (levels, (seen + penalty).mean(axis=0)),
                "true": (levels, true.mean(axis=0)),
            },
        ),
    )


def true_best(levels: np.ndarray, noise: float) -> np.ndarray:
    """Return the least true error of each class: 1/2 on cells that hold both classes evenly."""
    return np.where(levels < 3, 0.5, noise)


def _cells(x: np.ndarray, y: np.ndarray, level: int, noise: float) -> tuple[float, float, float]:
    """Return training and true error of the majority in each of 2^level cells, and the largest gap.

    The gap is that of the true error and the one on the examples, over all classifiers of the
    class, in either direction: it splits into a sum over the cells.
    """
    count = 2**level
    cell = np.minimum((x * count).astype(int), count - 1)
    ones = np.bincount(cell, y, count) / len(x)
    zeros = np.bincount(cell, ~y, count) / len(x)
    middle = (np.arange(count) + 0.5) / count
    rate = np.full(count, 0.5)
    if level >= 3:
        rate = np.where(np.floor(8 * middle) % 2 == 1, 1 - noise, noise)
    true_ones, true_zeros = rate / count, (1 - rate) / count
    says = ones > zeros
    gaps = np.stack([true_zeros - zeros, true_ones - ones])  # of saying 1, and of saying 0
    return (
        float(np.where(says, zeros, ones).sum()),
        float(np.where(says, true_zeros, true_ones).sum()),
        float(largest_of(gaps.max(axis=0).sum(), (-gaps).max(axis=0).sum())),
    )
