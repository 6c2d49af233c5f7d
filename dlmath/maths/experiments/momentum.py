"""Momentum: long valleys, oscillation, stability, and shallow minima.

Source of the rates: Polyak, "Some methods of speeding up the convergence of iteration methods",
1964: on a quadratic of condition kappa, the heavy ball at its best parameters contracts by
(sqrt kappa - 1)/(sqrt kappa + 1) a step, gradient descent by (kappa - 1)/(kappa + 1).
"""

import math

import numpy as np

from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.objectives import Objective, quadratic
from dlmath.maths.optimisers import GradientDescent, Momentum, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences

POLYAK = "Polyak, Some methods of speeding up the convergence of iteration methods, 1964"


def companion(curvature: float, rate: float, beta: float) -> np.ndarray:
    """Return the matrix (2, 2) that takes (x_k, x_(k-1)) of the heavy ball to (x_(k+1), x_k).

    On c x^2 / 2 it goes by x_(k+1) = (1 + beta - rate c) x_k - beta x_(k-1).
    """
    return np.array([[1 + beta - rate * curvature, -beta], [1.0, 0.0]])


@experiment(
    title="Momentum is faster along a long valley",
    statement=(
        "On a quadratic with curvatures 1 and kappa > 1, gradient descent at its best rate "
        "shrinks the distance by q = (kappa - 1)/(kappa + 1) a step. The heavy ball at its best "
        "parameters goes through (1 + (1 - r) k) r^k and (1 + (1 + r) k) (-r)^k, with r = "
        "(sqrt(kappa) - 1)/(sqrt(kappa) + 1); log r <= sqrt(kappa) log q, so that to a small "
        "accuracy it needs sqrt(kappa) times fewer steps, but for the factor k."
    ),
    sources=(
        Source("tsemo", 104, "shallow but long valleys in the loss surface"),
        Source("tsemo", 108, "Speeds up convergence"),
        Source("foundations", 50, "Accelerates convergence in consistent directions"),
    ),
    about=("Momentum.step",),
    reference=POLYAK,
    sabotage=Sabotage("the parameters are those of a valley half as long", {"assumed": 0.5}),
)
def momentum_in_a_long_valley(
    *, condition: float = 400.0, accuracy: float = 1e-8, assumed: float = 1.0
) -> Outcome:
    """`accuracy` is the distance, relative to the start's, at which the steps are counted.

    `assumed` is the kappa that momentum's parameters are computed from, in units of the true one.
    """
    objective = quadratic(np.array([1.0, condition]))
    root, believed = math.sqrt(condition), math.sqrt(assumed * condition)
    r, q = (root - 1) / (root + 1), (condition - 1) / (condition + 1)
    beta = ((believed - 1) / (believed + 1)) ** 2
    steps = math.ceil(math.log(accuracy) / math.log(q)) + 20
    plain = minimise(objective, np.ones(2), GradientDescent(2 / (condition + 1)), steps).points
    way = Momentum(4 / (believed + 1) ** 2, beta, average=False)
    heavy = minimise(objective, np.ones(2), way, steps).points
    # The moving average of the gradients at 1 / (1 - beta) of the rate goes the same way.
    average = Momentum(4 / (believed + 1) ** 2 / (1 - beta), beta)
    averaged = minimise(objective, np.ones(2), average, len(heavy) - 1).points
    k = np.arange(len(heavy))
    exact = np.stack([(1 + (1 - r) * k) * r**k, (1 + (1 + r) * k) * (-r) ** k], axis=1)
    distances = [np.linalg.norm(path, axis=1) for path in (plain, heavy)]
    slow, fast = (first_below(accuracy * one[0], one) for one in distances)
    # (1 + 2 k) r^k is above the accuracy one step before; q^k is the distance itself.
    digits = -math.log(accuracy)
    least = root * digits / (digits + math.log(2 * fast - 1))
    seen = k <= smallest_of(fast, steps)
    gap = np.linalg.norm(heavy - exact, axis=1) / np.linalg.norm(exact, axis=1)
    return Outcome(
        (
            at_most(
                "gradient descent: away from q^k, relative",
                np.abs(distances[0] / (math.sqrt(2) * q ** np.arange(len(plain))) - 1).max(),
                1e-9,
            ),
            at_most("momentum: away from its formula, relative", gap[seen].max(), 1e-9),
            at_most(
                "moving average away from the heavy ball, at the rate that makes them one",
                np.abs(averaged - heavy).max(),
                1e-9,
            ),
            at_least(
                "steps of gradient descent over those of momentum, less one",
                slow / (fast - 1),
                least,
            ),
        ),
        sequences(
            f"Distance to the minimum, condition {condition:g}",
            "step",
            "distance",
            {"gradient descent": distances[0], "momentum": distances[1]},
            log=True,
        ),
    )


