"""Structure built into a network: Lipschitz, monotone and convex layers, depth; and two losses."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import Layer, Network, forward, initialised
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="Spectral norms bound how fast a network can change",
    statement=(
        "With an activation of slope at most 1, a network's Lipschitz constant is at most the "
        "product of the spectral norms of its weights. Dividing each matrix by its norm makes "
        "it at most 1."
    ),
    sources=(
        Source("murari", 345, "spectral/weight norm constraints"),
        Source("murari", 170, "Lipschitz continuous"),
        Source("foundations", 69, "Lipschitz Constants"),
    ),
    about=("compute.scaled", "compute.slopes"),
    reference="Miyato et al., Spectral normalization, arXiv:1802.05957, equation 7",
    sabotage=Sabotage("the matrices are not divided by their norms", {"normalised": False}),
)
def spectral_norms_bound_the_slope(
    *, normalised: bool = True, depth: int = 5, pairs: int = 3000, seed: int = 0
) -> Outcome:
    """`normalised` divides each matrix by its spectral norm; slopes are over pairs of points."""
    rng = seeds.generator("slopes", seed)
    network = tuple(
        Layer(one.weights, rng.normal(size=one.bias.shape), one.activation)
        for one in initialised((6, *[24] * (depth - 1), 6), "relu", seed)
    )
    scaled = tuple(
        Layer(
            one.weights / (np.linalg.norm(one.weights, 2) if normalised else 1),
            one.bias,
            one.activation,
        )
        for one in network
    )
    x = rng.normal(size=(pairs, 6))
    y = x + rng.normal(size=(pairs, 6)) * 10.0 ** rng.uniform(-4, 0.5, (pairs, 1))

    def slopes(layers: Network) -> np.ndarray:
        change = np.linalg.norm(forward(layers, x) - forward(layers, y), axis=1)
        return change / np.linalg.norm(x - y, axis=1)

    product = float(np.prod([np.linalg.norm(one.weights, 2) for one in network]))
    found, before = np.sort(slopes(scaled)), np.sort(slopes(network))
    return Outcome(
        (
            at_most("largest slope", found[-1], 1 + 1e-9),
            at_most(
                "largest slope before, over the product of norms", before[-1] / product, 1 + 1e-9
            ),
        ),
        sequences(
            "Slopes between pairs of points, sorted",
            "pair",
            "slope",
            {
                "normalised" if normalised else "as they are": found,
                "before": before,
            },
            log=True,
        ),
    )


@experiment(
    title="Monotone and convex networks, by the signs of their weights",
    statement=(
        "With non-negative weights and non-decreasing activations a network is non-decreasing "
        "in every input; if the activations are also convex, as ReLU is, it is convex, and the "
        "weights of the first layer may have any sign for that. It stays so outside of the "
        "training data."
    ),
    sources=(Source("murari", 351, "Monotone/Convex layers"),),
    about=("compute.network", "compute.free_first", "compute.rises", "compute.bends"),
    reference="Amos, Xu and Kolter, Input convex neural networks, arXiv:1609.07152, proposition 1",
    sabotage=Sabotage("the weights have any sign", {"signs": "any"}),
)
def monotone_layers(*, signs: str = "positive", points: int = 2000, seed: int = 0) -> Outcome:
    """`signs` is positive or any."""
    positive = choose("signs", signs, {"positive": True, "any": False})
    network = tuple(
        Layer(np.abs(one.weights) if positive else one.weights, one.bias, one.activation)
        for one in initialised((3, 16, 16, 1), "relu", seed)
    )
    free_first = (initialised((3, 16, 1), "relu", seed, "first")[0], *network[1:])
    rng = seeds.generator("monotone", seed)
    x, y = rng.normal(size=(2, points, 3)) * 5
    rises = forward(network, x + np.abs(y)) - forward(network, x)
    bends = (forward(free_first, x) + forward(free_first, y)) / 2 - forward(free_first, (x + y) / 2)
    line = np.linspace(-10, 10, 200)[:, np.newaxis] * np.ones(3)
    return Outcome(
        (
            at_least("least rise where all inputs rise", rises.min(), -1e-9),
            at_least(
                "least height of a chord above the middle, first layer of any sign",
                bends.min(),
                -1e-9,
            ),
        ),
        curves(
            "Along the diagonal",
            "input",
            "output",
            {"network": (line[:, 0], forward(network, line)[:, 0])},
        ),
    )


def tent(x: np.ndarray, depth: int) -> np.ndarray:
    """Return the tent map, 2 R(x) - 4 R(x - 1/2), applied `depth` times to points of [0, 1]."""
    for _ in range(depth):
        x = 2 * relu(x) - 4 * relu(x - 0.5)
    return x


def pieces(values: np.ndarray) -> int:
    """Return the number of affine pieces of a function on an equidistant dyadic grid."""
    return int(np.sum(np.abs(np.diff(values, 2)) > 1e-9)) + 1


@experiment(
    title="Depth makes exponentially many pieces, width one a unit",
    statement=(
        "The tent map composed k times, a ReLU network of k layers of two units, has 2^k affine "
        "pieces. One hidden layer of n units has at most n + 1, so it needs 2^k - 1 units for "
        "that."
    ),
    sources=(
        Source("foundations", 177, "Depth vs. Width"),
        Source("foundations", 187, "What functions can different architectures represent?"),
    ),
    about=("tent", "pieces"),
    reference="Telgarsky, Benefits of depth in neural networks, arXiv:1602.04485",
    sabotage=Sabotage("the same units stand in one layer", {"deep": False}),
)
def depth_against_width(*, deep: bool = True, deepest: int = 9, seed: int = 0) -> Outcome:
    """`deep` stacks the units, two a layer; otherwise all stand side by side."""
    grid = np.arange(2**12 + 1) / 2**12
    rng = seeds.generator("pieces", seed)
    depths = np.arange(1, deepest + 1)
    found, shallow = [], []
    for depth in depths:
        # Kinks on the grid, so that each is seen once.
        kinks = rng.choice(grid[1:-1], 2 * int(depth), replace=False)
        flat = relu(grid[:, np.newaxis] - kinks) @ rng.normal(size=len(kinks))
        shallow.append(pieces(flat))
        found.append(pieces(tent(grid, int(depth))) if deep else shallow[-1])
    return Outcome(
        (
            at_most(
                "largest difference of the pieces to 2^k", np.abs(found - 2.0**depths).max(), 0
            ),
            at_most(
                "pieces of one layer of n units, less n + 1", (shallow - 2 * depths - 1).max(), 0
            ),
        ),
        curves(
            "Affine pieces of 2 k units",
            "k",
            "pieces",
            {
                "as run": (depths, found),
                "one layer": (depths, shallow),
                "2^k": (depths, 2.0**depths),
            },
            log=True,
        ),
    )


@experiment(
    title="The squared loss is sensitive to outliers",
    statement=(
        "The constant of least squared loss is the mean, which a single target drags as far as "
        "one likes; that of least absolute loss is the median, which it moves by a bounded "
        "amount."
    ),
    sources=(Source("foundations", 58, "Sensitive to outliers"),),
    about=("compute.best",),
    reference="Huber, Robust statistics, 1981, section 1.2",
    sabotage=Sabotage("the loss is the absolute value", {"power": 1.0}),
)
def squared_loss_and_outliers(*, power: float = 2.0, rows: int = 51, seed: int = 0) -> Outcome:
    """`power` of the absolute error is the loss."""
    y = np.sort(seeds.generator("outliers", seed).normal(size=rows))
    far = np.array([1e1, 1e2, 1e3, 1e4])
    grid = np.concatenate([y, np.linspace(-3, 3, 601), far / rows + y[:-1].sum() / rows])

    def best(outlier: float) -> float:
        targets = np.append(y[:-1], outlier)
        losses = np.mean(np.abs(grid[:, np.newaxis] - targets) ** power, axis=1)
        return float(grid[losses.argmin()])

    moved = np.array([best(place) for place in far])
    median = np.array([np.median(np.append(y[:-1], place)) for place in far])
    return Outcome(
        (
            at_least("shift of the fit by the farthest outlier", moved[-1] - y.mean(), 100),
            at_most(
                "relative distance of the fit from the mean",
                np.abs(moved / ((y[:-1].sum() + far) / rows) - 1).max(),
                0.05,
            ),
            at_most("largest shift of the median", np.abs(median - np.median(y)).max(), np.ptp(y)),
        ),
        curves(
            "The fitted constant by the place of the outlier",
            "log10 of place",
            "constant",
            {"fit": (np.log10(far), moved), "median": (np.log10(far), median)},
        ),
    )


@experiment(
    title="Online gradient descent has small regret",
    statement=(
        "Against any sequence of convex losses with gradients of at most G on a ball of diameter "
        "D, projected gradient descent with rates D / (G sqrt t) loses at most 3/2 G D sqrt(T) "
        "more than the best fixed point in hindsight. Of random directions no method loses less "
        "than in proportion to sqrt(T), so the bound is right but for its constant."
    ),
    sources=(Source("foundations", 156, "Online learning performance measures"),),
    about=("_regrets",),
    reference="Zinkevich, Online convex programming, 2003; Hazan, arXiv:1909.05207, theorems 3.1 "
    "and 3.2",
    sabotage=Sabotage("the rate falls so fast that it cannot follow", {"power": 2.0}),
)
def online_regret(*, power: float = 0.5, rounds: int = 2000, seed: int = 0) -> Outcome:
    """`power` of t divides the rate; losses are linear: 32 sequences at random, one misleads."""
    rng = seeds.generator("regret", seed)
    turns = rng.uniform(0, 2 * np.pi, (32, rounds))
    slopes = np.where(np.arange(rounds) < 10, -1.0, 0.3)
    misleading = _regrets(slopes[np.newaxis, :, np.newaxis] * [1.0, 0.0], power)
    random = _regrets(np.stack([np.cos(turns), np.sin(turns)], axis=2), power)  # G = 1
    root = np.sqrt(np.arange(1, rounds + 1))
    shown = np.arange(0, rounds, 20)
    return Outcome(
        (
            at_most("random: largest regret over 3 sqrt(T)", (random / (3 * root)).max(), 1),
            at_most("misleading: the same", (misleading / (3 * root)).max(), 1),  # D = 2
            at_least("random: mean regret over sqrt(T)", random[:, -1].mean() / root[-1], 0.3),
        ),
        curves(
            "Regret",
            "round",
            "regret",
            {
                "random": (shown, random.mean(axis=0)[shown]),
                "misleading": (shown, misleading[0, shown]),
                "bound": (shown, 3 * root[shown]),
            },
        ),
    )


def _regrets(gradients: np.ndarray, power: float) -> np.ndarray:
    """Return the regret after each round, (S, T), of descent in the unit ball from 0.

    Args:
        gradients: (S, T, 2), of S sequences of linear losses.
        power: Of t; it divides the rate.
    """
    points, losses = np.zeros((len(gradients), 2)), []
    for t in range(gradients.shape[1]):
        losses.append(np.sum(gradients[:, t] * points, axis=1))
        points = points - 2 / (t + 1) ** power * gradients[:, t]
        points = points / np.maximum(1.0, np.linalg.norm(points, axis=1, keepdims=True))
    # The best fixed point of the unit ball against linear losses is opposite to their sum.
    best = np.linalg.norm(np.cumsum(gradients, axis=1), axis=2)
    return np.cumsum(losses, axis=0).T + best
