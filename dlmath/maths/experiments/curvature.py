"""Second-order methods: Newton, damped Newton, L-BFGS, the natural gradient."""

import itertools

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.differences import central, derivative_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.experiments.logistic import logistic_error
from dlmath.maths.extremes import largest_of
from dlmath.maths.objectives import Objective, log_cosh, logistic_loss, quadratic
from dlmath.maths.optimisers import GradientDescent, Optimiser, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.second_order import (
    Lbfgs,
    NaturalGradient,
    Newton,
    backtrack,
    exact_on_a_quadratic,
    hessian_of,
    unit_length,
)

NAMED = Source("foundations", 148, "Uses the Hessian matrix for quadratic convergence")


@experiment(
    title="Newton's method converges quadratically, near the minimum",
    statement=(
        "Near a minimum with a positive definite Hessian the error of Newton's method is at most "
        "M / (2 m) times the square of the one before, m being the least eigenvalue of the Hessian "
        "there and M a Lipschitz constant of the Hessian. For log cosh a step goes from x to x - "
        "sinh(2x) / 2: the error falls like the cube, as the third derivative is 0 there. Far away "
        "it need not converge: for log cosh, beyond the solution 1.0887 of sinh(2x) = 4x."
    ),
    sources=(NAMED,),
    about=("Newton.step", "log_cosh", "logistic_loss"),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorem 3.5",
    sabotage=Sabotage("the start is not near the minimum", {"start": 1.1}),
)
def newton_is_quadratic(*, start: float = 0.9, steps: int = 14, seed: int = 0) -> Outcome:
    """`start` is where log cosh begins; a logistic loss begins at the same distance."""
    path = minimise(log_cosh(), np.array([start]), Newton(), steps).points[:, 0]
    exact = path[:-1] - np.sinh(2 * path[:-1]) / 2
    cubes = np.abs(path[1:] / path[:-1] ** 3)[np.abs(path[:-1]) > 1e-4]
    rng = seeds.generator("newton", seed)
    features = rng.normal(size=(80, 3))
    loss = logistic_loss(features, (rng.random(80) < 0.5).astype(float), l2=0.01)
    best = minimise(loss, np.zeros(3), Newton(backtrack), 50).points[-1]
    point = minimise(loss, best + start / np.sqrt(3), Newton(), steps).points
    errors = np.linalg.norm(point - best, axis=1)
    # The sigmoid's second derivative is at most 1 / (6 sqrt 3).
    lipschitz = np.mean(np.linalg.norm(features, axis=1) ** 3) / (6 * np.sqrt(3))
    least = np.array([np.linalg.eigvalsh(hessian_of(loss)(w))[0] for w in point])
    known = errors[:-1] > 1e-6
    squares = (errors[1:] / errors[:-1] ** 2 / (lipschitz / (2 * least[:-1])))[known]
    return Outcome(
        (
            at_most("log cosh: error after the last step", abs(path[-1]), 1e-12),
            at_most(
                "log cosh: a step away from x - sinh(2x) / 2, over the cube",
                (np.abs(path[1:] - exact) / np.abs(path[:-1]) ** 3)[np.abs(path[:-1]) > 1e-2].max(),
                1e-6,
            ),
            # sinh(2x) / 2 - x = (2/3) x^3 + ..., with positive terms only.
            at_least(
                "log cosh: least error over the cube of the one before", cubes.min(), 2 / 3 - 1e-3
            ),
            at_most(
                "log cosh: largest of the same, over that at the start",
                cubes.max() / ((np.sinh(2 * start) / 2 - start) / start**3),
                1 + 1e-3,
            ),
            at_most(
                "logistic loss: largest error over M / (2 m) times the square of the one before",
                squares.max(),
                1.0,
            ),
            at_most(
                "logistic loss away from its definition",
                logistic_error(features, (features[:, 0] > 0).astype(float)),
                1e-7,
            ),
            at_most(
                "log cosh: derivatives away from differences",
                derivative_error(log_cosh(), np.array([0.3, -1.2])),
                1e-8,
            ),
            at_most(
                "log cosh at 1 and -2, away from the logarithm of cosh",
                abs(log_cosh().value(np.array([1.0, -2.0])) - np.log(np.cosh([1, 2])).sum()),
                1e-12,
            ),
            at_most(
                "logistic loss: gradient at the minimum, by differences",
                np.abs(central(loss.value, best)).max(),
                1e-9,
            ),
        ),
        sequences(
            "Error of Newton's method",
            "step",
            "error",
            {
                "log cosh": np.abs(path),
                "logistic loss": errors,
            },
            log=True,
        ),
    )


