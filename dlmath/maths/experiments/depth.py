"""Depth: the product of Jacobians, vanishing gradients, residual links, initialisation."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import Layer, Network, activations, backward, initialised
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def spectral(width: int, depth: int, rho: float, activation: str, seed: int) -> Network:
    """Return square layers whose weight matrices all have the spectral norm `rho`."""
    return tuple(
        Layer(
            rho * layer.weights / np.linalg.norm(layer.weights, 2),
            layer.bias,
            ACTIVATIONS[activation],
        )
        for layer in initialised((width,) * (depth + 1), activation, seed)
    )


@experiment(
    title="Vanishing gradients",
    statement=(
        "The gradient at layer j is at most the gradient at the output times the product of the "
        "norms of the Jacobians after j. If each is at most rho < 1, it is at most rho^(L-j) "
        "times it, and vanishes with the depth."
    ),
    sources=(
        Source("murari", 317, r"\prod_{\ell=j+1}^L"),
        Source("murari", 319, r"\rho < 1"),
        Source("murari", 320, "vanishing gradients"),
        Source("tsemo", 566, "vanishing and exploding gradient problem"),
    ),
    about=("spectral", "backward"),
    reference="Bengio, Simard and Frasconi, Learning long-term dependencies is difficult, 1994",
    sabotage=Sabotage("the norms are above 1", {"rho": 2.5}),
)
def vanishing_gradients(
    *, rho: float = 0.8, depth: int = 40, width: int = 16, seed: int = 0
) -> Outcome:
    """`rho` is the spectral norm of every weight matrix; the activation is tanh, of slope <= 1."""
    network = spectral(width, depth, rho, "tanh", seed)
    rows = seeds.generator("vanishing", seed).normal(size=(1, width))
    kept = activations(network, rows)
    signals = backward(network, rows, lambda output: output - 1.0)[1]
    norms = np.array([np.linalg.norm(signal) for signal in signals])
    slopes = [
        np.linalg.norm(layer.weights * layer.activation.slope(a @ layer.weights), 2)
        for layer, a in zip(network, kept[:-1], strict=True)
    ]
    product = norms[-1] * np.append(np.cumprod(slopes[::-1])[::-1], 1.0)
    power = norms[-1] * rho ** np.arange(depth, -1.0, -1.0)
    layers = np.arange(depth + 1)
    return Outcome(
        (
            at_most(
                "largest gradient over the product of norms", (norms / product).max(), 1 + 1e-12
            ),
            at_most("largest gradient over rho^(L-j)", (norms / power).max(), 1 + 1e-12),
            at_most("first gradient over the last", norms[0] / norms[-1], 1e-3),
        ),
        curves(
            "Gradient by layer",
            "layer",
            "norm",
            {
                "gradient": (layers, norms),
                "product": (layers, product),
                "rho^(L-j)": (layers, power),
            },
            log=True,
        ),
    )


@experiment(
    title="Residual links keep gradients",
    statement=(
        "With a residual link, x -> x + F(x) and |dF| <= rho < 1, no gradient can fall below (1 "
        "- rho)^L times that at the output, where the plain layers' falls below rho^L. At rho < "
        "1/2 that is more; in practice it is far more."
    ),
    sources=(
        Source("murari", 346, "residual connections"),
        Source("tsemo", 626, "residual connection"),
        Source("tsemo", 628, "improves gradient flow"),
        Source("foundations", 177, "Mathematical justification for residual networks"),
    ),
    about=("_gradients",),
    reference="He et al., Identity mappings in deep residual networks, arXiv:1603.05027",
    sabotage=Sabotage("there are no links", {"links": False}),
)
def residual_links_keep_gradients(
    *, links: bool = True, rho: float = 0.3, depth: int = 40, width: int = 16, seed: int = 0
) -> Outcome:
    """`rho` is the spectral norm of every weight matrix; the activation is tanh."""
    network = spectral(width, depth, rho, "tanh", seed)
    rows = seeds.generator("residual", seed).normal(size=(1, width))
    linked, plain = (_gradients(network, rows, keep) for keep in (links, False))
    layers = np.arange(depth + 1)
    floor = linked[-1] * (1 - rho) ** np.arange(depth, -1.0, -1.0)
    return Outcome(
        (
            at_least("least gradient over (1 - rho)^(L-j)", (linked / floor).min(), 1 - 1e-12),
            at_least("first gradient over the last, with links", linked[0] / linked[-1], 1e-2),
            at_most("first gradient over the last, without", plain[0] / plain[-1], rho**depth),
        ),
        curves(
            "Gradient by layer",
            "layer",
            "norm",
            {
                "with links": (layers, linked),
                "without": (layers, plain),
                "(1 - rho)^(L-j)": (layers, floor),
            },
            log=True,
        ),
    )


def _gradients(network: Network, rows: np.ndarray, links: bool) -> np.ndarray:
    """Return |dL/dA_l| for l = 0 ... L with L the sum of the outputs, with or without links."""
    kept = [rows]
    for layer in network:
        kept.append(layer(kept[-1]) + (kept[-1] if links else 0.0))
    signal = np.ones_like(kept[-1])
    norms = [np.linalg.norm(signal)]
    for layer, inside in zip(reversed(network), reversed(kept[:-1]), strict=True):
        through = (signal * layer.activation.slope(inside @ layer.weights)) @ layer.weights.T
        signal = through + (signal if links else 0.0)
        norms.insert(0, np.linalg.norm(signal))
    return np.array(norms)


@experiment(
    title="Initialisation that keeps the scale of the signal",
    statement=(
        "With independent weights of mean 0 and variance 2 / fan in, the mean square of a ReLU "
        "layer's pre-activations stays the same through the depth, in expectation. With half "
        "that variance it halves at every layer, and with variance 1 it grows by fan in / 2."
    ),
    sources=(
        Source("foundations", 97, "Random weight initialization can be analyzed using CLT"),
        Source("tsemo", 378, "sample entries from a standard normal distribution"),
    ),
    about=("initialised",),
    reference="He et al., Delving deep into rectifiers, arXiv:1502.01852, equation 10",
    sabotage=Sabotage("the variance is 1 / fan in", {"gain": 1.0}),
)
def initialisation_keeps_the_scale(
    *, gain: float = 2.0, depth: int = 20, width: int = 400, seed: int = 0
) -> Outcome:
    """`gain` is the variance of the weights times the fan in."""
    rng = seeds.generator("initialisation", seed)
    rows = rng.normal(size=(20, width))

    def squares(scale: float) -> np.ndarray:
        network = initialised((width,) * (depth + 1), "relu", seed, f"{scale:g}", gain=scale)
        kept = activations(network, rows)[:-1]
        return np.array(
            [np.mean((a @ layer.weights) ** 2) for a, layer in zip(kept, network, strict=True)]
        )

    found, half, standard = squares(gain), squares(1.0), squares(width)
    layers = np.arange(1, depth + 1)
    slope, falls, grows = (np.polyfit(layers, np.log2(s), 1)[0] for s in (found, half, standard))
    return Outcome(
        (
            at_most("change of log2 of the mean square per layer", abs(slope), 0.1),
            at_most(
                "the same with variance 1 / fan in, away from -1",
                abs(falls + 1),
                0.1,
            ),
            at_most(
                "the same with variance 1, away from log2(fan in / 2)",
                abs(grows - np.log2(width / 2)),
                0.1,
            ),
        ),
        curves(
            "Mean square of the pre-activations",
            "layer",
            "mean square",
            {f"gain {gain:g}": (layers, found), "gain 1": (layers, half)},
            log=True,
        ),
    )
