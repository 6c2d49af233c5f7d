"""Depth: the product of Jacobians, vanishing gradients, residual links, initialisation."""

from collections.abc import Callable, Sequence

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.chance import outside, standard_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import Gradient, Layer, Network, activations, backward, initialised
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


def difference_errors(
    maps: Sequence[Callable[[np.ndarray], np.ndarray]],
    kept: Sequence[np.ndarray],
    signals: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> float:
    """Return the largest error of <G_l, d> = <G_(l+1), dA_(l+1)>, relative to |G_l| |d|.

    A layer's map takes A_l + h d to A_(l+1) + h dA_(l+1), by central differences. Directions d are
    that of G_l, whose length is compared so, and a random one.
    """
    step, worst = 1e-5, 0.0
    for apply, inside, below, above in zip(maps, kept, signals, signals[1:], strict=False):
        length = np.linalg.norm(below)
        for direction in (below / length, rng.normal(size=inside.shape) / np.sqrt(inside.size)):
            change = (
                (apply(inside + step * direction) - apply(inside - step * direction)) / 2 / step
            )
            error = abs(np.sum(below * direction) - np.sum(above * change)) / length
            worst = largest_of(worst, error) if np.isfinite(error) else np.inf
    return float(worst)


def weight_errors(
    network: Network,
    kept: Sequence[np.ndarray],
    signals: Sequence[np.ndarray],
    gradients: Sequence[Gradient],
    rng: np.random.Generator,
) -> float:
    """Return the largest error of <dL/dW, V> + <dL/db, v> = <G_l, dA_l>, relative to |G_l|.

    A_l moves by dA_l along random V and v, by central differences.
    """
    worst = 0.0
    for layer, inside, above, (dw, db) in zip(
        network, kept[:-1], signals[1:], gradients, strict=True
    ):
        moves = rng.normal(size=layer.weights.shape), rng.normal(size=layer.bias.shape)
        ahead, behind = (
            Layer(layer.weights + h * moves[0], layer.bias + h * moves[1], layer.activation)(inside)
            for h in (1e-6, -1e-6)
        )
        wanted = np.sum(above * (ahead - behind)) / 2e-6
        error = abs(np.sum(dw * moves[0]) + np.sum(db * moves[1]) - wanted)
        worst = largest_of(worst, error / np.linalg.norm(above))
    return float(worst)


@experiment(
    title="Vanishing gradients",
    statement=(
        "The gradient at layer j is at most the gradient at the output times the product of the "
        "norms of the Jacobians after j. If each is at most rho < 1, it is at most rho^(L-j) "
        "times it, and vanishes with the depth. Linear layers of rho times an orthogonal matrix "
        "attain both bounds. The slope of the sigmoid is at most 1/4: its layers' factor is rho/4."
    ),
    sources=(
        Source("murari", 317, r"\prod_{\ell=j+1}^L"),
        Source("murari", 319, r"\rho < 1"),
        Source("murari", 320, "vanishing gradients"),
        Source("tsemo", 566, "vanishing and exploding gradient problem"),
    ),
    about=("spectral", "backward", "activations.tanh_slope", "activations.sigmoid_slope"),
    reference="Bengio, Simard and Frasconi, Learning long-term dependencies is difficult, 1994",
    sabotage=Sabotage("the norms are above 1", {"rho": 1.05}),
)
def vanishing_gradients(
    *, rho: float = 0.8, depth: int = 40, width: int = 16, seed: int = 0
) -> Outcome:
    """`rho` is the spectral norm of every weight matrix; the activation is tanh, of slope <= 1."""
    rng = seeds.generator("vanishing", seed)
    rows = rng.normal(size=(3, width))
    network, squashed = (
        tuple(
            Layer(one.weights, 0.2 * rng.normal(size=width), one.activation)
            for one in spectral(width, depth, rho, activation, seed)
        )
        for activation in ("tanh", "sigmoid")
    )
    kept = activations(network, rows)
    gradients, signals = backward(network, rows, lambda output: output - 1.0)
    norms = np.array([np.linalg.norm(signal) for signal in signals])
    slopes = [
        largest_of(
            np.linalg.norm(layer.weights * slope, 2)
            for slope in layer.activation.slope(a @ layer.weights + layer.bias)
        )
        for layer, a in zip(network, kept[:-1], strict=True)
    ]
    product = norms[-1] * np.append(np.cumprod(slopes[::-1])[::-1], 1.0)
    power = norms[-1] * rho ** np.arange(depth, -1.0, -1.0)
    theirs = backward(squashed, rows, lambda output: output - 1.0)[1]
    fourths = [np.linalg.norm(g) for g in theirs] / (rho / 4) ** np.arange(depth, -1.0, -1.0)
    turned = tuple(
        Layer(rho * np.linalg.qr(rng.normal(size=(width, width)))[0], np.zeros(width))
        for _ in range(depth)
    )
    attained = [np.linalg.norm(g) for g in backward(turned, rows, lambda output: output - 1.0)[1]]
    shares = np.array(attained) / attained[-1]
    layers = np.arange(depth + 1)
    return Outcome(
        (
            at_most(
                "largest gradient over the product of norms", (norms / product).max(), 1 + 1e-12
            ),
            at_most("largest gradient over rho^(L-j)", (norms / power).max(), 1 + 1e-12),
            at_most(
                "a layer's gradient away from differences of it, relative",
                largest_of(
                    difference_errors(network, kept, signals, rng),
                    difference_errors(squashed, activations(squashed, rows), theirs, rng),
                ),
                1e-6,
            ),
            at_most(
                "gradients of the weights away from differences, relative",
                weight_errors(network, kept, signals, gradients, rng),
                1e-6,
            ),
            at_most(
                "norms of the weights away from rho",
                (abs(np.linalg.norm(layer.weights, 2) - rho) for layer in network),
                1e-12,
            ),
            at_most(
                "sigmoid: largest gradient over (rho/4)^(L-j)",
                (fourths / fourths[-1]).max(),
                1 + 1e-12,
            ),
            at_most(
                "orthogonal layers: gradient away from rho^(L-j), relative",
                np.abs(shares / rho ** np.arange(depth, -1.0, -1.0) - 1).max(),
                1e-9,
            ),
            at_most("orthogonal layers: factor per layer", shares[0] ** (1 / depth), 1 - 1e-9),
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
        "With a residual link, x -> x + F(x) and |dF| <= rho < 1, a gradient lies between (1 - "
        "rho)^(L-j) and (1 + rho)^(L-j) times that at the output; F(x) = -rho x and rho x attain "
        "the two. Without links it is at most rho^(L-j) times it, which at rho < 1/2 is less."
    ),
    sources=(
        Source("murari", 346, "residual connections"),
        Source("tsemo", 626, "residual connection"),
        Source("tsemo", 628, "improves gradient flow"),
        Source("foundations", 177, "Mathematical justification for residual networks"),
    ),
    about=("linked_gradients",),
    reference="He et al., Identity mappings in deep residual networks, arXiv:1603.05027",
    sabotage=Sabotage("there are no links", {"links": False}),
)
def residual_links_keep_gradients(
    *, links: bool = True, rho: float = 0.3, depth: int = 40, width: int = 16, seed: int = 0
) -> Outcome:
    """`rho` is the spectral norm of every weight matrix; the activation is tanh."""
    rng = seeds.generator("residual", seed)
    network = tuple(
        Layer(one.weights, 0.2 * rng.normal(size=width), one.activation)
        for one in spectral(width, depth, rho, "tanh", seed)
    )
    rows, errors = rng.normal(size=(1, width)), []
    for keep in (links, False):
        kept, signals = linked_gradients(network, rows, keep)
        maps = [linked_map(layer, keep) for layer in network]
        errors.append(difference_errors(maps, kept, signals, rng))
        composed = rows
        for apply in maps:
            composed = apply(composed)
        errors.append(np.abs(kept[-1] - composed).max())
    linked, plain = (lengths(network, rows, keep) for keep in (links, False))
    extreme = [
        lengths((Layer(sign * rho * np.eye(width), np.zeros(width)),) * depth, rows, links)
        for sign in (-1, 1)
    ]
    layers, powers = np.arange(depth + 1), np.arange(depth, -1.0, -1.0)
    floor, ceiling = (linked[-1] * (1 + sign * rho) ** powers for sign in (-1, 1))
    return Outcome(
        (
            at_least("least gradient over (1 - rho)^(L-j)", (linked / floor).min(), 1 - 1e-12),
            at_most("largest gradient over (1 + rho)^(L-j)", (linked / ceiling).max(), 1 + 1e-12),
            at_most(
                "F(x) = -rho x and rho x: away from the two bounds, relative",
                (
                    np.abs(norms / norms[-1] / (1 + sign * rho) ** powers - 1).max()
                    for sign, norms in zip((-1, 1), extreme, strict=True)
                ),
                1e-9,
            ),
            at_most("first gradient over the last, without", plain[0] / plain[-1], rho**depth),
            at_most(
                "a layer's gradient away from differences of it, relative",
                errors,
                1e-6,
            ),
            at_most(
                "gradient at the output away from that of a sum",
                abs(linked[-1] - np.sqrt(width)),
                1e-12,
            ),
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


def linked_map(layer: Layer, links: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Return x -> F(x), or x -> x + F(x) with a link."""
    return lambda inside: layer(inside) + inside if links else layer(inside)


def linked_gradients(
    network: Network, rows: np.ndarray, links: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return A_l and dL/dA_l for l = 0 ... L with L the sum of the outputs, by hand."""
    kept = [rows]
    for layer in network:
        kept.append(layer(kept[-1]) + kept[-1] if links else layer(kept[-1]))
    signals = [np.ones_like(rows)]
    for layer, inside in zip(reversed(network), reversed(kept[:-1]), strict=True):
        slope = layer.activation.slope(inside @ layer.weights + layer.bias)
        signal = (signals[0] * slope) @ layer.weights.T
        signals.insert(0, signal + signals[0] if links else signal)
    return kept, signals


def lengths(network: Network, rows: np.ndarray, links: bool) -> np.ndarray:
    """Return |dL/dA_l| for l = 0 ... L."""
    return np.array(
        [np.linalg.norm(signal) for signal in linked_gradients(network, rows, links)[1]]
    )


@experiment(
    title="Initialisation that keeps the scale of the signal",
    statement=(
        "With independent weights of a symmetric law and variance gain / fan in, the mean square "
        "of a ReLU layer's pre-activations is multiplied by gain / 2 at every layer, in "
        "expectation: kept at gain 2, halved at gain 1, and at variance 1 multiplied by fan in / 2."
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
    *, gain: float = 2.0, depth: int = 20, width: int = 200, draws: int = 5, seed: int = 0
) -> Outcome:
    """`gain` is the variance of the weights times the fan in; `draws` networks are drawn."""
    rows = seeds.generator("initialisation", seed).normal(size=(20, width))

    def squares(scale: float, draw: int) -> np.ndarray:
        key = ("scale", seed, f"{scale:g}", draw)
        network = initialised((width,) * (depth + 1), "relu", *key, gain=scale)
        kept = activations(network, rows)[:-1]
        return np.array(
            [np.mean((a @ layer.weights) ** 2) for a, layer in zip(kept, network, strict=True)]
        )

    # The growth that the statement wants, for the gain as given and two others.
    scales, wanted = (gain, 1.0, float(width)), (1.0, 0.5, width / 2)
    found = [np.array([squares(scale, n) for n in range(draws)]) for scale in scales]
    # Each is a mean of many with that expectation given the layers below, by the symmetry W -> -W.
    growth = [(one[:, 1:] / one[:, :-1]).ravel() for one in found]
    layers = np.arange(1, depth + 1)
    return Outcome(
        (
            *(
                at_most(
                    f"variance {scale:g} / fan in: growth off {factor:g} beyond chance",
                    outside(one, factor),
                    0,
                )
                for scale, factor, one in zip(scales, wanted, growth, strict=True)
            ),
            at_most(
                "standard error of the growth at the gain, over it",
                standard_error(growth[0]) / growth[0].mean(),
                0.05,
            ),
        ),
        curves(
            "Mean square of the pre-activations",
            "layer",
            "mean square",
            {f"gain {gain:g}": (layers, found[0][0]), "gain 1": (layers, found[1][0])},
            log=True,
        ),
    )
