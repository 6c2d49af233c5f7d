"""The loss landscape: no convexity, saddles, over-parameterised descent, conditioning."""

from itertools import product

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
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
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="The loss of tanh(ax) is not convex",
    statement=(
        "L(a) = tanh(a)^2 / 2 lies above its chord somewhere, and its second derivative (1 - "
        "t^2)(1 - 3 t^2), t = tanh a, is negative for t^2 > 1/3; far out lies a plateau, where "
        "the loss is near its largest and its slope near 0. With the identity in place of tanh "
        "the loss is convex, and the slope grows."
    ),
    sources=(
        Source("murari", 262, "generally not convex"),
        Source("murari", 269, r"\frac{1}{2} \tanh(a)^2"),
        Source("foundations", 57, "Convex for linear models"),
        Source("foundations", 62, "Convex for linear models"),
        Source("foundations", 145, "Plateau Regions"),
    ),
    about=("compute.loss", "compute.chord", "compute.bend"),
    reference="Boyd and Vandenberghe, Convex optimization, 2004, section 3.1",
    sabotage=Sabotage("the network is linear", {"activation": "linear"}),
)
def tanh_loss_is_not_convex(*, activation: str = "tanh") -> Outcome:
    """`activation` is that of the one unit."""
    act = choose("activation", activation, ACTIVATIONS).value
    a = np.linspace(-3, 3, 1201)
    loss = act(a) ** 2 / 2
    chord = (loss[:-400] + loss[400:]) / 2  # of points 2 apart
    bend = np.diff(loss, 2) / (a[1] - a[0]) ** 2
    t = np.tanh(a[1:-1])
    formula = (1 - t**2) * (1 - 3 * t**2)
    return Outcome(
        (
            at_least(
                "most that the loss rises above a chord", (loss[200:-200] - chord).max(), 1e-3
            ),
            at_most("least second derivative", bend.min(), -0.1),
            at_most("slope at a = 3", abs(loss[-1] - loss[-2]) / (a[1] - a[0]), 0.02),
            at_most("largest error of (1 - t^2)(1 - 3 t^2)", np.abs(bend - formula).max(), 1e-3),
        ),
        curves(
            "Loss and its second derivative",
            "a",
            "value",
            {"loss": (a, loss), "second derivative": (a[1:-1], bend)},
        ),
    )


@experiment(
    title="Saddles outnumber minima, more so in more dimensions",
    statement=(
        "The sum of d double wells (x_i^2 - 1)^2 has 3^d critical points, of which 2^d are "
        "minima, one is a maximum and all others are saddles: their number over that of the "
        "minima grows like (3/2)^d. In one dimension there is no saddle."
    ),
    sources=(
        Source("foundations", 69, "Saddle Points"),
        Source("foundations", 145, "Saddle Points"),
    ),
    about=("compute.gradients", "compute.eigenvalues", "compute.minima"),
    reference="Dauphin et al., Identifying and attacking the saddle point problem, arXiv:1406.2572",
    sabotage=Sabotage("there is one dimension", {"highest": 1}),
)
def saddles_outnumber_minima(*, highest: int = 6) -> Outcome:
    """Dimensions run from 1 to `highest`; critical points are told apart by their Hessians."""
    kinds = []
    for dimension in range(1, highest + 1):
        points = np.array(list(product([-1.0, 0.0, 1.0], repeat=dimension)))
        gradients = 4 * points * (points**2 - 1)
        if np.abs(gradients).max() > 0:
            raise ArithmeticError("a point is not critical")
        eigenvalues = 12 * points**2 - 4  # of the diagonal Hessian
        minima = int((eigenvalues > 0).all(axis=1).sum())
        maxima = int((eigenvalues < 0).all(axis=1).sum())
        kinds.append((minima, len(points) - minima - maxima))
    dimensions = np.arange(1, highest + 1)
    minima, saddles = np.array(kinds).T
    ratio = saddles / minima
    return Outcome(
        (
            at_least("saddles over minima in the highest dimension", ratio[-1], 5),
            at_most(
                "away from (3^d - 2^d - 1) / 2^d",
                np.abs(ratio - (3.0**dimensions - 2.0**dimensions - 1) / 2.0**dimensions).max(),
                1e-12,
            ),
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


@experiment(
    title="Over-parameterised gradient descent reaches zero loss",
    statement=(
        "A wide network with one hidden layer, trained by plain gradient descent from random "
        "weights, fits any labels of a few different points: the loss falls to 0 geometrically, "
        "though it is not convex. A network of one unit does not."
    ),
    sources=(
        Source("murari", 280, "Over-Parameterization"),
        Source("murari", 281, "Finds Global Minima"),
        Source("foundations", 187, "Why do overparameterized networks generalize well?"),
    ),
    about=("backward", "stepped"),
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
    losses = []
    for _ in range(steps):
        losses.append(float(np.mean((forward(network, rows) - targets) ** 2)) / 2)
        network = stepped(
            network, backward(network, rows, lambda a: (a - targets) / points)[0], rate
        )
    return Outcome(
        (
            at_most("last loss over the first", losses[-1] / losses[0], 1e-3),
            at_most("largest rise of the loss in a step", np.diff(losses).max(), 1e-9),
        ),
        sequences("Loss", "step", "loss", {f"width {width}": losses}, log=True),
    )


@experiment(
    title="Standard scaling improves the condition number",
    statement=(
        "The Hessian of least squares is the correlation matrix of the features. With features "
        "in units that differ by a factor of 30 its condition number is near 900, and gradient "
        "descent at its best rate needs steps in proportion; after standard scaling both are "
        "small."
    ),
    sources=(
        Source("foundations", 35, "How different parameter magnitudes affect training"),
        Source("foundations", 69, "Condition Numbers"),
        Source("tsemo", 206, "normalizing the dataset may increase performance"),
    ),
    about=("compute.scaled", "compute.hessian", "compute.error"),
    reference="LeCun et al., Efficient backprop, 1998, section 4.3",
    sabotage=Sabotage("the features are in the same units", {"units": 1.0}),
)
def scaling_and_conditioning(*, units: float = 30.0, rows: int = 400, seed: int = 0) -> Outcome:
    """`units` multiplies the second feature."""
    rng = seeds.generator("conditioning", seed)
    raw = rng.normal(size=(rows, 2)) * [1.0, units]
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    counts, kappas, lines = {}, {}, {}
    for name, features in {"raw": raw, "scaled": scaled}.items():
        hessian = features.T @ features / rows
        low, high = np.linalg.eigvalsh(hessian)
        kappas[name] = high / low
        error = np.ones(2)
        errors: list[float] = []
        while np.linalg.norm(error) > 1e-6 and len(errors) < 50_000:
            errors.append(float(np.linalg.norm(error)))
            error = error - 2 / (low + high) * hessian @ error
        counts[name] = len(errors)
        lines[name] = (np.arange(len(errors))[:2000], errors[:2000])
    return Outcome(
        (
            at_least("condition number of the raw features", kappas["raw"], 100),
            at_most("condition number after scaling", kappas["scaled"], 2),
            at_least("steps before over steps after", counts["raw"] / counts["scaled"], 20),
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
    about=("compute.scaled", "compute.gradient", "compute.times", "lanczos", "packed", "unpacked"),
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
            at_most("largest change of the output on new points", max(changes), 1e-9),
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