FUNCTIONS = {
    "log cosh": log_cosh(),
    "x^4": Objective(
        lambda x: float(np.sum(x**4)), lambda x: 4 * x**3, lambda x: np.diag(12 * x**2)
    ),
    "e^x": Objective(lambda x: float(np.sum(np.exp(x))), np.exp, lambda x: np.diag(np.exp(x))),
}


@experiment(
    title="Damped Newton converges from far away",
    statement=(
        "If the points below the start's value are bounded, and the Hessian is positive definite "
        "there, Newton's method with a backtracking line search converges to the minimum, takes "
        "whole steps in the end, and then converges quadratically. Strict convexity is not enough: "
        "on x^4, whose Hessian is 0 at its minimum, each step leaves 2/3 of the distance, and on "
        "e^x, which has no minimum, it runs away. With whole steps only it fails on log cosh from "
        "beyond 1.0887."
    ),
    sources=(NAMED, Source("foundations", 154, "Conditions ensuring convergence")),
    about=("Newton.step", "backtrack"),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorem 3.2; Boyd and "
    "Vandenberghe, Convex optimization, 2004, section 9.5.3",
    sabotage=Sabotage("the Hessian is 0 at the minimum", {"function": "x^4"}),
)
def damped_newton_is_global(
    *, function: str = "log cosh", damped: bool = True, farthest: float = 8.0
) -> Outcome:
    """`function` is log cosh, x^4 or e^x; starts go from 0.1 to `farthest`."""
    objective = choose("function", function, FUNCTIONS)
    starts = np.linspace(0.1, farthest, 15)
    paths, whole = (
        [minimise(f, np.array([x]), Newton(search), 60).points[:, 0] for x in starts]
        for f, search in (
            (objective, backtrack if damped else unit_length),
            (log_cosh(), unit_length),
        )
    )
    ends, whole_ends = (
        np.array([np.abs(np.nan_to_num(path[-1], nan=np.inf)) for path in some])
        for some in (paths, whole)
    )
    bound = third_order(objective)
    late = [path[np.abs(path) < NEAR] for path in paths]
    falls = [np.abs(path[1:] / path[:-1])[np.abs(path[:-1]) > 1e-4] for path in late]
    errors = [np.abs(path[:-1])[np.abs(path[:-1]) > 1e-4] for path in late]
    squares = np.concatenate([fall / error for fall, error in zip(falls, errors, strict=True)])
    last = largest_of((float(fall[-1]) for fall in falls if len(fall)), default=np.inf)
    broken = sum(breaches(objective, path) for path in paths)
    reach = starts[whole_ends < 1e-8].max(initial=0.0)
    return Outcome(
        (
            at_most("farthest end of 15 starts", ends.max(), 1e-8),
            at_most(
                f"error over M / (2 m) times the square of the one before, from {NEAR} on",
                squares.max(initial=0.0) / bound,
                1.0,
            ),
            # From an error of e above 1e-4 to one below: (M / 2m) e, with (M / 2m) e^2 < 1e-4.
            at_most("error over the one before, at the last from above 1e-4", last, 0.01),
            at_most("steps that break the rule of the line search", broken, 0),
            at_most(
                "farthest start from which whole steps converge, away from the last below 1.0887",
                abs(reach - starts[starts < 1.0887].max(initial=0.0)),
                0,
            ),
        ),
        curves(
            "Where Newton's method ends",
            "start",
            "|end|",
            {
                "as run": (starts, ends),
                "whole steps, log cosh": (starts, np.minimum(whole_ends, 1e6)),
            },
            log=True,
        ),
    )


