"""Experiments on layers: symmetry, linear networks, sequences, equivalent minima."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
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
from dlmath.maths.network_vectors import packed, unpacked
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="Units that start equal stay equal",
    statement=(
        "If in every layer all weights start at one constant, the units of a layer compute the "
        "same function, get the same gradient, and stay equal at every step of gradient descent, "
        "though the loss falls. With zeros throughout and ReLU, nothing but the last bias ever "
        "moves, to the logarithm of the classes' shares. Units that start apart stay apart."
    ),
    sources=(Source("tsemo", 380, "We do not initialize the weights as zero matrices"),),
    about=("towards", "compute.difference"),
    reference="Goodfellow, Bengio and Courville, Deep learning, 2016, section 8.4",
    sabotage=Sabotage("the weights start at random, a hair apart", {"spread": 1e-3}),
)
def equal_units_stay_equal(
    *, spread: float = 0.0, value: float = 0.3, steps: int = 200, seed: int = 0
) -> Outcome:
    """`value` is the constant, `spread` the deviation of the weights around it."""
    rng = seeds.generator("equal units", seed)
    rows = rng.normal(size=(40, 3))
    labels = np.eye(2)[(rows[:, 0] * rows[:, 1] > 0).astype(int)]

    def constant(level: float, activation: str) -> Network:
        sizes = ((3, 6), (6, 6), (6, 2))
        names = (activation, activation, "linear")
        return tuple(
            Layer(level + spread * rng.normal(size=size), np.zeros(size[1]), ACTIVATIONS[name])
            for size, name in zip(sizes, names, strict=True)
        )

    def difference(network: Network) -> float:
        return float(largest_of(np.ptp(a, axis=1).max() for a in activations(network, rows)[1:-1]))

    def loss(network: Network) -> float:
        return cross_entropy(softmax(forward(network, rows)), labels)

    network, zero = constant(value, "tanh"), constant(0.0, "relu")
    before = loss(network)
    free = initialised((3, 6, 6, 2), "tanh", "free", seed)
    apart, free_differences = [], []
    for _ in range(steps):
        apart.append(difference(network))
        free_differences.append(difference(free))
        network, zero, free = (
            stepped(n, backward(n, rows, towards(labels))[0], 0.5) for n in (network, zero, free)
        )
    frozen = [layer.weights for layer in zero] + [layer.bias for layer in zero[:-1]]
    moved = largest_of(np.abs(part).max() for part in frozen)
    shares = labels.mean(axis=0)
    settled = np.diff(zero[-1].bias)[0] - np.log(shares[1] / shares[0])
    return Outcome(
        (
            at_most("largest difference between two units of a layer", apart, 1e-12),
            at_most("loss after the steps over that before", loss(network) / before, 1 - 1e-4),
            at_least("random start: least difference", free_differences, 1e-2),
            at_most("largest parameter but the last bias, after steps from zeros", moved, 0.0),
            at_most("last bias away from the log of the classes' shares", abs(settled), 1e-6),
        ),
        sequences(
            "Difference between units of a layer",
            "step",
            "difference",
            {"as run": apart, "random start": free_differences},
        ),
    )


@experiment(
    title="A network of linear neurons is one layer",
    statement=(
        "The composition of affine layers is x -> x W + b with W = W_1 W_2 ... W_L and b = "
        "(...(b_1 W_2 + b_2) W_3 + ...) + b_L; its rank is at most the least width, and for "
        "random weights that."
    ),
    sources=(
        Source("ferguson", 150, "a network with only linear neurons can be recast"),
        Source("ferguson", 90, "responsible for introducing non-linearities"),
        Source("murari", 167, "Non-linear"),
    ),
    about=("Layer.__call__", "forward", "compute.weights"),
    reference="Goodfellow, Bengio and Courville, Deep learning, 2016, section 6.4.1",
    sabotage=Sabotage("the neurons are not linear", {"activation": "tanh"}),
)
def linear_network_is_one_layer(
    *, activation: str = "linear", depth: int = 6, narrow: int = 3, seed: int = 0
) -> Outcome:
    """`narrow` is the least width, in the middle of widths of 8."""
    choose("activation", activation, ACTIVATIONS)
    widths = [8] * (depth + 1)
    widths[depth // 2] = narrow
    rng = seeds.generator("linear network", seed)
    network = tuple(
        Layer(layer.weights, rng.normal(size=len(layer.bias)), layer.activation)
        for layer in initialised(tuple(widths), activation, seed)
    )
    weights, bias = np.eye(8), np.zeros(8)
    gaps = []
    rows = rng.normal(size=(200, 8))
    for number, layer in enumerate(network):
        weights, bias = weights @ layer.weights, bias @ layer.weights + layer.bias
        gaps.append(np.abs(forward(network[: number + 1], rows) - (rows @ weights + bias)).max())
    rank = np.linalg.matrix_rank(forward(network, rows) - forward(network, np.zeros((1, 8))))
    return Outcome(
        (
            at_most("largest difference to the one layer", gaps, 1e-11),
            at_most("rank of the map", rank, narrow),
            at_least("the same", rank, min(narrow, 8)),
        ),
        curves(
            "Difference to one layer",
            "layers",
            "difference",
            {"difference": (np.arange(1, depth + 1), gaps)},
            log=True,
        ),
    )


@experiment(
    title="A network as a function and as a sequence",
    statement=(
        "The network as one function of (x, theta) and as the sequence f_l = phi_l o alpha_l o "
        "f_(l-1), with a bias as the weight of a constant input, give the same outputs: the "
        "constant c may be any but 0, such as 1 or -1, and the weight is then b / c."
    ),
    sources=(
        Source("ferguson", 138, r"f^{(\ell)} = \varphi^{(\ell)} \circ \alpha^{(\ell)}"),
        Source("ferguson", 106, r"\Psi^0(z^0, \theta^0)"),
        Source("ferguson", 70, "y = "),
        Source("murari", 94, r"A_L \circ \sigma \circ A_{L-1}"),
        Source("foundations", 9, "Forward Propagation"),
    ),
    about=(
        "Layer.__call__",
        "activations",
        "compute.affine",
        "compute.indexed",
        "compute.sequence",
    ),
    reference="Calin, Deep learning architectures, 2020, section 6.1",
    sabotage=Sabotage("the input of the biases is not constant", {"spread": 0.1}),
)
def function_and_sequence(
    *, bias_input: float = -1.0, spread: float = 0.0, depth: int = 4, seed: int = 0
) -> Outcome:
    """`bias_input` is c, -1 as in Ferguson; `spread` is its deviation between rows."""
    rng = seeds.generator("sequence", seed)
    network = tuple(
        Layer(layer.weights, rng.normal(size=len(layer.bias)), layer.activation)
        for layer in initialised((4,) * (depth + 1), "sigmoid", seed)
    )
    rows = rng.normal(size=(50, 4))
    constant = bias_input + spread * rng.normal(size=len(rows))
    outputs = activations(network, rows)
    gaps, sequence = [], rows
    for number, layer in enumerate(network, 1):
        affine = np.vstack([layer.bias / bias_input, layer.weights])  # zero indexing the bias
        indexed = np.column_stack([constant, sequence])
        sequence = layer.activation.value(indexed @ affine)
        gaps.append(np.abs(sequence - outputs[number]).max())
    at_once = forward(network, rows)
    written = _written_out(network, rows)
    return Outcome(
        (
            at_most("largest difference between the layers' outputs", gaps, 1e-12),
            at_most("of the last and the one function", np.abs(at_once - sequence).max(), 1e-12),
            at_most("of it and its formula, sum by sum", np.abs(written - at_once).max(), 1e-12),
        ),
        curves(
            "Difference of the two definitions",
            "layer",
            "difference",
            {"difference": (np.arange(1, depth + 1), gaps)},
            log=True,
        ),
    )


def _written_out(network: Network, rows: np.ndarray) -> np.ndarray:
    """Return the outputs by f(sum_i x_i w_ij + b_j), unit by unit, for layers of sigmoids."""
    for number, layer in enumerate(network, 1):
        sums = [
            sum(rows[:, i] * layer.weights[i, j] for i in range(rows.shape[1])) + layer.bias[j]
            for j in range(len(layer.bias))
        ]
        last = number == len(network)
        rows = np.column_stack([z if last else 1 / (1 + np.exp(-z)) for z in sums])
    return rows


@experiment(
    title="Equivalent minima, with a hill between them",
    statement=(
        "Permuting the units of a hidden layer, with their weights on both sides, or changing "
        "the signs on both sides of an odd activation, leaves the network's function and its "
        "loss the same. Half way between a trained network and its permutation the loss is "
        "higher: the loss is not convex."
    ),
    sources=(
        Source("murari", 275, "several equivalent local minima"),
        Source("foundations", 145, "Multiple Local Minima"),
    ),
    about=("compute.other", "compute.loss"),
    reference="Chen, Lu and Hecht-Nielsen, Geometry of neural network error surfaces, 1993",
    sabotage=Sabotage("only the weights into the units are permuted", {"both_sides": False}),
)
def equivalent_minima(*, both_sides: bool = True, steps: int = 4000, seed: int = 0) -> Outcome:
    """`both_sides` permutes the weights out of the units too."""
    grid = np.linspace(-2, 2, 40)[:, np.newaxis]
    targets = np.sin(2 * grid)
    network = initialised((1, 6, 1), "tanh", seed)
    for _ in range(steps):
        slope = backward(network, grid, lambda output: (output - targets) / 40)[0]
        network = stepped(network, slope, 0.1)

    def loss(layers: Network) -> float:
        return 0.5 * float(np.mean((forward(layers, grid) - targets) ** 2))

    first, last = network
    order, signs = np.roll(np.arange(6), 1), np.array([1, -1, 1, -1, 1, -1])
    other = (
        Layer((first.weights * signs)[:, order], (first.bias * signs)[order], first.activation),
        Layer((last.weights.T * signs).T[order], last.bias, last.activation)
        if both_sides
        else last,
    )

    def between(share: float) -> float:
        mixed = tuple(
            Layer(
                (1 - share) * a.weights + share * b.weights,
                (1 - share) * a.bias + share * b.bias,
                a.activation,
            )
            for a, b in zip(network, other, strict=True)
        )
        return loss(mixed)

    shares = np.linspace(0, 1, 41)
    heights = [between(share) for share in shares]
    step = backward(network, grid, lambda output: (output - targets) / 40)[0]
    length = np.sqrt(sum(np.sum(part**2) for pair in step for part in pair))
    untrained = loss(initialised((1, 6, 1), "tanh", seed))
    middle = unpacked((packed(network) + packed(other)) / 2, network)
    squares = [np.sum((forward(one, grid) - targets) ** 2) / 80 for one in (network, middle, other)]
    return Outcome(
        (
            at_most("difference of the two losses", abs(heights[-1] - heights[0]), 1e-12),
            at_least("loss half way over the loss at both ends", heights[20] / heights[0], 2.0),
            at_most(
                "losses at the ends and half way, away from sums of squares",
                np.abs(np.subtract(squares, [heights[0], heights[20], heights[-1]])).max(),
                1e-12,
            ),
            at_most("loss at the ends over that before training", heights[0] / untrained, 0.1),
            at_most("length of the gradient there", length, 0.02),
        ),
        curves(
            "Loss between two equivalent minima",
            "share of the second",
            "loss",
            {"loss": (shares, heights)},
        ),
    )