def first_below(bound: float, values: np.ndarray) -> float:
    """Return the number of the first value that is at most the bound, or infinity."""
    below = np.flatnonzero(values <= bound)
    return float(below[0]) if len(below) else math.inf


@experiment(
    title="Momentum reduces oscillation",
    statement=(
        "Along a direction of curvature 1 gradient descent of rate 1 < rate < 2 turns at every "
        "step. With a moving average of the gradients of decay beta, if rate < (1 + "
        "sqrt(beta))/(1 - sqrt(beta)), the steps turn only at the frequency w / pi of the "
        "recurrence, cos w = (1 + beta - (1 - beta) rate) / (2 sqrt(beta))."
    ),
    sources=(
        Source("tsemo", 114, "Reduces oscillations in the gradient descent path"),
        Source("tsemo", 89, "dampen oscillations"),
    ),
    about=("Momentum.step", "compute.turns"),
    reference=POLYAK,
    sabotage=Sabotage("there is no memory of past gradients", {"beta": 0.0}),
)
def momentum_reduces_oscillation(
    *, beta: float = 0.9, rate: float = 1.9, steps: int = 100
) -> Outcome:
    """`rate` is in units of 1/L."""
    curvatures = np.array([0.01, 1.0])
    objective = quadratic(curvatures)
    plain = minimise(objective, np.ones(2), GradientDescent(rate), steps).points
    averaged = minimise(objective, np.ones(2), Momentum(rate, beta), steps).points
    weighted = (1 - beta) * rate
    powers = [np.linalg.matrix_power(companion(1.0, weighted, beta), k) for k in range(steps + 1)]
    exact = np.array([power[0].sum() for power in powers])  # there is no velocity at the start

    def turns(path: np.ndarray) -> float:
        """Return the share of steps that go against the step before."""
        moves = np.sign(np.diff(path))
        return float(np.mean(moves[1:] * moves[:-1] < 0))

    # The roots of z^2 - (1 + beta - (1 - beta) rate) z + beta are complex; their angle is the
    # frequency, and a wave of frequency w turns w / pi times a step, give or take one turn.
    cosine = (1 + beta - weighted) / (2 * math.sqrt(max(beta, 1e-12)))
    expected = math.acos(np.clip(cosine, -1, 1)) / math.pi
    room = 2 / (steps - 1)
    return Outcome(
        (
            at_least("share of turns of gradient descent", turns(plain[:, 1]), 1.0),
            at_most("share of turns of momentum, less 1", turns(averaged[:, 1]) - 1, -room / 2),
            at_most(
                "the same, away from the frequency of its recurrence",
                abs(turns(averaged[:, 1]) - expected),
                room,
            ),
            at_most(
                "momentum away from the powers of its recurrence",
                np.abs(averaged[:, 1] - exact).max(),
                1e-9,
            ),
            at_most(
                "gradient descent away from (1 - rate c)^k",
                np.abs(
                    plain - (1 - rate * curvatures) ** np.arange(steps + 1)[:, np.newaxis]
                ).max(),
                1e-9,
            ),
        ),
        sequences(
            "Steep coordinate",
            "step",
            "coordinate",
            {"momentum": averaged[:, 1], "gradient descent": plain[:, 1]},
        ),
    )


