"""The loss landscape: no convexity, saddles, over-parameterised descent, conditioning."""

from itertools import product

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.differences import central, derivative_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.krylov import lanczos
from dlmath.maths.network import (
    Layer,
    Network,
    activations,
    backward,
    forward,
    initialised,
    stepped,
)
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.objectives import Objective, least_squares
from dlmath.maths.optimisers import GradientDescent, minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import standard_scale
from dlmath.maths.plots import curves, sequences
from dlmath.maths.second_order import hessian_of


@experiment(
    title="The loss of tanh(ax) is not convex",
    statement=(
        "L(a) = tanh(a)^2 / 2 lies above its chord somewhere. Its slope is t (1 - t^2) and its "
        "second derivative (1 - t^2)(1 - 3 t^2), t = tanh a: negative exactly for t^2 > 1/3, and "
        "-1/3 at the least, where t^2 = 2/3. Far out lies a plateau, where the slope falls like 4 "
        "exp(-2 a). With the identity in place of tanh the loss is convex, and the slope grows."
    ),
    sources=(
        Source("murari", 262, "generally not convex"),
        Source("murari", 269, r"\frac{1}{2} \tanh(a)^2"),
        Source("foundations", 57, "Convex for linear models"),
        Source("foundations", 62, "Convex for linear models"),
        Source("foundations", 145, "Plateau Regions"),
    ),
    about=("activations.tanh_slope", "compute.loss", "compute.chord", "compute.bend"),
    reference="Boyd and Vandenberghe, Convex optimization, 2004, section 3.1",
    sabotage=Sabotage("the network is linear", {"activation": "linear"}),
)
def tanh_loss_is_not_convex(*, activation: str = "tanh") -> Outcome:
    """`activation` is that of the one unit."""
    act = choose("activation", activation, ACTIVATIONS)
    a = np.linspace(-3, 3, 1201)
    loss = act.value(a) ** 2 / 2
    chord = (loss[:-400] + loss[400:]) / 2  # of points 2 apart
    middles = a[200:-200]
    chords = (np.tanh(middles - 1) ** 2 + np.tanh(middles + 1) ** 2) / 4
    bend = np.diff(loss, 2) / (a[1] - a[0]) ** 2
    t = np.tanh(a[1:-1])
    formula = (1 - t**2) * (1 - 3 * t**2)
    slope = act.value(a) * act.slope(a)
    clear = np.abs(formula) > 1e-3
    return Outcome(
        (
            at_least(
                "most that the loss rises above a chord", (loss[200:-200] - chord).max(), 1e-3
            ),
            at_most("chords away from those of tanh^2 / 2", np.abs(chord - chords).max(), 1e-12),
            at_most("least second derivative, away from -1/3", abs(bend.min() + 1 / 3), 1e-3),
            at_most(
                "points where its sign is not that of 1 - 3 t^2",
                np.sum((bend < 0) != (t**2 > 1 / 3), where=clear),
                0,
            ),
            at_most(
                "slope at a = 3 over 4 exp(-6), away from 1",
                abs(slope[-1] / (4 * np.exp(-6)) - 1),
                0.02,
            ),
            at_most(
                "f f' away from differences of the loss",
                np.abs(slope[1:-1] - (loss[2:] - loss[:-2]) / (a[2] - a[0])).max(),
                1e-4,
            ),
            at_most("largest error of (1 - t^2)(1 - 3 t^2)", np.abs(bend - formula).max(), 1e-3),
        ),
        curves(
            "Loss and its second derivative",
            "a",
            "value",
            {"loss": (a, loss), "second derivative": (a[1:-1], bend)},
        ),
    )


def double_wells() -> Objective:
    """Return sum_i (x_i^2 - 1)^2, with its minima where every entry is 1 or -1."""
    return Objective(
        value=lambda x: float(np.sum((x**2 - 1) ** 2)),
        gradient=lambda x: 4 * x * (x**2 - 1),
        hessian=lambda x: np.diag(12 * x**2 - 4),
    )


