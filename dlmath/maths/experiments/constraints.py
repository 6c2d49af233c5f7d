"""Structure built into a network: Lipschitz, monotone and convex layers; and the squared loss."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import Layer, Network, backward, forward, initialised
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="Spectral norms bound how fast a network can change",
    statement=(
        "With an activation of slope at most 1, a network's Lipschitz constant is at most the "
        "product of the spectral norms of its weights, and it is the product where the first "
        "singular directions follow each other through active units. Between two points of one "
        "linear piece a ReLU network changes by the product of its active weights. Scaling each "
        "matrix to norm 1 makes the constant at most 1."
    ),
    sources=(
        Source("murari", 345, "spectral/weight norm constraints"),
        Source("murari", 170, "Lipschitz continuous"),
        Source("foundations", 69, "Lipschitz Constants"),
    ),
    about=("scaled_to", "slopes"),
    reference="Miyato et al., Spectral normalization, arXiv:1802.05957, equation 7",
    sabotage=Sabotage("the matrices are scaled to a norm above 1", {"norm": 1.05}),
)
def spectral_norms_bound_the_slope(
    *, norm: float = 1.0, depth: int = 5, pairs: int = 3000, seed: int = 0
) -> Outcome:
    """`norm` is what each matrix is scaled to; slopes are over pairs of points."""
    rng = seeds.generator("slopes", seed)
    network = tuple(
        Layer(one.weights, rng.normal(size=one.bias.shape), one.activation)
        for one in initialised((6, *[24] * (depth - 1), 6), "relu", seed)
    )
    straight, direction = _aligned(network, rng)
    scaled, aligned = scaled_to(network, norm), scaled_to(straight, norm)
    x = rng.normal(size=(pairs, 6))
    y = x + rng.normal(size=(pairs, 6)) * 10.0 ** rng.uniform(-4, 0.5, (pairs, 1))
    found, before = np.sort(slopes(scaled, x, y)), np.sort(slopes(network, x, y))
    steepest = slopes(aligned, direction[np.newaxis], 3 * direction[np.newaxis])[0]
    product = float(np.prod([np.linalg.norm(one.weights, 2) for one in network]))
    away = largest_of(
        _norm_gap(scaled_to(one, n), n, depth) for one in (network, straight) for n in (1, 2)
    )
    off = largest_of(_piece_gap(one, x, rng) for one in (network, scaled))
    return Outcome(
        (
            at_most("norms of the scaled matrices away from the norm asked", away, 1e-12),
            at_most("largest slope of the scaled network", found[-1], 1 + 1e-9),
            at_most("largest slope of the aligned network", steepest, 1 + 1e-9),
            at_least("the same, over the product of its norms", steepest / norm**depth, 1 - 1e-9),
            at_most(
                "largest slope before, over the product of norms", before[-1] / product, 1 + 1e-9
            ),
            at_most("slope away from the product of active weights, relative", off, 1e-5),
        ),
        sequences(
            "Slopes between pairs of points, sorted",
            "pair",
            "slope",
            {"scaled": found, "before": before},
            log=True,
        ),
    )


def scaled_to(network: Network, norm: float) -> Network:
    """Return the network with each matrix scaled to a spectral norm."""
    return tuple(
        Layer(one.weights * (norm / np.linalg.norm(one.weights, 2)), one.bias, one.activation)
        for one in network
    )


def _norm_gap(network: Network, norm: float, depth: int) -> float:
    """Return how far the matrices' norms are from `norm`, infinite if there are not `depth`."""
    gaps = [abs(np.linalg.norm(one.weights, 2) - norm) for one in network]
    return float(largest_of(gaps)) if len(gaps) == depth else np.inf