@experiment(
    title="Momentum is stable up to the rate 2 (1 + beta)/L",
    statement=(
        "On a quadratic with curvatures in [mu, L] and 0 <= beta < 1 the heavy ball converges at "
        "every rate below 2 (1 + beta)/L, as fast as the spectral radius of its recurrence says, "
        "and diverges above it. So it allows nearly twice the rate at which gradient descent, "
        "beta = 0, diverges."
    ),
    sources=(
        Source("foundations", 25, "Stability of training dynamics"),
        Source("tsemo", 89, "dampen oscillations"),
    ),
    about=("Momentum.step", "companion"),
    reference=POLYAK,
    sabotage=Sabotage("the rate is above 2 (1 + beta)/L", {"rate": 1.02}),
)
def momentum_is_stable(
    *, rate: float = 0.98, beta: float = 0.9, mu: float = 1.0, smoothness: float = 10.0
) -> Outcome:
    """`rate` is in units of 2 (1 + beta)/L."""
    curvatures = np.linspace(mu, smoothness, 5)
    tau = rate * 2 * (1 + beta) / smoothness
    radii = np.array([np.abs(np.linalg.eigvals(companion(c, tau, beta))).max() for c in curvatures])
    way = Momentum(tau, beta, average=False)
    path = minimise(quadratic(curvatures), np.ones(5), way, 999).points
    exact = np.array([_after(companion(c, tau, beta), len(path) - 1) for c in curvatures])
    slowest = np.linalg.norm(path, axis=1)
    half = len(path) // 2
    # An envelope of the oscillation: the largest distance of each half of the path.
    shrinks = slowest[half:].max() / slowest[:half].max()
    return Outcome(
        (
            at_most("largest spectral radius", radii.max(), 1 - 1e-9),
            at_most("largest distance of the second half over that of the first", shrinks, 0.99),
            at_most(
                "last point away from the power of the recurrence's matrix, over the largest",
                np.abs(path[-1] - exact).max() / np.abs(exact).max(),
                1e-6,
            ),
        ),
        sequences(
            "Distance to the minimum",
            "step",
            "distance",
            {"momentum": slowest, "spectral radius^k": radii.max() ** np.arange(len(path))},
            log=True,
        ),
    )


def _after(turn: np.ndarray, steps: int) -> float:
    """Return x_steps of a recurrence that starts at 1 without velocity."""
    return float(np.linalg.matrix_power(turn, steps)[0].sum())


@experiment(
    title="Momentum leaves a shallow minimum",
    statement=(
        "On x^2/2 with a shallow dent next to its minimum, momentum rolls through the dent in "
        "which gradient descent, from the same start at the same rate, comes to rest. A dent "
        "that is deep enough holds both."
    ),
    sources=(Source("tsemo", 111, "Helps to escape shallow local minima"),),
    about=("Momentum.step", "compute.height", "compute.slope"),
    reference=POLYAK,
    sabotage=Sabotage("the dent is deep", {"depth": 12.0}),
)
def momentum_leaves_a_shallow_minimum(
    *, depth: float = 1.2, beta: float = 0.99, rate: float = 0.002, steps: int = 5000
) -> Outcome:
    """`depth` is that of the dent at x = 2, which has a width of 0.3."""
    place, width = 2.0, 0.3

    def height(x: np.ndarray) -> np.ndarray:
        return x**2 / 2 - depth * np.exp(-(((x - place) / width) ** 2) / 2)

    def slope(x: np.ndarray) -> np.ndarray:
        bump = depth * np.exp(-(((x - place) / width) ** 2) / 2)
        return x + bump * (x - place) / width**2

    objective = Objective(lambda x: float(height(x[0])), slope)
    start = np.array([4.0])
    plain = minimise(objective, start, GradientDescent(rate), steps)
    rolling = minimise(objective, start, Momentum(rate, beta, average=False), steps)
    rest, path = plain.points[-1, 0], rolling.points[:, 0]
    # Each step by the two before it, with the slope from differences of the height.
    slopes = (height(path + 1e-5) - height(path - 1e-5)) / 2e-5
    ahead = path[1:-1] + beta * np.diff(path)[:-1] - rate * slopes[1:-1] - path[2:]
    around = height(rest + np.array([-0.05, 0.05])) - height(rest)
    return Outcome(
        (
            at_least("where gradient descent rests", rest, 1.0),
            at_least("rise of f on both sides of it: a minimum", around.min(), 1e-6),
            at_most("where momentum rests, away from 0", abs(path[-1]), 1e-3),
            at_most(
                "f where momentum rests, less that of the other",
                np.diff([plain.values[-1], rolling.values[-1]])[0],
                -1e-6,
            ),
            at_most("largest error of momentum's recurrence", np.abs(ahead).max(), 1e-9),
        ),
        sequences(
            "The way past a dent at x = 2",
            "step",
            "x",
            {
                "momentum": path[:3001],
                "gradient descent": plain.points[:3001, 0],
                "the dent": np.full(3001, place),
            },
        ),
    )