@experiment(
    title="Saddles outnumber minima, more so in more dimensions",
    statement=(
        "The sum of d double wells (x_i^2 - 1)^2 has 3^d critical points, of which 2^d are "
        "minima, one is a maximum and all others are saddles: their number over that of the "
        "minima grows like (3/2)^d. In one dimension there is no saddle, in two there are as many, "
        "from three on there are more. From next to a saddle gradient descent leaves it."
    ),
    sources=(
        Source("foundations", 69, "Saddle Points"),
        Source("foundations", 145, "Saddle Points"),
    ),
    about=("double_wells", "kinds"),
    reference="Dauphin et al., Identifying and attacking the saddle point problem, arXiv:1406.2572",
    sabotage=Sabotage("there are two dimensions", {"highest": 2}),
)
def saddles_outnumber_minima(*, highest: int = 6) -> Outcome:
    """Dimensions run from 1 to `highest`; critical points are told apart by their Hessians."""
    wells = double_wells()
    roots = np.roots(np.polyder(np.array([1.0, 0.0, -2.0, 0.0, 1.0]))).real  # of one well
    counts, gaps, steep, ends = [], [], [], []
    for dimension in range(1, highest + 1):
        points = np.array(list(product(roots, repeat=dimension)))
        counts.append(kinds(wells, points))
        few = points[:: max(len(points) // 27, 1)]
        steep.append(largest_of(np.abs(wells.gradient(x)).max() for x in points))
        gaps.append(
            largest_of(np.abs(wells.gradient(x) - central(wells.value, x)).max() for x in few + 0.1)
        )
        gaps.append(
            largest_of(np.abs(hessian_of(wells)(x) - central(wells.gradient, x)).max() for x in few)
        )
        # Next to a point with an entry near 0, GradientDescent goes to +-1 in that entry.
        for x in few:
            end = minimise(wells, x + 1e-3, GradientDescent(0.1), 100).points[-1]
            ends.append(np.abs(end - np.where(np.abs(x) < 0.5, 1.0, x)).max())
    dimensions = np.arange(1, highest + 1)
    minima, saddles, maxima = np.array(counts).T
    expected = 3.0**dimensions - 2.0**dimensions - 1
    return Outcome(
        (
            at_least("saddles less minima in the highest dimension", saddles[-1] - minima[-1], 1),
            at_most("minima away from 2^d", np.abs(minima - 2.0**dimensions).max(), 0),
            at_most("saddles away from 3^d - 2^d - 1", np.abs(saddles - expected).max(), 0),
            at_most("maxima away from 1", np.abs(maxima - 1).max(), 0),
            at_most("largest slope at a critical point", steep, 1e-12),
            at_most("gradients and Hessians away from differences", gaps, 1e-6),
            at_most("where gradient descent ends, away from the nearest minimum", ends, 1e-9),
        ),
        curves(
            "Critical points of d double wells",
            "d",
            "number",
            {
                "saddles": (dimensions, np.where(saddles > 0, saddles, np.nan)),
                "minima": (dimensions, minima),
            },
            log=True,
        ),
    )


def kinds(objective: Objective, points: np.ndarray) -> tuple[int, int, int]:
    """Return how many of the critical points (N, d) are minima, saddles, and maxima."""
    eigenvalues = np.linalg.eigvalsh([hessian_of(objective)(x) for x in points])
    minima = int((eigenvalues > 0).all(axis=1).sum())
    maxima = int((eigenvalues < 0).all(axis=1).sum())
    return minima, len(points) - minima - maxima, maxima


@experiment(
    title="Over-parameterised gradient descent reaches zero loss",
    statement=(
        "A wide network with one hidden layer, trained by plain gradient descent from random "
        "weights, fits any labels of a few different points, if the tangent kernel of the start is "
        "positive definite: with l its least eigenvalue over the number of points, and rate r, the "
        "loss falls at least like (1 - r l / 2)^k, though it is not convex. In the end its factors "
        "lie between (1 - r l)^2 of the largest and of the least eigenvalue there. One unit's "
        "kernel has an eigenvalue of 0."
    ),
    sources=(
        Source("murari", 280, "Over-Parameterization"),
        Source("murari", 281, "Finds Global Minima"),
        Source("foundations", 187, "Why do overparameterized networks generalize well?"),
    ),
    about=("backward", "stepped", "kernel_ends"),
    reference="Du et al., Gradient descent provably optimizes networks, arXiv:1810.02054",
    sabotage=Sabotage("there is one hidden unit", {"width": 1}),
)
def overparameterised_descent(
    *, width: int = 200, points: int = 8, steps: int = 2000, rate: float = 0.02, seed: int = 0
) -> Outcome:
    """`rate` is that of gradient descent on the mean squared loss; labels are random."""
    rng = seeds.generator("over-parameterised", seed)
    rows = rng.normal(size=(points, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    targets = rng.permutation(np.resize([-1.0, 1.0], points))[:, np.newaxis]
    network = initialised((5, width, 1), "relu", seed)
    least, largest = kernel_ends(network, rows)
    at, moves = packed(network) + 0.01, rng.normal(size=(3, len(packed(network))))
    shifted = unpacked(at, network)  # with biases that are not 0
    gradient = packed_gradient(backward(shifted, rows, lambda a: (a - targets) / points)[0])

    def along(step: float, move: np.ndarray) -> float:
        outputs = forward(unpacked(at + step * move, network), rows)
        return float(np.mean((outputs - targets) ** 2)) / 2

    quotients = np.array([(along(1e-6, move) - along(-1e-6, move)) / 2e-6 for move in moves])
    losses = []
    for _ in range(steps):
        losses.append(float(np.mean((forward(network, rows) - targets) ** 2)) / 2)
        network = stepped(
            network, backward(network, rows, lambda a: (a - targets) / points)[0], rate
        )
    # What is smaller is lost in the rounding of the outputs.
    seen = np.array([loss for loss in losses if loss > 1e-18 * losses[0]])
    bound = losses[0] * (1 - rate * least / points / 2) ** np.arange(len(seen))
    factors = seen[-20:][1:] / seen[-20:][:-1]
    ends = [(1 - rate * end / points) ** 2 for end in kernel_ends(network, rows)]
    return Outcome(
        (
            at_least("least eigenvalue of the kernel over the largest", least / largest, 1e-6),
            at_most("loss over (1 - r l / 2)^k times the first", (seen / bound).max(), 1 + 1e-9),
            at_most("last loss over the first", losses[-1] / losses[0], 1e-2),
            at_most("largest rise of the loss in a step", np.diff(seen).max(), 0),
            at_most(
                "gradient away from differences of the loss, relative",
                np.abs(moves @ gradient - quotients).max() / np.linalg.norm(gradient),
                1e-5,
            ),
            at_most(
                "factor of the loss in the end, over that of the least l",
                factors.max() / ends[0],
                1 + 1e-3,
            ),
            at_least(
                "factor of the loss in the end, over that of the largest l",
                factors.min() / ends[1],
                1 - 1e-3,
            ),
        ),
        sequences("Loss", "step", "loss", {f"width {width}": losses}, log=True),
    )


def kernel_ends(network: Network, rows: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest eigenvalue of the tangent kernel J J^T of rows (N, d).

    A row of J is the gradient of the output for one row, by all weights and biases.
    """
    jacobian = np.array(
        [packed_gradient(backward(network, row[np.newaxis], np.ones_like)[0]) for row in rows]
    )
    eigenvalues = np.linalg.eigvalsh(jacobian @ jacobian.T)
    return float(eigenvalues.min()), float(eigenvalues.max())


@experiment(
    title="Standard scaling improves the condition number",
    statement=(
        "The Hessian of least squares is the correlation matrix of the features. With two features "
        "in units that differ by a factor u its condition number is near u^2; after standard "
        "scaling it is (1 + |c|)/(1 - |c|), c being their correlation. Gradient descent at its "
        "best rate needs log(accuracy) / log((kappa - 1)/(kappa + 1)) steps at condition kappa."
    ),
    sources=(
        Source("foundations", 35, "How different parameter magnitudes affect training"),
        Source("foundations", 69, "Condition Numbers"),
        Source("tsemo", 206, "normalizing the dataset may increase performance"),
    ),
    about=("least_squares", "GradientDescent.step"),
    reference="LeCun et al., Efficient backprop, 1998, section 4.3",
    sabotage=Sabotage("the features are in the same units", {"units": 1.0}),
)
def scaling_and_conditioning(*, units: float = 30.0, rows: int = 400, seed: int = 0) -> Outcome:
    """`units` multiplies the second feature."""
    rng = seeds.generator("conditioning", seed)
    raw = rng.normal(size=(rows, 2)) * [1.0, units]
    counts, predicted, kappas, lines = [], [], [], {}
    for name, features in {"raw": raw, "scaled": standard_scale(raw)}.items():
        low, high = np.linalg.eigvalsh(features.T @ features / rows)
        kappas.append(high / low)
        loss = least_squares(features, features @ np.ones(2))  # 0 at (1, 1)
        q = (high - low) / (high + low)
        # Both parts of the error are multiplied by q or -q at every step, so its length is.
        predicted.append(np.ceil(np.log(1e-6) / np.log(q)))
        way = GradientDescent(2 / (low + high))
        path = minimise(loss, np.zeros(2), way, int(predicted[-1]) + 10).points
        errors = np.linalg.norm(path - 1, axis=1)
        counts.append(np.sum(errors > 1e-6 * errors[0]))
        lines[name] = (np.arange(len(errors))[:2000], errors[:2000])
    correlation = abs(np.asarray(np.corrcoef(raw.T))[0, 1])
    return Outcome(
        (
            # Sample variances of 400 normal rows: within a factor 2 beyond any doubt.
            at_least("condition number of the raw features over u^2", kappas[0] / units**2, 0.5),
            at_most("the same", kappas[0] / units**2, 2),
            at_most(
                "condition number after scaling away from (1 + |c|)/(1 - |c|)",
                abs(kappas[1] - (1 + correlation) / (1 - correlation)),
                1e-9,
            ),
            at_most("steps away from the formula", np.abs(np.subtract(counts, predicted)).max(), 1),
            at_most(
                "least squares: derivatives away from differences",
                derivative_error(loss, np.array([0.2, -0.5])),
                1e-7,
            ),
            at_most(
                "least squares at 0 away from half of the targets' mean square",
                abs(loss.value(np.zeros(2)) - np.mean(features.sum(axis=1) ** 2) / 2),
                1e-12,
            ),
            at_least("steps before over steps after", counts[0] / counts[1], 2),
        ),
        curves("Error of gradient descent", "step", "error", lines, log=True),
    )


@experiment(
    title="Sharpness is not a property of the function",
    statement=(
        "ReLU(c z) = c ReLU(z) for c > 0: multiplying a layer by c and dividing the next by it "
        "leaves the function as it is, on all points, seen and unseen. But the largest "
        "eigenvalue of the Hessian of the squared loss is then at least c^2 times that of A^T A "
        "/ N, A being what the next layer sees: the same function lies in a flat minimum and in "
        "minima as sharp as one likes, so sharpness by itself cannot tell what generalises."
    ),
    sources=(Source("foundations", 145, "Sharp vs. Flat Minima"),),
    about=("compute.scaled", "compute.gradient", "compute.times", "packed", "unpacked"),
    reference="Dinh et al., Sharp minima can generalize for deep nets, arXiv:1703.04933, theorem 4",
    sabotage=Sabotage("the activation is not homogeneous", {"activation": "tanh"}),
)
def sharpness_is_not_of_the_function(
    *, activation: str = "relu", largest: float = 30.0, steps: int = 400, seed: int = 0
) -> Outcome:
    """`largest` is the largest c; the network has 8 units, and is trained on 30 points."""
    rng = seeds.generator("sharpness", seed)
    x, new = rng.normal(size=(30, 3)), rng.normal(size=(200, 3))
    y = np.sin(x[:, :1])
    network = initialised((3, 8, 1), activation, "sharpness", seed)
    for _ in range(steps):
        network = stepped(network, backward(network, x, lambda output: (output - y) / 30)[0], 0.1)
    first, last = network
    seen = activations(network, x)[1]
    floor = np.linalg.eigvalsh(seen.T @ seen / 30)[-1]
    factors = np.geomspace(1, largest, 8)
    changes, sharpness = [], []
    for c in factors:
        scaled = (
            Layer(c * first.weights, c * first.bias, first.activation),
            Layer(last.weights / c, last.bias, last.activation),
        )
        changes.append(np.abs(forward(scaled, new) - forward(network, new)).max())
        at = packed(scaled)

        def gradient(vector: np.ndarray, like: Network = scaled) -> np.ndarray:
            layers = unpacked(vector, like)
            return packed_gradient(backward(layers, x, lambda output: (output - y) / 30)[0])

        def times(direction: np.ndarray, at: np.ndarray = at) -> np.ndarray:
            step = 1e-6
            return (gradient(at + step * direction) - gradient(at - step * direction)) / (2 * step)

        sharpness.append(lanczos(times, rng.normal(size=len(at)), 25)[-1])
    ratio = np.array(sharpness) / (factors**2 * floor)
    return Outcome(
        (
            at_most("largest change of the output on new points", changes, 1e-9),
            at_least("least eigenvalue over c^2 times that of A^T A / N", ratio.min(), 1 - 1e-4),
            at_least("sharpness at the largest c over that at 1", sharpness[-1] / sharpness[0], 50),
        ),
        curves(
            "Largest eigenvalue of the Hessian",
            "log10 of c",
            "eigenvalue",
            {
                "Hessian": (np.log10(factors), sharpness),
                "c^2 of A^T A / N": (np.log10(factors), factors**2 * floor),
            },
            log=True,
        ),
    )
