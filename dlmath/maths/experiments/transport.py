"""Distances of laws: optimal transport on the line, and what a learner loses in another domain."""

import numpy as np
from scipy.optimize import linprog

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def monotone_plan(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the plan (m, n) that takes the least quantile to the least, and so on.

    Args:
        first: (m,) masses of sum 1, at places in rising order.
        second: (n,), those of the second law.
    """
    ends = [np.concatenate([[0.0], np.cumsum(masses)]) for masses in (first, second)]
    low = np.maximum.outer(ends[0][:-1], ends[1][:-1])
    high = np.minimum.outer(ends[0][1:], ends[1][1:])
    return np.maximum(high - low, 0.0)


def least_cost(costs: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the least cost of a plan, by linear programming, and the largest of its dual.

    The dual is the sum of prices u_i and v_j, u_i + v_j <= cost_ij.

    Args:
        costs: (m, n).
        first: (m,) masses of sum 1.
        second: (n,), those of the second law.
    """
    m, n = costs.shape
    rows = np.kron(np.eye(m), np.ones(n))
    columns = np.kron(np.ones(m), np.eye(n))
    marginals = np.vstack([rows, columns])
    masses = np.concatenate([first, second])
    primal = linprog(costs.ravel(), A_eq=marginals, b_eq=masses, bounds=(0, None), method="highs")
    dual = linprog(
        -masses, A_ub=marginals.T, b_ub=costs.ravel(), bounds=(None, None), method="highs"
    )
    return float(primal.fun), float(-dual.fun)


@experiment(
    title="Optimal transport on the line goes by quantiles",
    statement=(
        "For laws on the line and a cost |x - y|^p with p >= 1, the cheapest way to move one into "
        "the other takes quantiles to quantiles: its cost is the least of the linear programme "
        "over all plans, and, by duality, the largest total of prices u(x) + v(y) <= |x - y|^p. "
        "For p = 1 it is the integral of |F - G|, the distance W_1; moving a law by c moves it by "
        "exactly |c|. For p < 1 crossing ways are cheaper, and quantiles are not best."
    ),
    sources=(Source("foundations", 189, "Optimal Transport: Measuring distances between"),),
    about=("monotone_plan", "least_cost", "_area"),
    reference="Villani, Topics in optimal transportation, 2003, theorems 1.3 and 2.18",
    sabotage=Sabotage("the cost is concave", {"power": 0.5}),
)
def transport_by_quantiles(*, power: float = 1.0, draws: int = 4, seed: int = 0) -> Outcome:
    """`power` is p; `draws` of pairs of laws of 12 and 9 points are compared."""
    rng = seeds.generator("transport", seed)
    apart, gaps, areas, shifts = [], [], [], []
    powers = np.array([0.5, 0.75, 1.0, 2.0])
    excess = np.zeros((draws, len(powers)))
    for draw in range(draws):
        x, y = np.sort(rng.normal(size=12)), np.sort(rng.normal(0.3, 1.2, 9))
        first, second = rng.dirichlet(np.ones(12)), rng.dirichlet(np.ones(9))
        plan, distances = monotone_plan(first, second), np.abs(x[:, np.newaxis] - y)
        cost = float(np.sum(plan * distances**power))
        least, dual = least_cost(distances**power, first, second)
        apart.append(abs(cost - least))
        gaps.append(abs(least - dual))
        marginals = np.abs(plan.sum(axis=1) - first).max(), np.abs(plan.sum(axis=0) - second).max()
        gaps.append(largest_of(marginals))
        areas.append(abs(np.sum(plan * distances) - _area(x, first, y, second)))
        move = float(rng.normal())
        moved = monotone_plan(first, first) * np.abs(x[:, np.newaxis] - (x + move))
        shifts.append(abs(moved.sum() - abs(move)))
        for place, one in enumerate(powers):
            best = least_cost(distances**one, first, second)[0]
            excess[draw, place] = np.sum(plan * distances**one) / best - 1
    return Outcome(
        (
            at_most("cost by quantiles away from the least cost", apart, 1e-9),
            at_most("least cost away from the largest of prices; marginals", gaps, 1e-9),
            at_most("W_1 away from the integral of |F - G|", areas, 1e-12),
            at_most("W_1 of a law and itself moved by c, away from |c|", shifts, 1e-12),
            at_most("excess of quantiles for p >= 1, largest", excess[:, powers >= 1].max(), 1e-9),
            at_least("excess of quantiles for p < 1, least", excess[:, :2].max(axis=0).min(), 1e-3),
        ),
        curves(
            "Cost by quantiles over the least, less 1",
            "p",
            "excess",
            {"largest": (powers, excess.max(axis=0)), "mean": (powers, excess.mean(axis=0))},
        ).upright(1.0, "p = 1"),
    )


def _area(x: np.ndarray, first: np.ndarray, y: np.ndarray, second: np.ndarray) -> float:
    """Return the integral of |F - G| for two laws of finitely many points."""
    places = np.sort(np.concatenate([x, y]))
    f, g = (
        np.array([masses[at <= place].sum() for place in places[:-1]])
        for at, masses in ((x, first), (y, second))
    )
    return float(np.sum(np.abs(f - g) * np.diff(places)))


@experiment(
    title="What a classifier may lose in another domain",
    statement=(
        "Let d be twice the largest difference of the chances, under the source's law S and the "
        "target's T, that two classifiers of H disagree, and l the least sum of the errors of one "
        "h in H in both. Then the errors of every h in H in the two domains differ by at most d / "
        "2 + l. If the same h is right in both, l = 0, and d / 2 is attained: by thresholds for S "
        "uniform on [0, 1] and T on [0, 2]. If labels change between the domains, d knows nothing "
        "of it. All sums are exact: H are the thresholds of both signs on 20 points."
    ),
    sources=(Source("foundations", 183, "Mathematical analysis of domain adaptation"),),
    about=("_thresholds", "compute.half", "compute.errors"),
    reference="Ben-David et al., A theory of learning from different domains, 2010, theorem 2",
    sabotage=Sabotage("labels change between the domains", {"turned": 0.5}),
)
def domain_adaptation_bound(*, turned: float = 0.0, draws: int = 60, seed: int = 0) -> Outcome:
    """`turned` is the share of the points whose label is another one in the target."""
    size = 20
    rng = seeds.generator("domains", seed)
    classes = _thresholds(size)
    differ = classes[:, np.newaxis] != classes  # (H, H, points)
    general, same, bounds, found, exact = [], [], [], [], []
    for _ in range(draws):
        source, target = rng.dirichlet(np.full(size, 0.7), 2)
        truth = classes[rng.integers(len(classes))]
        other = truth ^ (rng.random(size) < turned)
        # Of every set on which two classifiers disagree there is the complement too: no |...|.
        half = (differ @ (source - target)).max()
        sums = np.concatenate([[0.0], np.cumsum(source - target)])
        exact.append(abs(half - np.ptp(sums)))
        errors = (classes != truth) @ source, (classes != other) @ target
        largest = np.abs(errors[1] - errors[0]).max()
        least = (errors[0] + errors[1]).min()
        general.append(largest - half - least)
        same.append(largest - half)
        bounds.append(half)
        found.append(largest)
    uniform = np.repeat([1.0, 0.0], size // 2) / (size // 2), np.full(size, 1 / size)
    half = (differ @ (uniform[0] - uniform[1])).max()
    right = classes[0]
    attained = np.abs((classes != right) @ (uniform[0] - uniform[1])).max()
    order = np.argsort(bounds)
    return Outcome(
        (
            at_most("d / 2 away from the range of F - G", exact, 1e-12),
            at_most("largest difference of errors less d / 2 and l", general, 1e-12),
            at_most("largest difference of errors less d / 2", same, 1e-12),
            at_most("S on [0, 1], T on [0, 2]: d / 2 away from 1/2", abs(half - 0.5), 1e-12),
            at_most("and the difference attained away from d / 2", abs(attained - half), 1e-12),
        ),
        curves(
            "Largest difference of the errors in two domains",
            "d / 2",
            "difference",
            {
                "found": (np.array(bounds)[order], np.array(found)[order]),
                "bound": (np.array(bounds)[order], np.array(bounds)[order]),
            },
        ),
    )


def _thresholds(size: int) -> np.ndarray:
    """Return all classifiers i >= t and i < t of points 0, ..., size - 1, (2 size, size)."""
    above = np.arange(size) >= np.arange(size)[:, np.newaxis]
    return np.vstack([above, ~above])
