"""Second-order methods: Newton, damped Newton, L-BFGS, the natural gradient."""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import log_cosh, logistic_loss, quadratic
from dlmath.maths.optimisers import GradientDescent, Optimiser, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves
from dlmath.maths.second_order import (
    Lbfgs,
    NaturalGradient,
    Newton,
    backtrack,
    exact_on_a_quadratic,
    unit_length,
)

NAMED = Source("foundations", 148, "Uses the Hessian matrix for quadratic convergence")


@experiment(
    title="Newton's method converges quadratically, near the minimum",
    statement=(
        "Near a minimum with a positive definite Hessian the error of Newton's method is at "
        "most a constant times the square of the one before (for log cosh the cube: its third "
        "derivative is 0 there). Far away it need not converge: for log cosh, beyond 1.0887."
    ),
    sources=(NAMED,),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorem 3.5",
    sabotage=Sabotage("the start is not near the minimum", {"start": 1.1}),
)
def newton_is_quadratic(*, start: float = 0.9, steps: int = 8) -> Outcome:
    """`start` is where log cosh begins; a logistic loss begins at the same distance."""
    path = np.abs(minimise(log_cosh(), np.array([start]), Newton(), steps).points[:, 0])
    rng = seeds.generator("newton")
    features = rng.normal(size=(80, 3))
    loss = logistic_loss(features, (rng.random(80) < 0.5).astype(float), l2=0.01)
    best = minimise(loss, np.zeros(3), Newton(backtrack), 50).points[-1]
    point = minimise(loss, best + start / np.sqrt(3), Newton(), steps).points
    errors = np.linalg.norm(point - best, axis=1)
    known = errors[errors > 1e-8]
    squares = known[1:] / known[:-1] ** 2
    return Outcome(
        (
            at_most("log cosh: error after the last step", path[-1], 1e-12),
            at_most(
                "log cosh: largest error over the cube of the one before",
                (path[1:4] / path[:3] ** 3).max(),
                2.0,
            ),
            at_most(
                "logistic loss: largest error over the square of the one before", squares.max(), 1.0
            ),
        ),
        curves(
            "Error of Newton's method",
            "step",
            "error",
            {
                "log cosh": (np.arange(len(path)), path),
                "logistic loss": (np.arange(len(errors)), errors),
            },
            log=True,
        ),
    )


@experiment(
    title="Damped Newton converges from far away",
    statement=(
        "With a line search, Newton's method converges on a strictly convex function from every "
        "start, with quadratic convergence at the end."
    ),
    sources=(NAMED, Source("foundations", 154, "Conditions ensuring convergence")),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorem 3.2",
    sabotage=Sabotage("the whole step is always taken", {"damped": False}),
)
def damped_newton_is_global(*, damped: bool = True, farthest: float = 8.0) -> Outcome:
    """Starts from 0 to `farthest` on log cosh."""
    way = Newton(backtrack if damped else unit_length)
    starts = np.linspace(0.1, farthest, 15)
    ends = [_last(minimise(log_cosh(), np.array([x]), way, 60).points) for x in starts]
    return Outcome(
        (at_most("farthest end of 15 starts", max(ends), 1e-8),),
        curves("Where Newton's method ends", "start", "|end|", {"end": (starts, ends)}, log=True),
    )


def _last(path: np.ndarray) -> float:
    return float(np.abs(np.nan_to_num(path[-1], nan=np.inf)).max())


@experiment(
    title="L-BFGS ends on a quadratic after as many steps as dimensions",
    statement=(
        "With exact line searches on a quadratic of d dimensions, L-BFGS visits the points of "
        "the conjugate gradient method and ends at the minimum after d steps; gradient descent "
        "does not."
    ),
    sources=(Source("foundations", 148, "Quasi-Newton Methods"),),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorem 6.4",
    sabotage=Sabotage("the line search is not exact", {"exact": False}),
)
def lbfgs_ends_on_a_quadratic(
    *, exact: bool = True, dimension: int = 8, condition: float = 50.0, seed: int = 0
) -> Outcome:
    """`condition` is the ratio of the curvatures."""
    objective = quadratic(np.linspace(1, condition, dimension))
    start = seeds.generator("lbfgs", seed).normal(size=dimension)
    search = exact_on_a_quadratic if exact else backtrack
    # One step less than the rounding of float64 ends it at: its pairs would then be all noise.
    path = minimise(objective, start, Lbfgs(dimension, search), dimension, tolerance=1e-12).points
    slow = minimise(objective, start, GradientDescent(2 / (1 + condition)), dimension).points
    distance, other = (np.linalg.norm(p, axis=1) for p in (path, slow))
    return Outcome(
        (
            at_most(
                f"distance after {dimension} steps over the first", distance[-1] / distance[0], 1e-9
            ),
            at_least("the same of gradient descent", other[-1] / other[0], 1e-3),
        ),
        curves(
            "Distance to the minimum",
            "step",
            "distance",
            {
                "L-BFGS": (np.arange(len(distance)), distance),
                "gradient descent": (np.arange(len(other)), other),
            },
            log=True,
        ),
    )


@experiment(
    title="The natural gradient does not see the parametrisation",
    statement=(
        "Under a linear change of parameters w = A v the natural gradient visits the same "
        "models; gradient descent does not. For logistic regression the Fisher information is "
        "the Hessian, so at rate 1 it is Newton's method."
    ),
    sources=(Source("foundations", 148, "Account for the geometry of parameter space"),),
    reference="Amari, Natural gradient works efficiently in learning, 1998",
    sabotage=Sabotage("steepest descent in the metric of the parameters", {"natural": False}),
)
def natural_gradient_invariance(
    *, natural: bool = True, rate: float = 0.5, steps: int = 20, seed: int = 0
) -> Outcome:
    """`natural` chooses between the natural and the plain gradient."""
    rng = seeds.generator("natural", seed)
    features, mix = rng.normal(size=(120, 3)), rng.normal(size=(3, 3)) + 2 * np.eye(3)
    labels = (features @ [1.0, -1.0, 0.5] + rng.logistic(size=120) > 0).astype(float)
    one, other = logistic_loss(features, labels), logistic_loss(features @ mix, labels)
    way: Optimiser = NaturalGradient(rate) if natural else GradientDescent(rate)
    path = minimise(one, np.zeros(3), way, steps).points
    mapped = minimise(other, np.zeros(3), way, steps).points @ mix.T
    whole = minimise(one, np.zeros(3), NaturalGradient(1.0), 6).points
    newton = minimise(one, np.zeros(3), Newton(), 6).points
    return Outcome(
        (
            at_most("largest distance between the two paths", np.abs(path - mapped).max(), 1e-9),
            at_most(
                "natural gradient at rate 1 away from Newton", np.abs(whole - newton).max(), 1e-9
            ),
        ),
        curves(
            "Path of two weights",
            "first weight",
            "second weight",
            {"in w": (path[:, 0], path[:, 1]), "in v, mapped": (mapped[:, 0], mapped[:, 1])},
        ),
    )
