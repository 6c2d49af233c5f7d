"""Errata of Murari's lectures."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.errata.erratum import Erratum
from dlmath.maths.experiment_base import Check, at_least, at_most
from dlmath.maths.papers import Source
from dlmath.maths.registry import find

X = np.linspace(-3, 3, 601)


def _hat() -> tuple[Check, ...]:
    network = relu(X - 1) - 2 * relu(X) + relu(X + 1)
    printed, corrected = np.maximum(0, np.abs(1 - np.abs(X))), np.maximum(0, 1 - np.abs(X))
    return (
        at_least(
            "printed: largest difference to the three ReLUs", np.abs(printed - network).max(), 1
        ),
        at_most("corrected: largest difference", np.abs(corrected - network).max(), 1e-12),
    )


def _power() -> tuple[Check, ...]:
    printed, corrected = (relu(X) ** 2 + relu(-X) ** p for p in (1, 2))
    return (
        at_least("printed: largest difference to x^2", np.abs(printed - X**2).max(), 1),
        at_most("corrected: largest difference", np.abs(corrected - X**2).max(), 1e-12),
    )


def _smooth() -> tuple[Check, ...]:
    x = np.geomspace(1, 1e4, 20)  # F(x) = x^2, between x and x + 1
    return (
        at_least("largest slope of x^2, which has no Lipschitz constant", max(2 * x + 1), 1e4),
        at_most(
            "largest slope of its gradient: it is 2-smooth", max(2 * (x + 1) - 2 * x), 2 + 1e-9
        ),
    )


def _strong_convexity() -> tuple[Check, ...]:
    mu, step = 2.0, np.array([1.0, -2.0])  # F(x) = |x|^2 is 2-strongly convex
    product = (2 * step) @ step
    return (
        at_least(
            "printed: gap between mu |y - x|^2 and (y - x)^T (y - x)",
            abs(mu * step @ step - step @ step),
            1,
        ),
        at_most(
            "corrected: mu |y - x|^2 less (grad F(y) - grad F(x))^T (y - x)",
            mu * step @ step - product,
            0,
        ),
    )


def _factor() -> tuple[Check, ...]:
    mu = smoothness = 3.0
    tau = 2 / (mu + smoothness)
    gamma = 1 - 2 * tau * mu * smoothness / (mu + smoothness)
    return (
        at_most("gamma at mu = L and the best step, which is in [0, 1) but not (0, 1)", gamma, 0),
    )


def _backpropagation() -> tuple[Check, ...]:
    experiment = find("backpropagation")
    wrong, right = (experiment.run(index=index).checks[0].value for index in ("printed", "right"))
    return (
        at_least("printed: relative error of the gradient", wrong, 0.1),
        at_most("corrected: relative error", right, 1e-7),
    )


def _shapes() -> tuple[Check, ...]:
    d, c, h = 4, 2, 7
    hidden = np.ones(h)
    return (
        at_least(
            "printed: outputs of A_1 in R^(d x h), away from c",
            abs(len(np.ones((d, h)) @ hidden) - c),
            1,
        ),
        at_most(
            "corrected: outputs of A_1 in R^(c x h), away from c",
            abs(len(np.ones((c, h)) @ hidden) - c),
            0,
        ),
    )


def _finite_pieces() -> tuple[Check, ...]:
    def kinks(values: np.ndarray) -> int:
        return int(np.sum(np.abs(np.diff(values, 2)) > 1e-9))

    rng, units = seeds.generator("pieces"), 12
    counts = []
    for reach in (8, 64):
        x = np.linspace(-reach, reach, 32 * reach + 1)  # 1/16 apart: every kink is on the grid
        places = rng.integers(-16 * reach, 16 * reach, units) / 16
        network = relu(x[:, np.newaxis] - places) @ rng.normal(size=units)
        counts.append((kinks(np.abs(x - np.round(x))), kinks(network)))
    return (
        at_least("kinks of the distance to the nearest integer on [-64, 64]", counts[1][0], 250),
        at_most("kinks of a network of 12 units, however far one looks", counts[1][1], units),
    )


def _transpose() -> tuple[Check, ...]:
    u, v = seeds.generator("transpose").normal(size=(2, 50))
    row = np.array([[1.0, 1.0, -1.0]])
    units = relu(np.array([[1.0, -1], [0, 1], [0, -1]]) @ np.stack([u, v]))  # (3, 50)
    try:
        row.T @ units
        fits = 1.0
    except ValueError:
        fits = 0.0
    return (
        at_most("printed: whether the product of (3, 1) and (3, N) exists", fits, 0),
        at_most(
            "corrected: largest difference to max(u, v)",
            np.abs(row @ units - np.maximum(u, v)).max(),
            1e-12,
        ),
    )


def _sigmoidal() -> tuple[Check, ...]:
    experiment = find("sigmoid-staircase")
    sine, sigmoid = (
        experiment.run(activation=name).checks[1].value for name in ("sine", "sigmoid")
    )
    return (
        at_least("sine, bounded: error of the staircase", sine, 0.5),
        at_most("sigmoid, with limits 0 and 1: error", sigmoid, 0.05),
    )


ERRATA = (
    Erratum(
        Source("murari", 90, r"A_1 \in \mathbb{R}^{d \times h}"),
        "The last matrix of a network from R^d to R^c is in R^(d x h).",
        "With d = 4, c = 2 it has 4 outputs.",
        "It is in R^(c x h).",
        _shapes,
    ),
    Erratum(
        Source("murari", 176, "called **sigmoidal** have a bounded range"),
        "Sigmoidal functions are those of bounded range.",
        "The sine is bounded, and its steep copies make no staircase.",
        "Sigmoidal asks for limits, 0 at -infinity and 1 at infinity (Cybenko), or two different "
        "ones. For bounded continuous functions that are not constant, approximation holds too, by "
        "another argument (Hornik).",
        _sigmoidal,
    ),
    Erratum(
        Source("murari", 189, r"(-1)^p \text{ReLU}(-x)"),
        "x^p = ReLU^p(x) + (-1)^p ReLU(-x).",
        "At x = -3, p = 2 the right side is 3.",
        "x^p = ReLU^p(x) + (-1)^p ReLU^p(-x), for p >= 1.",
        _power,
    ),
    Erratum(
        Source("murari", 193, r"\max\{0, |1 - |x||\}"),
        "The hat is max{0, |1 - |x||}.",
        "At x = 2 that is 1, and the three ReLUs of the next line give 0.",
        "The hat is max{0, 1 - |x|}.",
        _hat,
    ),
    Erratum(
        Source("murari", 209, r"k = 1, \dots, \text{epochs}"),
        "theta_(k+1) = T(theta_k, ...) for k = 1, 2, ... from a given theta_0.",
        "The first step reads theta_1, which nothing defines.",
        "k = 0, 1, ..., epochs - 1.",
    ),
    Erratum(
        Source("murari", 236, "F is L -smooth if and only if"),
        "Lipschitz continuity: F is L-smooth if its gradient is L-Lipschitz.",
        "x^2 is 2-smooth, and Lipschitz for no constant.",
        "The line defines smoothness; Lipschitz continuity of F is the line before.",
        _smooth,
    ),
    Erratum(
        Source("murari", 239, r"= (\mathbf{y} - \mathbf{x})^\top (\mathbf{y} - \mathbf{x})"),
        "mu |y - x|^2 = (y - x)^T (y - x) in the definition of strong convexity.",
        "F(x) = |x|^2, mu = 2: the sides differ by |y - x|^2.",
        "mu |y - x|^2 = mu (y - x)^T (y - x).",
        _strong_convexity,
    ),
    Erratum(
        Source("murari", 251, r"\in (0, 1)"),
        "The contraction factor gamma is in (0, 1).",
        "With mu = L and the best step, gamma = 0: one step arrives.",
        "gamma is in [0, 1).",
        _factor,
    ),
    Erratum(
        Source("murari", 280, "Vol. 451. 2018"),
        "Allen-Zhu, Li and Song appeared at ICML 2018.",
        "arXiv:1811.03962 is of November 2018, after that conference.",
        "ICML 2019, Proceedings of Machine Learning Research 97, as Du et al. of the next line.",
    ),
    Erratum(
        Source("murari", 300, r"\nabla_{\mathbf{x}^j} \mathcal{L}_n"),
        "The gradient for theta_j is J^T times the gradient at x^j, the input of layer j.",
        "In a network of four layers it misses the derivative by more than 100 %.",
        "J^T times the gradient at x^(j+1), which is g^(j+1), as the line's last term has it.",
        _backpropagation,
    ),
    Erratum(
        Source("murari", 386, "several such results also for deep networks"),
        "Leshno et al. is a result for deep networks.",
        "Its theorem is about sums of s(w . x + b), one hidden layer, as Pinkus's survey tells.",
        "For deep networks of bounded width: Lu et al., arXiv:1709.02540; Kidger and Lyons, "
        "arXiv:1905.08539.",
    ),
    Erratum(
        Source("murari", 396, "Any continuous piecewise affine (CPA) function"),
        "Any continuous piecewise affine function is a ReLU network.",
        "The distance to the nearest integer has kinks without end, a network finitely many.",
        "Any with finitely many pieces, as the proof's maximum over m = 1, ..., M supposes.",
        _finite_pieces,
    ),
    Erratum(
        Source("murari", 407, r"1 & 1 & -1 \end{bmatrix}^\top"),
        "max(u, v) is the transpose of the row [1 1 -1] times three ReLUs.",
        "The product of a (3, 1) and a (3, 1) matrix does not exist.",
        "The row itself, without the transposition; so too [1 -1] at line 444.",
        _transpose,
    ),
)