NEAR = 0.5  # of the minimum: there whole steps are taken, and errors compared with their squares


def third_order(objective: Objective) -> float:
    """Return M / (2 m) of a function of one number, on [-NEAR, NEAR], from 101 Hessians there."""
    grid = np.linspace(-NEAR, NEAR, 101)
    bends = np.array([hessian_of(objective)(np.array([x]))[0, 0] for x in grid])
    return float(np.abs(np.gradient(bends, grid)).max() / (2 * bends.min()))


def breaches(objective: Objective, path: np.ndarray) -> int:
    """Return how many steps of a path (T + 1,) are not the first of 1, 1/2, ... to descend enough.

    The direction is -f'/f'', and f has to fall by 1e-4 of what the slope promises (Armijo).
    """
    count = 0
    for before, after in itertools.pairwise(path):
        x = np.array([before])
        slope, bend = float(objective.gradient(x)[0]), float(hessian_of(objective)(x)[0, 0])
        if not np.isfinite(after) or bend == 0:
            count += 1
            continue
        if abs(before) < 1e-6:  # where f is lost in the rounding of its values
            continue
        direction = -slope / bend
        length = 2.0 ** round(np.log2((after - before) / direction))

        def enough(
            size: float, x: np.ndarray = x, slope: float = slope, d: float = direction
        ) -> bool:
            return objective.value(x + size * d) <= objective.value(x) + 1e-4 * size * slope * d

        regular = abs(before + length * direction - after) <= 1e-9 * abs(before)
        first = length == 1 or (length < 1 and not enough(2 * length))
        count += not (regular and enough(length) and first)
    return count


@experiment(
    title="L-BFGS ends on a quadratic after as many steps as dimensions",
    statement=(
        "With exact line searches on a quadratic of d dimensions with different curvatures c_i, "
        "L-BFGS that keeps all pairs ends at the minimum after d steps, from a start x that has a "
        "part along each axis, and not one step sooner: its point is then l_i / (c_i x_i) along "
        "axis i, over the sum of l_j^2 / (c_j x_j^2), l_i being what the polynomial that is 1 at "
        "c_i and 0 at the other curvatures is at 0. Gradient descent at its best rate still has "
        "(kappa - 1)/(kappa + 1) to the power d of its part along the steepest and the flattest "
        "axis, kappa > 1 being the condition. The way there: `lbfgs-is-conjugate-gradients`."
    ),
    sources=(Source("foundations", 148, "Quasi-Newton Methods"),),
    about=("Lbfgs.step", "exact_on_a_quadratic"),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorems 5.1 and 6.4, section 7.2",
    sabotage=Sabotage("the line search is not exact", {"exact": False}),
)
def lbfgs_ends_on_a_quadratic(
    *, exact: bool = True, dimension: int = 8, condition: float = 50.0, seed: int = 0
) -> Outcome:
    """`condition` is the ratio of the curvatures."""
    curvatures = np.linspace(1, condition, dimension)
    objective = quadratic(curvatures)
    start = seeds.generator("lbfgs", seed).normal(size=dimension)
    search = exact_on_a_quadratic if exact else backtrack
    # One step less than the rounding of float64 ends it at: its pairs would then be all noise.
    path = minimise(objective, start, Lbfgs(dimension, search), dimension, tolerance=1e-12).points
    slow = minimise(objective, start, GradientDescent(2 / (1 + condition)), dimension).points
    distance, other = (np.linalg.norm(p, axis=1) for p in (path, slow))
    expected = before_the_end(curvatures, start)
    off = np.linalg.norm(path[dimension - 1] - expected) / np.linalg.norm(expected)
    q = (condition - 1) / (condition + 1)
    ends = np.hypot(start[0], start[-1])
    return Outcome(
        (
            at_most(
                f"distance after {dimension} steps over the first", distance[-1] / distance[0], 1e-9
            ),
            at_most("point one step before the end away from what it must be, relative", off, 1e-9),
            at_least(
                f"gradient descent: the distance, over its parts times {q:.4g}^{dimension}",
                other[-1] / (q**dimension * ends),
                1 - 1e-9,
            ),
            at_most(
                f"the same, over {q:.4g}^{dimension} times the first",
                other[-1] / (q**dimension * other[0]),
                1 + 1e-9,
            ),
        ),
        sequences(
            "Distance to the minimum",
            "step",
            "distance",
            {
                "L-BFGS": distance,
                "gradient descent": other,
            },
            log=True,
        ),
    )


