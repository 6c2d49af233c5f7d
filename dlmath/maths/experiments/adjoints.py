"""Gradients as adjoints in the Frobenius inner product: layers, softmax, whole networks."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import Layer, Network, backward, forward, initialised, softmax
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, dots

ADJOINT = "Horn and Johnson, Matrix analysis, 2013, section 5.2"
Map = Callable[[np.ndarray], np.ndarray]
SMOOTH = ("tanh", "sigmoid", "sine")
STEP = 1e-20  # of the complex-step derivative, which has no cancellation


def inner(left: np.ndarray, right: np.ndarray) -> float:
    """Return tr(A^T B), the sum over all entries of A * B."""
    return float(np.sum(left * right))


@experiment(
    title="The gradient is the adjoint in the Frobenius inner product",
    statement=(
        "With <A, B> = tr(A^T B), the maps G -> G W^T, G -> X^T G, G -> sum of rows, G -> G * "
        "f' and, for softmax rows S, G -> S * (G - <S, G>) are the adjoints of the "
        "differentials of the dense layer in X, W and b, of the activation and of softmax: "
        "<df(V), G> = <V, df*(G)>. The differentials are taken from the functions themselves."
    ),
    sources=(
        Source("tsemo", 140, "coincide with the scalar product defined by"),
        Source("tsemo", 337, "We deduce that"),
        Source("tsemo", 342, "summing the matrix along its columns"),
        Source("jiang", 188, "Its Jacobian matrices are"),
        Source("jiang", 116, "Its Jacobian matrix is"),
    ),
    about=("_maps", "activations.relu_slope"),
    reference=ADJOINT,
    sabotage=Sabotage("the inner product weighs the entries", {"product": "weighted"}),
)
def frobenius_adjoints(*, product: str = "frobenius", draws: int = 50, seed: int = 0) -> Outcome:
    """`product` is frobenius or weighted; directions and upstream gradients are random."""
    rng = seeds.generator("adjoints", seed)
    worst: dict[str, float] = {}
    sides: list[list[float]] = []
    weigh = choose("product", product, {"frobenius": 0.0, "weighted": 1.0})
    for _ in range(draws):
        x, w = rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
        for name, (function, point, adjoint) in _maps(x, w).items():
            v, g = rng.normal(size=point.shape), rng.normal(size=(5, 3))
            image, back = _differential(function, point, v), adjoint(g)
            gap = inner(image * _weights(image, weigh), g) - inner(v * _weights(v, weigh), back)
            worst[name] = largest_of(worst.get(name, 0.0), abs(gap))
            sides.append([inner(image, g), inner(v, back * _weights(v, weigh))])
    ends = np.array([np.min(sides), np.max(sides)])
    chart = curves("Both sides", "<df(V), G>", "<V, df*(G)>", {"equal": (ends, ends)})
    return Outcome(
        tuple(
            at_most(f"{name}: |<df(V), G> - <V, df*(G)>|", w, 1e-12) for name, w in worst.items()
        ),
        dots(chart, np.array(sides), "other"),
    )


def _maps(x: np.ndarray, w: np.ndarray) -> dict[str, tuple[Map, np.ndarray, Map]]:
    """Return (function, point, adjoint of the differential there) at X (5, 4) and W (4, 3)."""
    z = x @ w
    s, slope = softmax(z), ACTIVATIONS["relu"].slope(z)
    return {
        "X": (lambda rows: rows @ w + 1, x, lambda g: g @ w.T),
        "W": (lambda weights: x @ weights + 1, w, lambda g: x.T @ g),
        "b": (lambda bias: z + bias, np.ones(3), lambda g: g.sum(axis=0)),
        "ReLU": (lambda at: np.where(at.real > 0, at, 0), z, lambda g: g * slope),
        "softmax": (softmax, z, lambda g: s * (g - np.sum(s * g, axis=1, keepdims=True))),
    }


def _differential(function: Map, point: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return df(V) from only f, exact to rounding: the imaginary part of f(X + i h V) over h."""
    return np.imag(function(point + 1j * STEP * direction)) / STEP


def _weights(values: np.ndarray, strength: float) -> np.ndarray:
    """Return the weights 1, 1 + strength, ... of an inner product that is not Frobenius's."""
    return 1 + strength * np.arange(values.size).reshape(values.shape)


