"""Second-order methods: Newton, damped Newton, L-BFGS, the natural gradient, K-FAC."""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import (
    Layer,
    Network,
    activations,
    backward,
    cross_entropy,
    forward,
    initialised,
    softmax,
    stepped,
    towards,
)
from dlmath.maths.objectives import log_cosh, logistic_loss, quadratic
from dlmath.maths.optimisers import GradientDescent, Optimiser, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.second_order import (
    Lbfgs,
    NaturalGradient,
    Newton,
    backtrack,
    exact_on_a_quadratic,
    unit_length,
)

NAMED = Source("foundations", 148, "Uses the Hessian matrix for quadratic convergence")
DAMPING = 1e-2  # of the outputs' factor only: of the inputs' it would spoil the invariance


@experiment(
    title="Newton's method converges quadratically, near the minimum",
    statement=(
        "Near a minimum with a positive definite Hessian the error of Newton's method is at "
        "most a constant times the square of the one before (for log cosh the cube: its third "
        "derivative is 0 there). Far away it need not converge: for log cosh, beyond 1.0887."
    ),
    sources=(NAMED,),
    about=("Newton.step", "log_cosh", "logistic_loss"),
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
        sequences(
            "Error of Newton's method",
            "step",
            "error",
            {
                "log cosh": path,
                "logistic loss": errors,
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
    about=("Newton.step", "backtrack"),
    reference="Nocedal and Wright, Numerical optimization, 2006, theorem 3.2",
    sabotage=Sabotage("the whole step is always taken", {"damped": False}),
)
def damped_newton_is_global(*, damped: bool = True, farthest: float = 8.0) -> Outcome:
    """Starts from 0 to `farthest` on log cosh."""
    way = Newton(backtrack if damped else unit_length)
    starts = np.linspace(0.1, farthest, 15)
    ends, whole = (
        [_last(minimise(log_cosh(), np.array([x]), one, 60).points) for x in starts]
        for one in (way, Newton(unit_length))
    )
    return Outcome(
        (at_most("farthest end of 15 starts", max(ends), 1e-8),),
        curves(
            "Where Newton's method ends",
            "start",
            "|end|",
            {"as run": (starts, ends), "whole steps": (starts, np.minimum(whole, 1e6))},
            log=True,
        ),
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
    about=("Lbfgs.step", "second_order.two_loops", "exact_on_a_quadratic"),
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


@experiment(
    title="The natural gradient does not see the parametrisation",
    statement=(
        "Under a linear change of parameters w = A v the natural gradient visits the same "
        "models; gradient descent does not. For logistic regression the Fisher information is "
        "the Hessian, so at rate 1 it is Newton's method."
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
            {
                "in w": (path[:, 0], path[:, 1]),
                "in v, mapped": (mapped[:, 0], mapped[:, 1]),
                "descent in v": (plain[:, 0], plain[:, 1]),
            },
        ),
    )


def kfac_step(network: Network, rows: np.ndarray, labels: np.ndarray, rate: float) -> Network:
    """Return a softmax classifier after a step of K-FAC.

    A layer's Fisher information E[a a^T x g g^T], a being its input with a 1 and g the gradient
    at its output under the model's own labels, is taken for E[a a^T] x E[g g^T]; so the step is
    E[a a^T]^-1 (gradient) E[g g^T]^-1, with two small inverses in the place of a large one. The
    second factor is singular, as softmax ignores a common number, and damped.
    """
    count, classes = labels.shape
    said = softmax(forward(network, rows))
    gradients, _ = backward(network, rows, towards(labels))
    inputs = activations(network, rows)
    outputs = [np.zeros((len(layer.bias),) * 2) for layer in network]
    for label in np.eye(classes):
        _, signals = backward(network, rows, towards(label[np.newaxis]))
        chance = said @ label
        for place, layer in enumerate(network):
            slope = layer.activation.slope(inputs[place] @ layer.weights + layer.bias)
            g = signals[place + 1] * slope
            outputs[place] += (chance[:, np.newaxis] * g).T @ g / count
    steps = []
    for a, g, (dw, db) in zip(inputs, outputs, gradients, strict=False):
        ones = np.hstack([a, np.ones((count, 1))])
        damped = g + DAMPING * np.eye(len(g))
        step = np.linalg.solve(ones.T @ ones / count, np.vstack([dw, db])) @ np.linalg.inv(damped)
        steps.append((step[:-1], step[-1]))
    return stepped(network, steps, rate)


@experiment(
    title="K-FAC does not see affine maps of a layer's inputs",
    statement=(
        "The Kronecker-factored approximation of the Fisher information keeps what matters of "
        "the natural gradient: when the inputs are mapped by any invertible affine map, and the "
        "first weights by its inverse, its steps visit the same functions. So bad scaling of "
        "the inputs costs it nothing, where gradient descent crawls."
    ),
    sources=(Source("foundations", 148, "Efficient approximation of the Fisher"),),
    about=("kfac_step",),
    reference="Martens and Grosse, Optimizing neural networks with K-FAC, 2015, theorem 1",
    sabotage=Sabotage("steepest descent in the metric of the weights", {"factored": False}),
)
def kfac_invariance(
    *, factored: bool = True, rate: float = 0.3, steps: int = 25, seed: int = 0
) -> Outcome:
    """`factored` chooses between K-FAC and gradient descent, for 6 tanh units and 2 classes."""
    rng = seeds.generator("kfac", seed)
    rows = rng.normal(size=(200, 3))
    labels = np.eye(2)[(rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(int)]
    scale, shift = np.diag([30.0, 1.0, 0.1]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0], 2.0
    mapped = rows @ scale + shift
    first, *rest = initialised((3, 6, 2), "tanh", "kfac", seed)
    weights = np.linalg.solve(scale, first.weights)
    other = (Layer(weights, first.bias - shift * weights.sum(axis=0), first.activation), *rest)

    def losses(network: Network, x: np.ndarray, natural: bool) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for _ in range(steps):
            found.append(cross_entropy(softmax(forward(network, x)), labels))
            if natural:
                network = kfac_step(network, x, labels, rate)
            else:
                slopes, _ = backward(network, x, towards(labels))
                network = stepped(network, slopes, rate)
        return np.array(found), forward(network, x)

    ours, outputs = losses((first, *rest), rows, factored)
    theirs, outputs_mapped = losses(other, mapped, factored)
    plain, _ = losses(other, mapped, False)
    return Outcome(
        (
            at_most("distance of the outputs", np.abs(outputs - outputs_mapped).max(), 1e-5),
            at_most("last loss over that of gradient descent", theirs[-1] / plain[-1], 0.8),
        ),
        sequences(
            "Loss on badly scaled inputs",
            "step",
            "loss",
            {
                "K-FAC" if factored else "descent": theirs,
                "well scaled": ours,
                "gradient descent": plain,
            },
        ),
    )
