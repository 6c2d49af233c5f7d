"""Momentum: long valleys, oscillation, and shallow minima.

Source of the rates: Polyak, "Some methods of speeding up the convergence of iteration methods",
1964: on a quadratic of condition kappa, the heavy ball at its best parameters contracts by
(sqrt kappa - 1)/(sqrt kappa + 1) a step, gradient descent by (kappa - 1)/(kappa + 1).
"""

import math

import numpy as np

from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import Objective, quadratic
from dlmath.maths.optimisers import GradientDescent, Momentum, Optimiser, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences

POLYAK = "Polyak, Some methods of speeding up the convergence of iteration methods, 1964"


@experiment(
    title="Momentum is faster along a long valley",
    statement=(
        "On a quadratic of condition kappa, momentum at its best parameters needs about "
        "sqrt(kappa) times fewer steps than gradient descent at its best rate; at kappa = 1 "
        "there is nothing to gain."
    ),
    sources=(
        Source("tsemo", 104, "shallow but long valleys in the loss surface"),
        Source("tsemo", 108, "Speeds up convergence"),
        Source("foundations", 50, "Accelerates convergence in consistent directions"),
    ),
    about=("Momentum.step",),
    reference=POLYAK,
    sabotage=Sabotage("the valley is round", {"condition": 1.0}),
)
def momentum_in_a_long_valley(*, condition: float = 400.0, accuracy: float = 1e-8) -> Outcome:
    """`accuracy` is the distance, relative to the start's, at which the steps are counted."""
    objective = quadratic(np.array([1.0, condition]))
    root = math.sqrt(condition)
    beta = ((root - 1) / (root + 1)) ** 2
    ways: dict[str, Optimiser] = {
        "gradient descent": GradientDescent(2 / (condition + 1)),
        "momentum": Momentum(4 / (root + 1) ** 2, beta, average=False),
    }
    distances = {}
    for name, way in ways.items():
        steps = math.ceil(20 * condition)
        distances[name] = np.linalg.norm(
            minimise(objective, np.ones(2), way, steps, tolerance=accuracy / 10).points, axis=1
        )
    counts = {
        name: int(np.argmax(distance <= accuracy * distance[0]))
        for name, distance in distances.items()
    }
    ratio = counts["gradient descent"] / max(counts["momentum"], 1)
    measured = (distances["momentum"][counts["momentum"]] / math.sqrt(2)) ** (
        1 / max(counts["momentum"], 1)
    )
    return Outcome(
        (
            at_least("steps of gradient descent over steps of momentum", ratio, root / 2),
            at_least("the same ratio, so that there is a gain", ratio, 2.0),
            # k of the k-th power's growth before it decays: the iteration's matrix is defective.
            at_most("factor per step of momentum", measured, (root - 1) / (root + 1) + 0.05),
        ),
        sequences(
            f"Distance to the minimum, condition {condition:g}",
            "step",
            "distance",
            distances,
            log=True,
        ),
    )


@experiment(
    title="Momentum reduces oscillation",
    statement=(
        "Where the sign of the gradient alternates from step to step, the moving average of the "
        "gradients turns slowly: at the same rate, momentum changes the direction of its steps "
        "in the steep direction a few times where gradient descent does so at every step."
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
    objective = quadratic(np.array([0.01, 1.0]))
    plain = minimise(objective, np.ones(2), GradientDescent(rate), steps).points[:, 1]
    averaged = minimise(objective, np.ones(2), Momentum(rate, beta), steps).points[:, 1]

    def turns(path: np.ndarray) -> float:
        """Return the share of steps that go against the step before."""
        moves = np.diff(path)
        return float(np.mean(moves[1:] * moves[:-1] < 0))

    # The roots of z^2 - (1 + beta - (1 - beta) rate) z + beta are complex; their angle is the
    # frequency, and a wave of frequency w turns w / pi times a step.
    half = (1 + beta - (1 - beta) * rate) / 2
    expected = math.acos(np.clip(half / math.sqrt(max(beta, 1e-9)), -1, 1)) / math.pi
    return Outcome(
        (
            at_least("share of turns of gradient descent", turns(plain), 0.99),
            at_most("share of turns of momentum", turns(averaged), 0.5),
            at_most(
                "the same, away from the frequency of its recurrence",
                abs(turns(averaged) - expected),
                0.03,
            ),
        ),
        sequences(
            "Steep coordinate",
            "step",
            "coordinate",
            {
                "momentum": averaged,
                "gradient descent": plain,
            },
        ),
    )


@experiment(
    title="Momentum leaves a shallow minimum",
    statement=(
        "On x^2/2 with a shallow dent next to its minimum, momentum rolls through the dent in "
        "which gradient descent, from the same start at the same rate, comes to rest. A dent "
        "that is deep enough holds both."
    ),
    sources=(Source("tsemo", 111, "Helps to escape shallow local minima"),),
    about=("Momentum.step", "compute.gradient"),
    reference=POLYAK,
    sabotage=Sabotage("the dent is deep", {"depth": 12.0}),
)
def momentum_leaves_a_shallow_minimum(
    *, depth: float = 1.2, beta: float = 0.99, rate: float = 0.002, steps: int = 5000
) -> Outcome:
    """`depth` is that of the dent at x = 2, which has a width of 0.3."""
    place, width = 2.0, 0.3

    def value(x: np.ndarray) -> float:
        return float(x[0] ** 2 / 2 - depth * np.exp(-(((x[0] - place) / width) ** 2) / 2))

    def gradient(x: np.ndarray) -> np.ndarray:
        bump = depth * np.exp(-(((x - place) / width) ** 2) / 2)
        return x + bump * (x - place) / width**2

    objective = Objective(value, gradient)
    start = np.array([4.0])
    plain = minimise(objective, start, GradientDescent(rate), steps)
    rolling = minimise(objective, start, Momentum(rate, beta, average=False), steps)
    shown = slice(0, 3001)
    return Outcome(
        (
            at_least("where gradient descent rests", plain.points[-1, 0], 1.0),
            at_most("where momentum rests, away from 0", abs(rolling.points[-1, 0]), 1e-3),
        ),
        sequences(
            "The way past a dent at x = 2",
            "step",
            "x",
            {
                "momentum": rolling.points[shown, 0],
                "gradient descent": plain.points[shown, 0],
                "the dent": np.full(3001, place),
            },
        ),
    )