def before_the_end(curvatures: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return p(c_i) x_i, (d,), p being of degree d - 1, with p(0) = 1 and least energy.

    By Lagrange p(0) is the sum of l_i p(c_i). So the energy, the sum of c_i p(c_i)^2 x_i^2, is
    least for p(c_i) in proportion to l_i / (c_i x_i^2) (Cauchy and Schwarz).

    Args:
        curvatures: (d,) c, all different and above 0.
        start: (d,) x, none of them 0.
    """
    ratios = curvatures / (curvatures - curvatures[:, np.newaxis] + np.eye(len(curvatures)))
    np.fill_diagonal(ratios, 1)
    at_zero = ratios.prod(axis=1)  # l
    shares = at_zero / (curvatures * start**2)
    return shares / (at_zero @ shares) * start


@experiment(
    title="The natural gradient does not see the parametrisation",
    statement=(
        "Under a linear change of parameters w = A v the natural gradient visits the same "
        "models; gradient descent takes the step A A^T g in the place of g. For logistic "
        "regression the Fisher information is the Hessian, so at rate 1 it is Newton's method."
    ),
    sources=(Source("foundations", 148, "Account for the geometry of parameter space"),),
    about=("NaturalGradient.step", "logistic_loss"),
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
    plain = minimise(other, np.zeros(3), GradientDescent(0.1), steps).points @ mix.T
    whole = minimise(one, np.zeros(3), NaturalGradient(1.0), 6).points
    newton = minimise(one, np.zeros(3), Newton(), 6).points
    # At w = 0 every chance is 1/2: gradient and Fisher information by hand.
    slope = features.T @ (0.5 - labels) / len(labels)
    first = -rate * np.linalg.solve(features.T @ features / 4 / len(labels), slope)
    return Outcome(
        (
            at_most("largest distance between the two paths", np.abs(path - mapped).max(), 1e-9),
            at_most("first step away from -rate F^-1 g", np.abs(path[1] - first).max(), 1e-9),
            at_most(
                "natural gradient at rate 1 away from Newton", np.abs(whole - newton).max(), 1e-9
            ),
            at_most(
                "logistic loss away from its definition", logistic_error(features, labels), 1e-7
            ),
            at_most(
                "gradient where Newton ends, by differences",
                np.abs(central(one.value, newton[-1])).max(),
                1e-9,
            ),
            at_most(
                "first step of gradient descent in v away from -rate A A^T g",
                np.abs(plain[1] + 0.1 * mix @ mix.T @ slope).max(),
                1e-12,
            ),
        ),
        curves(
            "Path of two weights",
            "first weight",
            "second weight",
            {
                "in w": (path[:, 0], path[:, 1]),
                "in v, mapped": (mapped[:, 0], mapped[:, 1]),
                "descent in v": (plain[:, 0], plain[:, 1]),
            },
        ),
    )
