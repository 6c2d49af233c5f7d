"""Layers of single neurons, and searching an architecture by its validation error."""

from math import sqrt

import numpy as np
from scipy.stats import binom

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS, Activation
from dlmath.maths.chance import RARE, mean_range
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import Layer, Network, backward, forward
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences

NAMES = ("tanh", "sigmoid", "sine", "linear", "relu")


def side_by_side(parts: list[Activation]) -> Activation:
    """Return the activation of a layer whose unit j has the activation j."""

    def of(columns: np.ndarray, which: str) -> np.ndarray:
        each = [getattr(part, which)(column) for part, column in zip(parts, columns.T, strict=True)]
        return np.stack(each, axis=1)

    return Activation(lambda z: of(z, "value"), lambda z: of(z, "slope"))


@experiment(
    title="Every neuron its own activation",
    statement=(
        "A layer whose neuron j has its own activation phi_j is phi o alpha, with alpha all affine "
        "functions and phi all activations at once: the same as neuron by neuron phi_j(x . w_j), "
        "where the bias is the weight w_0j of a constant input -1. The sequence of such maps is "
        "the network, and backpropagation through it is its derivative. One activation for all is "
        "another network."
    ),
    sources=(
        Source("ferguson", 122, "each neuron in a layer can have distinct activation functions"),
        Source("ferguson", 120, "Define some affine function on each neuron in this layer"),
        Source("ferguson", 128, r"x^{(\ell+1)} = \varphi^{(\ell)} \circ \alpha^{(\ell)}"),
        Source("ferguson", 132, r"x_j^{(\ell+1)} = \varphi_j^{(\ell)} \circ \alpha_j^{(\ell)}"),
    ),
    about=("side_by_side", "network.backward", "network.forward"),
    reference="Calin, Deep learning architectures, 2020, section 6.1",
    sabotage=Sabotage("all neurons have the activation of the first", {"shared": True}),
)
def every_neuron_its_activation(*, shared: bool = False, depth: int = 3, seed: int = 0) -> Outcome:
    """`shared` gives the layers one activation; each has 5 neurons."""
    rng = seeds.generator("neurons", seed)
    names = [list(rng.permutation(NAMES)) for _ in range(depth)]
    used = [[row[0]] * len(row) for row in names] if shared else names
    network: Network = tuple(
        Layer(
            rng.normal(size=(5, 5)) / sqrt(5),
            rng.normal(size=5),
            side_by_side([ACTIVATIONS[name] for name in row]),
        )
        for row in used
    )
    rows = rng.normal(size=(8, 5))
    gaps, layerwise, single = [], rows, rows
    for layer, row in zip(network, names, strict=True):
        layerwise = layer(layerwise)
        indexed = np.column_stack([-np.ones(len(single)), single])
        weights = np.vstack([-layer.bias, layer.weights])
        single = np.column_stack(
            [
                [float(ACTIVATIONS[name].value(np.array(x @ w))) for x in indexed]
                for name, w in zip(row, weights.T, strict=True)
            ]
        )
        gaps.append(np.abs(layerwise - single).max())
    prices = rng.uniform(0.5, 2, (8, 5))

    def loss(at: np.ndarray, inputs: np.ndarray) -> float:
        return float(np.sum(prices * forward(unpacked(at, network), inputs) ** 2)) / 2

    gradients, signals = backward(network, rows, lambda z: prices * z)
    slope = central(lambda at: loss(at, rows), packed(network))
    of_inputs = central(lambda inputs: loss(packed(network), inputs), rows)
    errors = [
        np.abs(found - true).max() / np.abs(true).max()
        for found, true in ((packed_gradient(gradients), slope), (signals[0], of_inputs))
    ]
    return Outcome(
        (
            at_most("largest difference of layers and single neurons", gaps, 1e-12),
            at_most(
                "the network away from its sequence",
                np.abs(forward(network, rows) - layerwise).max(),
                0,
            ),
            at_most("gradients away from central differences, over the largest", errors, 1e-7),
        ),
        sequences(
            "Outputs of the first row",
            "neuron",
            "output",
            {"layer by layer": layerwise[0], "neuron by neuron": single[0]},
        ),
    )


@experiment(
    title="A search flatters its winner",
    statement=(
        "Of k architectures that all err with the chance p, the one with the fewest errors on n "
        "validation examples is chosen. Its validation error has the expectation of the least of "
        "k binomial counts over n, below p by at most sqrt(log(k) / 2n); on new examples it errs "
        "with the chance p. So an architecture may be searched by its validation error, and is to "
        "be judged on other examples."
    ),
    sources=(
        Source("foundations", 180, "Architecture Search: Automated optimization over architecture"),
    ),
    about=("compute.least", "compute.judged"),
    reference="Cawley and Talbot, On over-fitting in model selection, 2010; Boucheron, Lugosi and "
    "Massart, Concentration inequalities, 2013, theorem 2.5",
    sabotage=Sabotage("the winner is judged where it was chosen", {"fresh": False}),
)
def a_search_flatters_its_winner(
    *, fresh: bool = True, error: float = 0.2, examples: int = 200, draws: int = 4000, seed: int = 0
) -> Outcome:
    """`fresh` judges the winner on new examples; `error` is p."""
    rng = seeds.generator("search", seed)
    sizes = np.array([1, 2, 4, 8, 16, 32, 64])
    counts = rng.binomial(examples, error, (draws, sizes[-1]))
    least = np.minimum.accumulate(counts, axis=1)[:, sizes - 1] / examples
    again = rng.binomial(examples, error, (draws, len(sizes))) / examples
    judged = again if fresh else least
    every = np.arange(examples + 1)
    tails = binom.sf(every[:-1], examples, error)  # of a count above 0, 1, ...
    exact = np.array([np.sum(tails**k) for k in sizes]) / examples
    (low, high), (below, above) = mean_range(least, RARE), mean_range(judged, RARE)
    bound = error - np.sqrt(np.log(sizes) / (2 * examples))
    return Outcome(
        (
            at_most(
                "low end of the winner's validation error over the exact", (low / exact).max(), 1
            ),
            at_least("high end of it over the exact", (high / exact).min(), 1),
            at_least("exact error less p - sqrt(log(k) / 2n)", (exact - bound).min(), -1e-12),
            at_most("low end of the error where it is judged, over p", below.max() / error, 1),
            at_least("high end of the error where it is judged, over p", above.min() / error, 1),
        ),
        curves(
            "Error of the winner of k architectures",
            "log2 of k",
            "error",
            {
                "validation": (np.log2(sizes), least.mean(axis=0)),
                "where it is judged": (np.log2(sizes), judged.mean(axis=0)),
                "p - sqrt(log(k) / 2n)": (np.log2(sizes), bound),
            },
        ),
    )
