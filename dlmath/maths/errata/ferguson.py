"""Errata of Ferguson's guide."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.errata.erratum import MATHEMATICS, PRINT, READING, Comparison, Erratum, violations
from dlmath.maths.papers import Source


def _neurons() -> list[tuple[bool, bool, bool]]:
    """Return whether points of R^3 fire, lie on the hyperplane, and lie on its positive side."""
    w, b = np.array([1.0, -2.0, 0.5]), 0.3
    points = np.array([[3.0, 0, 0], [0, -2.0, 0], [0.3, 0, 0], [-1.0, 0, 0]])
    sums = points @ w
    return [
        (bool(fires), bool(abs(side) < 1e-12), bool(side > 1e-12))
        for fires, side in zip(sums > b + 1e-12, sums - b, strict=True)
    ]


def _balls() -> list[tuple[bool, bool]]:
    """Return whether an activation is non-linear, and whether its neuron can decide a ball.

    It cannot if its output at the centre is that at a point far outside: the neuron is constant
    on hyperplanes. For the step, ReLU, tanh and the square, each with 5 drawn weights.
    """
    rng = seeds.generator("balls")
    functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "step": lambda s: (s > 0).astype(float),
        "square": np.square,
        **{name: ACTIVATIONS[name].value for name in ("relu", "tanh")},
    }
    cases = []
    for function in functions.values():
        for w in rng.normal(size=(5, 2)):
            outside = 3 * np.array([-w[1], w[0]]) / np.linalg.norm(w)  # |x| = 3, w . x = 0
            outputs = function(np.array([0.0, w @ outside]) - 0.5)
            cases.append((True, bool(abs(outputs[0] - outputs[1]) > 1e-9)))
    return cases


def _ends_outside(spaces: int) -> float:
    """Return how many of the spaces that 3 maps X^(l) -> X^(l+1) connect are not there."""
    needed = {space for number in range(3) for space in (number, number + 1)}
    return float(len(needed - set(range(spaces))))


def _dimension_missed(arguments: Callable[[int], int]) -> float:
    """Return how far the number of real arguments of a unit is from that of its layer's outputs."""
    layer = np.ones((2, 5))  # 2 examples of a layer of 5 neurons
    return float(abs(arguments(layer.shape[1]) - len(layer[0])))


def _outputs_missed(outputs: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """Return how far the entries that a map gives are from those of X^(l+1) = R^3."""
    return float(abs(np.size(outputs(np.ones(5), np.ones((5, 3)))) - 3))


def _mismatches(domain: Callable[[int, int], int]) -> float:
    """Return how far the arguments of what alpha gives are from those it needs next.

    `domain` takes the widths of layer l and of layer l + 1. What alpha^(l+1) is applied to next
    has the width of layer l + 1, here 3; that of layer l is 5.
    """
    return float(abs(domain(5, 3) - 3))


ERRATA = (
    Erratum(
        Source("ferguson", 86, "belongs to some n -dimensional hyperplane"),
        MATHEMATICS,
        "A neuron determines whether a point belongs to an n-dimensional hyperplane.",
        "In R^3 points far from the plane make it fire.",
        "It determines on which side of a hyperplane, of dimension n - 1, the point lies.",
        (
            Comparison(
                "points of 4 at which the neuron does otherwise",
                lambda claim: violations(claim, _neurons()),
                printed=lambda fires, on, above: fires == on,
                right=lambda fires, on, above: fires == above,
                wrong_by=3,
            ),
        ),
    ),
    Erratum(
        Source("ferguson", 90, "provided one also uses a non-linear activation"),
        READING,
        "A neuron with a non-linear activation can learn non-linear functions.",
        "Not the ball of the sentence before: whatever its activation, a neuron is constant on the "
        "hyperplanes w . x = c, so its output at the centre is also that at points outside. The "
        "step of line 72 is non-linear already.",
        "It takes a layer of neurons with a non-linear activation between two affine maps; three "
        "units are enough for a disc up to a triangle around it.",
        (
            Comparison(
                "neurons of 20, with four activations, of which it is false",
                lambda claim: violations(claim, _balls()),
                printed=lambda nonlinear, decides: decides or not nonlinear,
                right=lambda nonlinear, decides: not decides,
                wrong_by=20,
            ),
        ),
    ),
    Erratum(
        Source("ferguson", 96, r"\ell \in \{0, \dots, N-1\}"),
        PRINT,
        "N spaces X^(0), ..., X^(N-1) are connected by N maps.",
        "The map of number N - 1 goes to X^(N), which is not among them.",
        "N + 1 spaces, from 0 to N; the output layer is the one of number N.",
        (
            Comparison(
                "spaces missing for N = 3 maps", _ends_outside, printed=3, right=4, wrong_by=1
            ),
        ),
    ),
    Erratum(
        Source("ferguson", 118, r"\mathcal{F}^{(\ell)} = \{f \mid f"),
        MATHEMATICS,
        "The functions of layer l take d^(l) arguments from X^(l), d^(l) being its number of "
        "neurons.",
        "X^(l) is already the space of all outputs of the layer: with 5 neurons the functions "
        "would take 25 numbers.",
        "They take one argument from X^(l) = R^(d^(l)), that is, d^(l) numbers.",
        (
            Comparison(
                "arguments of a function on a layer of 5 neurons, away from its outputs",
                _dimension_missed,
                printed=lambda neurons: neurons * neurons,
                right=lambda neurons: neurons,
                wrong_by=20,
            ),
        ),
    ),
    Erratum(
        Source("ferguson", 120, r"\alpha_i^{(\ell)} : \mathcal{X}^{(\ell)} \rightarrow"),
        MATHEMATICS,
        "The affine function of one neuron maps X^(l) to X^(l+1).",
        "Its formula, x^T w_i, is a number.",
        "It maps X^(l) to R; those of all d^(l+1) neurons together map to X^(l+1).",
        (
            Comparison(
                "entries of its value away from those of X^(l+1) = R^3",
                _outputs_missed,
                printed=lambda x, w: x @ w[:, 0],
                right=lambda x, w: x @ w,
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("ferguson", 126, r"\alpha^{(\ell)} : \mathcal{F}^{(\ell)} \rightarrow"),
        MATHEMATICS,
        "The affine functions of a layer map the functions F^(l) of one layer to those of the "
        "next.",
        "Line 128 applies them to points. Applied to a function, alpha after f still takes the "
        "arguments of layer l, and a function of F^(l+1) takes those of layer l + 1.",
        "alpha^(l) : X^(l) -> X^(l+1), as line 128 uses it.",
        (
            Comparison(
                "arguments of what alpha gives, away from those of layer l + 1 with 3 neurons",
                _mismatches,
                printed=lambda width, following: width,
                right=lambda width, following: following,
                wrong_by=2,
            ),
        ),
    ),
)