def slopes(network: Network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return |f(x) - f(y)| / |x - y| for pairs of rows."""
    change = np.linalg.norm(forward(network, x) - forward(network, y), axis=1)
    return change / np.linalg.norm(x - y, axis=1)


def _aligned(network: Network, rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    """Return a network whose first singular directions follow each other, and the first of them.

    All of them are positive and all biases 0, so that along them every unit is active.
    """
    sizes = [network[0].weights.shape[0], *(one.weights.shape[1] for one in network)]
    ends = [1 + rng.random(size) for size in sizes]
    ends = [end / np.linalg.norm(end) for end in ends]
    layers = []
    for one, left, right in zip(network, ends, ends[1:], strict=False):
        rest = one.weights - np.outer(left, left @ one.weights)
        rest = rest - np.outer(rest @ right, right)
        weights = np.outer(left, right) + 0.5 * rest / np.linalg.norm(rest, 2)
        layers.append(Layer(weights, np.zeros(len(right)), one.activation))
    return tuple(layers), ends[0]


def _piece_gap(network: Network, rows: np.ndarray, rng: np.random.Generator) -> float:
    """Return how far slopes of steps so short that no unit turns are from the active weights'."""
    steps = 1e-7 * rng.normal(size=rows.shape)
    inside, image = rows, steps
    for layer in network:
        before = inside @ layer.weights + layer.bias
        image = image @ layer.weights * layer.activation.slope(before)
        inside = layer.activation.value(before)
    expected = np.linalg.norm(image, axis=1) / np.linalg.norm(steps, axis=1)
    return float(np.median(np.abs(slopes(network, rows, rows + steps) / expected - 1)))


@experiment(
    title="Monotone and convex networks, by the signs of their weights",
    statement=(
        "With non-negative weights and non-decreasing activations a network is non-decreasing "
        "in every input; if the activations are also convex, as ReLU is, it is convex, and the "
        "weights of the first layer may have any sign for that: it lies above each of its "
        "tangents. It stays so outside of the training data. Where all units are active it is "
        "the product of its matrices."
    ),
    sources=(Source("murari", 351, "Monotone/Convex layers"),),
    about=("risen", "above_tangent"),
    reference="Amos, Xu and Kolter, Input convex neural networks, arXiv:1609.07152, proposition 1",
    sabotage=Sabotage("the weights have any sign", {"signs": "any"}),
)
def monotone_layers(*, signs: str = "positive", points: int = 2000, seed: int = 0) -> Outcome:
    """`signs` is positive or any."""
    positive = choose("signs", signs, {"positive": True, "any": False})
    rng = seeds.generator("monotone", seed)
    network = tuple(
        Layer(
            np.abs(one.weights) if positive else one.weights,
            rng.normal(size=one.bias.shape),
            one.activation,
        )
        for one in initialised((3, 16, 16, 1), "relu", seed)
    )
    free_first = (initialised((3, 16, 1), "relu", seed, "first")[0], *network[1:])
    x, y = rng.normal(size=(2, points, 3)) * 5
    one_input = np.abs(y) * np.eye(3)[rng.integers(3, size=points)]
    rises = risen(network, x, one_input)
    tangents = backward(free_first, y, np.ones_like)[1][0]  # (N, 3), the slopes at y
    above = above_tangent(free_first, x, y, tangents)
    missed = np.abs(above_tangent(free_first, y + 1e-6 * (x - y), y, tangents)) / 1e-6
    far = 100 + np.abs(x)  # where all units are active
    product = np.abs(y) @ network[0].weights @ network[1].weights @ network[2].weights
    linear = risen(network, far, np.abs(y))
    line = np.linspace(-10, 10, 200)[:, np.newaxis] * np.ones(3)
    return Outcome(
        (
            at_least("least rise where one input rises", rises.min(), -1e-9),
            at_least("largest rise", rises.max(), 1.0),
            at_most(
                "where all units are active: away from the product of the matrices, relative",
                np.abs(linear / product - 1).max(),
                1e-9,
            ),
            at_least(
                "least height above a tangent, first layer of any sign",
                above.min(),
                -1e-9,
            ),
            at_least("largest height above a tangent", above.max(), 1.0),
            at_most("tangents: median distance from the slope", np.median(missed), 1e-6),
        ),
        curves(
            "Along the diagonal",
            "input",
            "output",
            {"network": (line[:, 0], forward(network, line)[:, 0])},
        ),
    )


def risen(network: Network, rows: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return by how much the outputs (N, 1) rise where rows are moved."""
    return forward(network, rows + moves) - forward(network, rows)


def above_tangent(
    network: Network, x: np.ndarray, y: np.ndarray, tangents: np.ndarray
) -> np.ndarray:
    """Return how far f(x) lies above the tangents at y, of slopes (N, d), for pairs of rows."""
    return risen(network, y, x - y)[:, 0] - np.sum(tangents * (x - y), axis=1)


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
        "pieces: it is the triangular wave of 2^(k-1) teeth. One hidden layer of n units with "
        "bends at different places has n + 1, so it needs 2^k - 1 units for that."
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
    teeth = 2 ** (deepest + 3)
    grid = np.arange(teeth + 1) / teeth
    rng = seeds.generator("pieces", seed)
    depths = np.arange(1, deepest + 1)
    found, shallow, gaps = [], [], []
    for depth in depths:
        # Kinks on the grid, so that each is seen once.
        kinks = rng.choice(grid[1:-1], 2 * int(depth), replace=False)
        flat = relu(grid[:, np.newaxis] - kinks) @ rng.normal(size=len(kinks))
        shallow.append(pieces(flat))
        found.append(pieces(tent(grid, int(depth))) if deep else shallow[-1])
        wave = 1 - np.abs(1 - np.mod(2.0**depth * grid, 2))
        gaps.append(np.abs(tent(grid, int(depth)) - wave).max())
    return Outcome(
        (
            at_most(
                "largest difference of the pieces to 2^k", np.abs(found - 2.0**depths).max(), 0
            ),
            at_most(
                "pieces of one layer of n units, away from n + 1",
                np.abs(shallow - 2 * depths - 1).max(),
                0,
            ),
            at_most("tent map away from the triangular wave", gaps, 0),
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
        "The constant of least squared loss is the mean: a single target of n that goes d away "
        "drags it by d / n, as far as one likes. That of least absolute loss is the median, "
        "which the least of all targets moves to the next one and no farther, wherever it goes."
    ),
    sources=(Source("foundations", 58, "Sensitive to outliers"),),
    about=("best_constant",),
    reference="Huber, Robust statistics, 1981, section 1.2",
    sabotage=Sabotage("the loss is the absolute value", {"power": 1.0}),
)
def squared_loss_and_outliers(*, power: float = 2.0, rows: int = 51, seed: int = 0) -> Outcome:
    """`power` of the absolute error is the loss; `rows` is odd."""
    y = np.sort(seeds.generator("outliers", seed).normal(size=rows))
    far = np.array([1e1, 1e2, 1e3, 1e4])

    def best(outlier: float, power: float) -> float:
        targets = np.append(y[1:], outlier)
        return best_constant(targets, power)

    moved = np.array([best(place, power) for place in far])
    median = np.array([best(place, 1.0) for place in far])
    middle = rows // 2
    return Outcome(
        (
            at_most(
                "shift of the fit away from d / n, relative",
                np.abs((moved - y.mean()) / ((far - y[0]) / rows) - 1).max(),
                1e-9,
            ),
            at_most(
                "absolute loss: fit away from the next target",
                np.abs(median - y[middle + 1]).max(),
                1e-9,
            ),
            at_most(
                "absolute loss without an outlier: fit away from the median",
                abs(best_constant(y, 1.0) - y[middle]),
                1e-9,
            ),
        ),
        curves(
            "The fitted constant by the place of the outlier",
            "log10 of place",
            "constant",
            {"fit": (np.log10(far), moved), "median": (np.log10(far), median)},
        ),
    )


def best_constant(targets: np.ndarray, power: float) -> float:
    """Return the c of least sum |c - target|^power, power >= 1, by bisection of its slope."""
    low, high = targets.min(), targets.max()
    for _ in range(100):
        middle = (low + high) / 2
        gaps = middle - targets
        if np.sum(np.sign(gaps) * np.abs(gaps) ** (power - 1)) > 0:
            high = middle
        else:
            low = middle
    return float((low + high) / 2)