@experiment(
    title="Softmax and cross-entropy together have the gradient S - y",
    statement=(
        "For labels y whose entries sum to 1, the gradient of the cross-entropy of the softmax "
        "S(z) is S(z) - y. In general it is sum(y) S(z) - y, so labels in {0, 1}^m do not yet "
        "do."
    ),
    sources=(
        Source("jiang", 166, "is derivable on"),
        Source("jiang", 168, "S(z) - "),
        Source("tsemo", 331, "We deduce that"),
        Source("tsemo", 312, "Lemma 4.1"),
        Source("jiang", 138, "Kronecker delta"),
    ),
    about=("softmax", "_complex_step"),
    reference="Bishop, Pattern recognition and machine learning, 2006, equation 4.109",
    sabotage=Sabotage("a label is in {0, 1}^m with two ones", {"ones": 2}),
)
def softmax_cross_entropy_gradient(*, ones: int = 1, classes: int = 4, seed: int = 0) -> Outcome:
    """`ones` is the number of ones in each label; logits run from small to extreme."""
    rng = seeds.generator("softmax gradient", seed)
    label = np.zeros(classes)
    label[:ones] = 1.0
    scales = np.geomspace(0.1, 30, 20)
    gaps, general = [], []
    for scale in scales:
        z = scale * rng.normal(size=classes)
        found = np.array([_complex_step(z, label, place) for place in range(classes)])
        s = softmax(z[np.newaxis])[0]
        gaps.append(np.abs(found - (s - label)).max())
        general.append(np.abs(found - (label.sum() * s - label)).max())
    return Outcome(
        (
            at_most("largest error of S - y", gaps, 1e-12),
            at_most("largest error of sum(y) S - y", general, 1e-12),
        ),
        curves(
            "Error of the gradient S - y",
            "log10 of scale of the logits",
            "error",
            {"S - y": (np.log10(scales), gaps), "sum(y) S - y": (np.log10(scales), general)},
            log=True,
        ),
    )


def _complex_step(z: np.ndarray, label: np.ndarray, place: int) -> float:
    """Return d/dz_place of the cross-entropy of the softmax, exact to rounding."""
    moved = z.astype(complex) - z.max()
    moved[place] += STEP * 1j
    loss = np.sum(label) * np.log(np.sum(np.exp(moved))) - label @ moved
    return float(loss.imag / STEP)


@experiment(
    title="Backpropagation is the chain rule, from the end",
    statement=(
        "The gradients that the recursion G_l = dL/dZ_{l+1} W_{l+1}^T gives for every weight "
        "and bias of a deep network, and at last for its inputs, equal the derivatives of the "
        "loss, entry by entry, be the units tanh, sigmoids or sines."
    ),
    sources=(
        Source("murari", 293, r"j = L, \dots, 1,$$"),
        Source("murari", 302, "just the chain rule organised to reuse"),
        Source("tsemo", 308, "Backpropagation is the process of computing the derivative"),
        Source("tsemo", 370, "We deduce that"),
        Source("foundations", 42, "∂L/∂w = ∂L/∂y"),
    ),
    about=(
        "backward",
        "packed_gradient",
        "activations.tanh_slope",
        "activations.sigmoid_slope",
    ),
    reference="Rumelhart, Hinton and Williams, Learning by back-propagating errors, 1986",
    sabotage=Sabotage(
        "the gradient at a layer's input is used for its output", {"index": "printed"}
    ),
)
def backpropagation(*, index: str = "right", depth: int = 4, seed: int = 0) -> Outcome:
    """`index` is right, or printed: G_j where Murari's line 300 has its middle term."""
    shift = choose("index", index, {"right": 0, "printed": 1})
    pairs, errors = [], {}
    for name in SMOOTH:
        rng = seeds.generator("backpropagation", seed, name)
        network = tuple(
            Layer(one.weights, rng.normal(size=one.bias.shape), one.activation)
            for one in initialised((5,) * (depth + 1), name, seed)
        )
        x, upstream = rng.normal(size=(2, 6, 5))
        found, estimate = _both_ways(network, x, upstream, early=bool(shift))
        errors[name] = np.abs(found - estimate).max() / np.abs(estimate).max()
        pairs.append(np.column_stack([estimate, found]))
    points = np.concatenate(pairs)
    ends = np.array([points[:, 0].min(), points[:, 0].max()])
    chart = curves(
        "Every derivative", "difference of the loss", "backward", {"equal": (ends, ends)}
    )
    return Outcome(
        tuple(
            at_most(f"{name}: largest error of a derivative, relative", error, 1e-8)
            for name, error in errors.items()
        ),
        dots(chart, points, "other"),
    )


def _both_ways(
    network: Network, rows: np.ndarray, targets: np.ndarray, early: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the derivatives in every weight, bias and input: backwards, and by differences."""

    def loss(layers: Network, at: np.ndarray) -> float:
        return 0.5 * float(np.sum((forward(layers, at) - targets) ** 2))

    gradients, signals = backward(network, rows, lambda output: output - targets)
    if early:
        gradients = _with_early_signals(network, rows, signals)
    in_weights = central(lambda at: loss(unpacked(at, network), rows), packed(network))
    in_rows = central(lambda at: loss(network, at), rows)
    return (
        np.append(packed_gradient(gradients), signals[0]),
        np.append(in_weights, in_rows),
    )


def _with_early_signals(network: tuple, rows: np.ndarray, signals: list) -> list:
    """Return the weights' gradients with dL/dA_{l-1} put where dL/dA_l belongs."""
    gradients = []
    for number, layer in enumerate(network):
        inside = forward(network[:number], rows)
        at = signals[number] * layer.activation.slope(inside @ layer.weights + layer.bias)
        gradients.append((inside.T @ at, at.sum(axis=0)))
    return gradients
