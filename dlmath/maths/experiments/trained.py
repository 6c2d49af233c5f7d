"""Networks that are trained: how near they come by their width, and what their layers hold."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.datasets import ball_and_annulus
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of, smallest_of
from dlmath.maths.network import (
    Layer,
    Network,
    activations,
    backward,
    forward,
    initialised,
    stepped,
    towards,
)
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.objectives import Objective
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves
from dlmath.maths.second_order import Lbfgs

RADII = (1.0, 1.2, 2.0)


def least_error(x: np.ndarray, y: np.ndarray, start: Network, steps: int) -> float:
    """Return the root of the least mean square that L-BFGS finds, all weights trained."""

    def gradient(vector: np.ndarray) -> np.ndarray:
        layers = unpacked(vector, start)
        return packed_gradient(backward(layers, x, lambda output: (output - y) / len(x))[0])

    def value(vector: np.ndarray) -> float:
        return 0.5 * float(np.mean((forward(unpacked(vector, start), x) - y) ** 2))

    trace = minimise(Objective(value, gradient), packed(start), Lbfgs(), steps, tolerance=1e-7)
    return float(np.sqrt(2 * trace.values.min()))


@experiment(
    title="Trained networks come near by their width",
    statement=(
        "Networks with one hidden layer of 1, 3 and 9 units, all weights trained, come nearer "
        "and nearer to sin(2 pi x) + x / 2, be the units sigmoids, tanh or ReLUs. With x^2 for "
        "the activation nine units are just as good as the best parabola."
    ),
    sources=(
        Source("murari", 378, "not a polynomial"),
        Source("tsemo", 398, "be a continuous function satisfying"),
    ),
    about=("least_error",),
    reference="Leshno et al., Feedforward networks with a nonpolynomial activation, 1993",
    sabotage=Sabotage("the activations are polynomials", {"family": "polynomial"}),
)
def trained_networks_come_near(*, family: str = "usual", steps: int = 60, seed: int = 0) -> Outcome:
    """`family` is usual or polynomial; each network is trained from two starts."""
    names = choose(
        "family", family, {"usual": ("sigmoid", "tanh", "relu"), "polynomial": ("linear", "square")}
    )
    x = np.linspace(0, 1, 60)[:, np.newaxis]
    y = np.sin(2 * np.pi * x) + x / 2
    widths = np.array([1, 3, 9])
    errors: dict[str, list[float]] = {}
    for name in names:
        errors[name] = []
        for width in widths:
            starts = [_start(int(width), name, seed, turn) for turn in range(2)]
            errors[name].append(smallest_of(least_error(x, y, start, steps) for start in starts))
    start = _start(9, "square", seed, 0)
    squares = least_error(x, y, start, steps)
    parabola = np.polynomial.Polynomial.fit(x[:, 0], y[:, 0], 2)(x[:, 0])
    floor = float(np.sqrt(np.mean((parabola - y[:, 0]) ** 2)))
    return Outcome(
        (
            *(
                at_most(f"{name}: error of 9 units over the parabola's", found[-1] / floor, 0.1)
                for name, found in errors.items()
            ),
            *(
                at_most(
                    f"{name}: error over that of a third of the units, largest",
                    largest_of(found[1] / found[0], found[2] / found[1]),
                    1,  # a network of the third of the units is one of these
                )
                for name, found in errors.items()
            ),
            at_least("9 units x^2: error over the parabola's", squares / floor, 1 - 1e-9),
            at_most("the same, the other way", squares / floor, 1.001),
        ),
        curves(
            "Error of trained networks",
            "log10 of width",
            "root mean square",
            {name: (np.log10(widths), found) for name, found in errors.items()},
            log=True,
        ),
    )


def _start(width: int, activation: str, seed: int, turn: int) -> Network:
    """Return steep units whose bends lie in [0, 1], and outer weights near 0."""
    rng = seeds.generator("trained", activation, width, seed, turn)
    slopes = 8 * rng.choice([-1.0, 1.0], width)
    bends = -slopes * rng.random(width)
    outer = 0.1 * rng.normal(size=(width, 1))
    return (Layer(slopes[np.newaxis], bends, ACTIVATIONS[activation]), Layer(outer, np.zeros(1)))


@experiment(
    title="A trained layer can be compressed",
    statement=(
        "Replace a trained layer's matrix by the first r terms of its singular value "
        "decomposition: it moves what a row of length 1 becomes by at most s_(r+1), and by that "
        "for one row; so the logits move by at most the product of the later layers' norms times "
        "s_(r+1) times the length of what the layer sees. For a disc in a ring a quarter of the "
        "rank, half of the numbers, keeps the accuracy on new points."
    ),
    sources=(
        Source("foundations", 27, "Weight matrix analysis and compression"),
        Source("foundations", 133, "Analyzing network behavior through spectral"),
    ),
    about=("compute.near", "compute.bounds"),
    reference="Denton et al., Exploiting linear structure within networks, arXiv:1404.0736",
    sabotage=Sabotage("the last terms are kept", {"keep": "last"}),
)
def trained_layer_is_compressed(
    *, keep: str = "first", width: int = 32, steps: int = 300, seed: int = 0
) -> Outcome:
    """`keep` is first or last; the network has two hidden layers of `width` tanh units."""
    first = choose("keep", keep, {"first": True, "last": False})
    rows, labels = ball_and_annulus(100, seed, RADII, "training")
    new, truth = ball_and_annulus(500, seed, RADII, "new")
    network = initialised((2, width, width, 2), "tanh", "compressed", seed, gain=1.0)
    for _ in range(steps):
        network = stepped(network, backward(network, rows, towards(np.eye(2)[labels]))[0], 0.5)
    bottom, middle, top = network
    u, s, v = np.linalg.svd(middle.weights)
    seen = np.linalg.norm(activations(network, new)[1], axis=1)
    ranks = np.arange(1, width)
    plain = forward(network, new)
    margins = np.abs(np.diff(plain, axis=1)).squeeze(axis=1)
    moves, bounds, shares, off, turned = [], [], [], [], []
    for rank in ranks:
        kept = slice(0, rank) if first else slice(width - rank, width)
        near = (u[:, kept] * s[kept]) @ v[kept]
        off.append(abs(np.linalg.norm(u[:, rank] @ (middle.weights - near)) / s[rank] - 1))
        logits = forward((bottom, Layer(near, middle.bias, middle.activation), top), new)
        moved = np.linalg.norm(logits - plain, axis=1)
        moves.append(moved.max())
        # The two logits approach each other by sqrt(2) times the move at most.
        crossed = logits.argmax(axis=1) != plain.argmax(axis=1)
        turned.append((crossed & (margins > np.sqrt(2) * moved)).sum())
        bounds.append(np.linalg.norm(top.weights, 2) * s[rank] * seen.max())
        shares.append(np.mean(logits.argmax(axis=1) == truth))
    whole = np.mean(plain.argmax(axis=1) == truth)
    return Outcome(
        (
            at_least("accuracy of the whole network", whole, 0.97),
            at_most("largest move of the logits over its bound", np.divide(moves, bounds), 1),
            at_most(
                "move of the row of the next singular vector over s_(r+1), away from 1",
                off,
                1e-9,
            ),
            at_most("answers that turn although their margin is above sqrt(2) moves", turned, 0),
            at_least("accuracy at a quarter of the rank", shares[width // 4 - 1], 0.9),
        ),
        curves(
            "Move of the logits, and its bound",
            "rank",
            "move",
            {"largest move": (ranks, moves), "bound": (ranks, bounds)},
            log=True,
        ),
    )
