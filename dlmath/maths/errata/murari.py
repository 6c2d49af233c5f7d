"""Errata of Murari's lectures."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.errata.erratum import (
    EXTRACTION,
    HISTORY,
    MATHEMATICS,
    PRINT,
    READING,
    Comparison,
    Erratum,
    violations,
)
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import activations, backward, initialised
from dlmath.maths.papers import Source

X = np.linspace(-3, 3, 601)
Curve = Callable[[np.ndarray], np.ndarray]


def _outputs_missing(rows: int) -> float:
    """Return how far the outputs of A_1 with so many rows, for d = 4 and c = 2, are from c."""
    return float(abs(len(np.ones((rows, 7)) @ np.ones(7)) - 2))


def _from_the_hat(curve: Curve) -> float:
    return float(np.abs(curve(X) - (relu(X - 1) - 2 * relu(X) + relu(X + 1))).max())


def _undefined(numbers: range) -> float:
    """Return how many steps read a theta that no step before, and no start, has defined."""
    known, missing = {0}, 0
    for k in numbers:
        missing += k not in known
        known.add(k + 1)
    return float(missing)


def _steepest(function: Curve) -> float:
    """Return the largest slope of a function between neighbours x and x + 1, out to 10,000."""
    x = np.geomspace(1, 1e4, 20)
    return float(np.max(function(x + 1) - function(x)))


def _unequal_sides(product: Callable[[np.ndarray], float]) -> float:
    """Return how far a product of y - x is from mu |y - x|^2 at mu = 2."""
    step = np.array([1.0, -2.0])
    return float(abs(2 * step @ step - product(step)))


def _factors_outside(belongs: Callable[[float], bool]) -> float:
    """Return how many factors gamma, at the best step for mu = L and mu = L / 2, are outside."""
    gammas = [1 - 4 * mu * 3 / (mu + 3) ** 2 for mu in (3.0, 1.5)]
    return violations(belongs, [(gamma,) for gamma in gammas])


def _landscapes() -> list[tuple[bool, bool, bool]]:
    """Return whether a function is convex, has several minima, and all of them equally low.

    For x^2, the loss tanh(a)^2 / 2 of line 269, (x^2 - 1)^2, and the same tilted by x / 4.
    """
    x = np.linspace(-2.5, 2.5, 5001)
    cases = []
    for values in (x**2, np.tanh(x) ** 2 / 2, (x**2 - 1) ** 2, (x**2 - 1) ** 2 + x / 4):
        inner = values[1:-1]
        least = inner[(inner < values[:-2]) & (inner < values[2:])]
        convex = bool(np.all(np.diff(values, 2) > -1e-12))
        cases.append((convex, len(least) > 1, bool(np.ptp(least) < 1e-6)))
    return cases


def _gradient_error(index: Callable[[int], int]) -> float:
    """Return the largest relative error of J^T g for the weights of a layer, with g by an index.

    The network has four tanh layers of one width; g_j is the gradient at the input of layer j.
    """
    network = initialised((5,) * 5, "tanh", "index")
    rows = seeds.generator("index").normal(size=(1, 5))
    gradients, signals = backward(network, rows, lambda a: a - 1)
    kept = activations(network, rows)
    errors = []
    for j, (layer, inside) in enumerate(zip(network, kept[:-1], strict=True)):
        slope = layer.activation.slope(inside @ layer.weights + layer.bias)
        claimed = inside.T @ (signals[index(j)] * slope)
        true = gradients[j][0]
        errors.append(np.linalg.norm(claimed - true) / np.linalg.norm(true))
    return float(largest_of(errors))


def _product_error(product: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """Return the relative error of a product of J and g as the gradient of |F(x)|^2 / 2."""
    rng = seeds.generator("products")
    jacobian, x = rng.normal(size=(4, 4)), rng.normal(size=4)
    steps = 1e-6 * np.eye(4)
    half = [np.sum((jacobian @ (x + s)) ** 2 - (jacobian @ (x - s)) ** 2) / 4e-6 for s in steps]
    return float(np.linalg.norm(product(jacobian, jacobian @ x) - half) / np.linalg.norm(half))


def _extra_kinks(function: Curve) -> float:
    """Return the kinks that a function has on [-64, 64] beyond those that it has on [-8, 8]."""
    counts = []
    for reach in (8, 64):
        x = np.linspace(-reach, reach, 32 * reach + 1)  # 1/16 apart: every kink is on the grid
        counts.append(int(np.sum(np.abs(np.diff(function(x), 2)) > 1e-9)))
    return float(counts[1] - counts[0])


def _from_the_maximum(row: np.ndarray) -> float:
    """Return how far a row times three ReLUs is from max(u, v); infinite if it does not fit."""
    u, v = seeds.generator("transpose").normal(size=(2, 50))
    units = relu(np.array([[1.0, -1], [0, 1], [0, -1]]) @ np.stack([u, v]))  # (3, 50)
    if row.shape[1] != len(units):
        return float("inf")
    return float(np.abs(row @ units - np.maximum(u, v)).max())


ERRATA = (
    Erratum(
        Source("murari", 90, r"A_1 \in \mathbb{R}^{d \times h}"),
        PRINT,
        "The last matrix of a network from R^d to R^c is in R^(d x h).",
        "With d = 4, c = 2 it has 4 outputs.",
        "It is in R^(c x h).",
        (
            Comparison(
                "outputs away from c, with d = 4 and c = 2", _outputs_missing, 4, 2, wrong_by=2
            ),
        ),
    ),
    Erratum(
        Source("murari", 189, r"(-1)^p \text{ReLU}(-x)"),
        EXTRACTION,
        "x^p = ReLU^p(x) + (-1)^p ReLU(-x).",
        "At x = -3, p = 2 the right side is 3.",
        "x^p = ReLU^p(x) + (-1)^p ReLU^p(-x), for p >= 1.",
        (
            Comparison(
                "largest difference to x^2",
                lambda curve: float(np.abs(curve(X) - X**2).max()),
                printed=lambda x: relu(x) ** 2 + relu(-x),
                right=lambda x: relu(x) ** 2 + relu(-x) ** 2,
                wrong_by=1,
                within=1e-12,
            ),
        ),
    ),
    Erratum(
        Source("murari", 193, r"\max\{0, |1 - |x||\}"),
        EXTRACTION,
        "The hat is max{0, |1 - |x||}.",
        "At x = 2 that is 1, and the three ReLUs of the next line give 0.",
        "The hat is max{0, 1 - |x|}.",
        (
            Comparison(
                "largest difference to the three ReLUs",
                _from_the_hat,
                printed=lambda x: np.maximum(0, np.abs(1 - np.abs(x))),
                right=lambda x: np.maximum(0, 1 - np.abs(x)),
                wrong_by=1,
                within=1e-12,
            ),
        ),
    ),
    Erratum(
        Source("murari", 209, r"k = 1, \dots, \text{epochs}"),
        PRINT,
        "theta_(k+1) = T(theta_k, ...) for k = 1, 2, ... from a given theta_0.",
        "The first step reads theta_1, which nothing defines.",
        "k = 0, 1, ..., epochs - 1.",
        (
            Comparison(
                "steps of 9 that read a theta that is not defined",
                _undefined,
                range(1, 10),
                range(9),
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("murari", 236, "F is L -smooth if and only if"),
        PRINT,
        "The definition of L-smooth has the heading Lipschitz continuity.",
        "x^2 is 2-smooth, and Lipschitz for no constant.",
        "The heading is that of the line before; this one defines smoothness.",
        (
            Comparison(
                "slope beyond 2 of what is asked to be 2-Lipschitz, for F(x) = x^2",
                lambda function: largest_of(0.0, _steepest(function) - 2),
                printed=lambda x: x**2,
                right=lambda x: 2 * x,
                wrong_by=1e4,
                within=1e-9,
            ),
        ),
    ),
    Erratum(
        Source("murari", 239, r"= (\mathbf{y} - \mathbf{x})^\top (\mathbf{y} - \mathbf{x})"),
        EXTRACTION,
        "mu |y - x|^2 = (y - x)^T (y - x) in the definition of strong convexity.",
        "At mu = 2 the sides differ by |y - x|^2.",
        "mu |y - x|^2 = mu (y - x)^T (y - x).",
        (
            Comparison(
                "difference of the sides at mu = 2, |y - x|^2 = 5",
                _unequal_sides,
                printed=lambda step: step @ step,
                right=lambda step: 2 * step @ step,
                wrong_by=5,
                within=1e-12,
            ),
        ),
    ),
    Erratum(
        Source("murari", 251, r"\in (0, 1)"),
        MATHEMATICS,
        "The contraction factor gamma is in (0, 1).",
        "With mu = L and the best step, gamma = 0: one step arrives.",
        "gamma is in [0, 1).",
        (
            Comparison(
                "factors at the best step, for mu = L and mu = L / 2, outside the interval",
                _factors_outside,
                printed=lambda gamma: 0 < gamma < 1,
                right=lambda gamma: 0 <= gamma < 1,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("murari", 275, "generally leads to several equivalent local minima"),
        MATHEMATICS,
        "A lack of convexity leads to several equivalent local minima.",
        "The loss of line 269 is not convex and has one minimum; (x^2 - 1)^2 + x / 4 has two, of "
        "different depth.",
        "It is symmetries of the weights that make minima equivalent, such as an exchange of "
        "units. A lack of convexity only takes a promise away: that all minima are equally low.",
        (
            Comparison(
                "functions of 4 for which it is false",
                lambda claim: violations(claim, _landscapes()),
                printed=lambda convex, several, equal: convex or (several and equal),
                right=lambda convex, several, equal: not convex or equal,
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("murari", 280, "Vol. 451. 2018"),
        HISTORY,
        "Allen-Zhu, Li and Song appeared at ICML 2018.",
        "arXiv:1811.03962 is of November 2018, after that conference.",
        "ICML 2019, Proceedings of Machine Learning Research 97, as Du et al. of the next line.",
        reference="Proceedings of Machine Learning Research 97, 2019, pages 242-252",
    ),
    Erratum(
        Source("murari", 300, r"\nabla_{\mathbf{x}^j} \mathcal{L}_n"),
        EXTRACTION,
        "The gradient for theta_j is J^T times the gradient at x^j, the input of layer j.",
        "In a network of four layers it misses the derivative by more than 50 %.",
        "J^T times the gradient at x^(j+1), which is g^(j+1), as the line's last term has it.",
        (
            Comparison(
                "largest relative error of the gradient of a layer's weights",
                _gradient_error,
                printed=lambda j: j,
                right=lambda j: j + 1,
                wrong_by=0.5,
                within=1e-12,
            ),
        ),
    ),
    Erratum(
        Source("murari", 302, "organised to reuse Jacobian"),
        PRINT,
        "Backpropagation reuses Jacobian-vector products.",
        "J g is not the gradient, even where the sizes fit.",
        "Vector-Jacobian products: J^T g, as line 300 has it. Products J v are those of forward "
        "mode.",
        (
            Comparison(
                "relative error of the product of J and g as a gradient",
                _product_error,
                printed=lambda jacobian, g: jacobian @ g,
                right=lambda jacobian, g: jacobian.T @ g,
                wrong_by=0.5,
                within=1e-6,
            ),
        ),
    ),
    Erratum(
        Source("murari", 386, "several such results also for deep networks"),
        HISTORY,
        "Leshno et al. is a result for deep networks.",
        "Its theorem is about sums of s(w . x + b), one hidden layer, as Pinkus's survey tells.",
        "For deep networks of bounded width: Lu et al., arXiv:1709.02540; Kidger and Lyons, "
        "arXiv:1905.08539.",
        reference="Pinkus, Approximation theory of the MLP model in neural networks, 1999, "
        "theorem 3.1",
    ),
    Erratum(
        Source("murari", 390, r"\ell = 1, \dots, L"),
        PRINT,
        "A_l is affine for l = 1, ..., L, in a network of A_L, ..., A_0.",
        "Of A_0 nothing is said.",
        "For l = 0, ..., L.",
        (
            Comparison(
                "maps of a network with L = 3 of which nothing is said",
                lambda numbers: float(len(set(range(4)) - set(numbers))),
                range(1, 4),
                range(4),
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("murari", 396, "Any continuous piecewise affine (CPA) function"),
        READING,
        "Any continuous piecewise affine function is a ReLU network.",
        "Not with infinitely many pieces: the distance to the nearest integer has kinks without "
        "end, a network finitely many.",
        "Any with finitely many pieces, as the proof's maximum over m = 1, ..., M supposes.",
        (
            Comparison(
                "kinks that are found as one looks further",
                _extra_kinks,
                printed=lambda x: np.abs(x - np.round(x)),
                right=lambda x: relu(x[:, np.newaxis] - np.arange(-6.0, 6)) @ np.arange(1.0, 13),
                wrong_by=200,
            ),
        ),
    ),
    Erratum(
        Source("murari", 407, r"1 & 1 & -1 \end{bmatrix}^\top"),
        EXTRACTION,
        "max(u, v) is the transpose of the row [1 1 -1] times three ReLUs.",
        "The product of a (3, 1) and a (3, 1) matrix does not exist.",
        "The row itself, without the transposition; so too [1 -1] at line 444.",
        (
            Comparison(
                "largest difference to max(u, v), infinite where the product does not exist",
                _from_the_maximum,
                np.array([[1.0], [1.0], [-1.0]]),
                np.array([[1.0, 1.0, -1.0]]),
                wrong_by=1,
                within=1e-12,
            ),
        ),
    ),
)
