"""Errata of Ferguson, Jiang and the foundations."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.errata.erratum import Erratum
from dlmath.maths.experiment_base import Check, at_least, at_most
from dlmath.maths.network import softmax
from dlmath.maths.papers import Source
from dlmath.maths.registry import find


def _side() -> tuple[Check, ...]:
    w, b = np.array([1.0, -2.0, 0.5]), 0.3
    inside = np.array([[3.0, 0, 0], [0, -2.0, 0]])  # fire, but lie on no common w . x = b
    kernel = 3 - np.linalg.matrix_rank(w[np.newaxis])
    return (
        at_least("points that fire and are not on the hyperplane", np.sum(inside @ w - b > 1), 2),
        at_most("dimension of the hyperplane in R^3, which is n - 1", kernel, 2),
    )


def _affine() -> tuple[Check, ...]:
    experiment = find("linear-network-is-one-layer")
    linear, tanh = (experiment.run(activation=a).checks[0].value for a in ("linear", "tanh"))
    return (
        at_most("printed: six affine functions, away from one", linear, 1e-11),
        at_least("corrected: with tanh between them, away from one", tanh, 1),
    )


def _agnostic() -> tuple[Check, ...]:
    # Thresholds on [0, 1]; a label is right with chance 0.8, so no threshold errs less than 0.2.
    rng, places = seeds.generator("agnostic"), np.linspace(0, 1, 11)
    x = rng.random((200, 500))
    y = (x > 0.5) ^ (rng.random((200, 500)) < 0.2)
    errors = np.stack([np.mean((x > place) != y, axis=1) for place in places])  # (11, draws)
    true = 0.2 + 0.6 * np.abs(places - 0.5)
    excess = true[errors.argmin(axis=0)] - 0.2
    bound = 2 * np.sqrt(np.log(2 * 11 / 0.05) / (2 * 500))
    return (
        at_least("least error in the class, though the law of x is known", true.min(), 0.2),
        at_most(
            "share of draws with an excess above the agnostic bound", np.mean(excess > bound), 0.05
        ),
    )


def _derivable() -> tuple[Check, ...]:
    steps = np.array([1e-3, -1e-3, 1e-6, -1e-6])
    printed = ((2.0 + steps) - 2.0) / np.abs(steps)  # f(x) = x at a = 2
    matrix, a = np.array([[1.0, 2.0], [0.0, -1.0]]), np.ones(2)
    v = 1e-6 * np.array([[1.0, 0], [0, 1], [-1, 1]])
    linear = ((a + v) @ matrix.T - matrix @ a - v @ matrix.T) / np.linalg.norm(v, axis=1)[:, None]
    return (
        at_least("printed: spread of the quotients of f(x) = x near 2", np.ptp(printed), 1.9),
        at_most("corrected: remainder of a linear map over |x - a|", np.abs(linear).max(), 1e-9),
    )


def _product() -> tuple[Check, ...]:
    c = np.ones((2, 3)) @ np.ones((3, 5))  # n = 2, m = 3, p = 5
    return (
        at_least("printed: rows of A B away from m", abs(len(c) - 3), 1),
        at_most("corrected: rows of A B away from n", abs(len(c) - 2), 0),
    )


def _relu_is_not_derivable() -> tuple[Check, ...]:
    h = 1e-6
    right, left = relu(np.array([h]))[0] / h, relu(np.array([-h]))[0] / -h
    return (at_least("slope of ReLU on the right of 0 less that on the left", right - left, 1),)


def _one_class() -> tuple[Check, ...]:
    return (at_least("softmax of one number", softmax(np.array([[0.7]]))[0, 0], 1),)


def _increasing() -> tuple[Check, ...]:
    label, y = np.array([0.0, 1.0]), np.array([0.3, 0.7])
    loss = [-(label @ np.log(y + np.array([0, move]))) for move in (0.0, 0.1)]
    return (
        at_most(
            "change of the cross-entropy as the entry of the true class grows",
            loss[1] - loss[0],
            -0.1,
        ),
        at_least("cross-entropy at y less its least value, at y = label", loss[0], 0),
    )


def _labels() -> tuple[Check, ...]:
    experiment = find("softmax-cross-entropy-gradient")
    return (
        at_least(
            "printed, label (1, 1, 0, 0): error of S - y",
            experiment.run(ones=2).checks[0].value,
            0.5,
        ),
        at_most("corrected, one-hot: error of S - y", experiment.run().checks[0].value, 1e-12),
    )


def _dense() -> tuple[np.ndarray, ...]:
    rng = seeds.generator("jiang")
    return rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=3), rng.normal(size=3)


def _upstream() -> tuple[Check, ...]:
    w, y, b, g = _dense()  # F(z) = g . z
    rows = g[:, np.newaxis] * (w @ y + b > 0)[:, np.newaxis] * w  # the printed matrix, (m', m)
    step = 1e-6
    true = np.array(
        [
            (g @ relu(w @ (y + e) + b) - g @ relu(w @ (y - e) + b)) / (2 * step)
            for e in step * np.eye(4)
        ]
    )
    return (
        at_least("printed: numbers in the matrix, for a function of 4 variables", rows.size, 12),
        at_most(
            "corrected, the sum of its rows: largest error",
            np.abs(rows.sum(axis=0) - true).max(),
            1e-8,
        ),
    )


def _indicator() -> tuple[Check, ...]:
    _, y, b, _ = _dense()
    y, b = y[:3], b
    w = np.diag([2.0, -1.0, 1.0]) / y  # units 1 to 3 have different signs at y
    fires = w @ y + np.zeros(3) > 0
    step, unit = 1e-6, 0
    true = np.array(
        [(relu((w[unit] + e) @ y) - relu((w[unit] - e) @ y)) / (2 * step) for e in step * np.eye(3)]
    )
    return (
        at_least(
            "printed, unit i's indicator at entry i: largest error",
            np.abs(fires * y - true).max(),
            1e-2,
        ),
        at_most(
            "corrected, unit j's at all entries: largest error",
            np.abs(fires[unit] * y - true).max(),
            1e-8,
        ),
    )


def _adam() -> tuple[Check, ...]:
    experiment = find("adam-bias-correction")
    wrong, right = (experiment.run(bias_correction=on).checks[0].value for on in (False, True))
    return (
        at_least("printed: first step over the rate, away from 1", wrong, 2),
        at_most("corrected: the same", right, 1e-5),
    )


def _sgd() -> tuple[Check, ...]:
    rows = np.array([1.0, 2.0, 6.0])  # L(w) = mean (w - x)^2 / 2
    whole, single = 0.0 - rows.mean(), 0.0 - rows
    return (
        at_least("spread of a stochastic step", np.ptp(single), 1),
        at_most("its mean less the gradient of all rows", abs(single.mean() - whole), 1e-12),
    )


def _softmax_of_a_number() -> tuple[Check, ...]:
    f = np.array([[1.0, 2.0, 0.5]])
    printed = sum(softmax(f[:, [k]])[0, 0] for k in range(3))
    return (
        at_least("printed: sum over k of softmax(f_k)", printed, 3),
        at_most(
            "corrected: sum over k of softmax(f)_k, away from 1", abs(softmax(f).sum() - 1), 1e-12
        ),
    )


def _any_network() -> tuple[Check, ...]:
    experiment = find("nonpolynomial-activation")
    square, tanh = (experiment.run(activation=name).checks[0].value for name in ("square", "tanh"))
    return (
        at_least("activation x^2: error at width 128", square, 0.5),
        at_most("activation tanh: error", tanh, 0.01),
    )


def _homeomorphism() -> tuple[Check, ...]:
    t = np.array([1e-6, 2 * np.pi - 1e-6])  # of [0, 2 pi), mapped to the circle
    circle = np.column_stack([np.cos(t), np.sin(t)])
    return (
        at_least("distance of two parameters", np.ptp(t), 6),
        at_most(
            "distance of their points: the inverse is not continuous",
            np.linalg.norm(circle[0] - circle[1]),
            1e-5,
        ),
        at_most(
            "points of the line on which ReLU is one to one, of -2 and -1",
            len(np.unique(relu(np.array([-2.0, -1.0])))),
            1,
        ),
    )


def _newton() -> tuple[Check, ...]:
    experiment = find("newton-is-quadratic")
    far, near = (experiment.run(start=start).checks[0].value for start in (1.1, 0.9))
    return (
        at_most("from 1.1: whether it converges", float(far <= 1e-12), 0),
        at_most("from 0.9: error", near, 1e-12),
    )


ERRATA = (
    Erratum(
        Source("ferguson", 86, "belongs to some n -dimensional hyperplane"),
        "A neuron determines whether a point belongs to an n-dimensional hyperplane.",
        "In R^3 points far from the plane make it fire.",
        "It determines on which side of a hyperplane, of dimension n - 1, the point lies.",
        _side,
    ),
    Erratum(
        Source("ferguson", 94, "by simply composing the learned affine functions"),
        "Composing the neurons' affine functions gives a multilayer perceptron.",
        "Six affine functions compose to one, as line 150 says itself.",
        "The neurons are composed, with their activations between the affine functions.",
        _affine,
    ),
    Erratum(
        Source("ferguson", 96, r"\ell \in \{0, \dots, N-1\}"),
        "N spaces X^(0), ..., X^(N-1) are connected by N maps.",
        "The map of number N - 1 goes to X^(N), which is not among them.",
        "N + 1 spaces, from 0 to N; the output layer is the one of number N.",
    ),
    Erratum(
        Source("ferguson", 120, r"\alpha_i^{(\ell)} : \mathcal{X}^{(\ell)} \rightarrow"),
        "The affine function of one neuron maps X^(l) to X^(l+1).",
        "Its formula, x^T w_i, is a number.",
        "It maps X^(l) to R; those of all d^(l+1) neurons together map to X^(l+1).",
    ),
    Erratum(
        Source("jiang", 34, r"\|x - a\|_m} - f'(a)"),
        "f is derivable at a if (f(x) - f(a)) / |x - a| has a limit.",
        "For f(x) = x the quotient is 1 on the right and -1 on the left.",
        "If a linear map D has |f(x) - f(a) - D(x - a)| / |x - a| -> 0.",
        _derivable,
    ),
    Erratum(
        Source("jiang", 42, "compact and bounded"),
        "Piecewise derivable: every compact set is a union of closures of open sets on which ...",
        "A single point is compact and no such union, so no function is piecewise derivable.",
        "Every compact set is covered by finitely many such closures. (Compact sets of R^m are "
        "bounded.)",
    ),
    Erratum(
        Source("jiang", 78, r"$C$  is a  $m \times p$  matrix"),
        "The product of an n x m and an m x p matrix is m x p.",
        "n = 2, m = 3, p = 5: it has two rows.",
        "It is n x p.",
        _product,
    ),
    Erratum(
        Source("jiang", 116, "is an activation function"),
        "ReLU is an activation function, that is, continuous and derivable.",
        "At 0 its slope is 0 on the left and 1 on the right.",
        "It is continuous and piecewise derivable; its value at 0 is a convention (line 114), and "
        "its derivative as a distribution is the Heaviside function (Tsemo, Proposition 5.2).",
        _relu_is_not_derivable,
    ),
    Erratum(
        Source("jiang", 126, "]0, 1[^m"),
        "Softmax maps R^m to ]0, 1[^m.",
        "For m = 1 it is 1.",
        "For m >= 2; for m = 1 to {1}.",
        _one_class,
    ),
    Erratum(
        Source("jiang", 148, "is an increasing function according each coefficient"),
        "A loss increases in each coefficient of the deviation from the truth.",
        "Cross-entropy, the proposition that follows, falls as the entry of the true class grows.",
        "A loss is least where the prediction is the truth; it may grow in both directions.",
        _increasing,
    ),
    Erratum(
        Source("jiang", 166, r"\hat{y} \in \{0,1\}^m"),
        "The gradient of cross-entropy after softmax is S - y for y in {0, 1}^m.",
        "For y = (1, 1, 0, 0) it is 2 S - y.",
        "For y whose entries sum to 1; in general sum(y) S - y.",
        _labels,
    ),
    Erratum(
        Source("jiang", 210, r"\frac{dF^{upstream}}{dy'}(ReLU(L(y, W, b)))_1"),
        "The derivative of a real function of the dense layer is an m' x m matrix.",
        "A function of 4 variables has 4 partial derivatives, not 12.",
        "It is the sum of the rows of that matrix: W^T (g * 1(L > 0)).",
        _upstream,
    ),
    Erratum(
        Source("jiang", 216, r"(L_1(w)) \times y_1"),
        "Entry i of the derivative of unit j in its weights has the indicator of unit i.",
        "With units of different signs it misses the derivative.",
        "All entries have the indicator of unit j: 1(L_j > 0) y.",
        _indicator,
    ),
    Erratum(
        Source("foundations", 46, "Stochastic Gradient Descent (SGD)"),
        "Stochastic gradient descent is w - eta grad L(w).",
        "That step sees all rows and has nothing stochastic.",
        "The gradient of the loss of a random row or batch, whose expectation is that of L.",
        _sgd,
    ),
    Erratum(
        Source("foundations", 48, "Adam Optimizer"),
        "Adam divides m(t) by sqrt(v(t)) + eps.",
        "The first step is 3.2 times the rate, and the next are longer.",
        "m / (1 - beta1^t) and v / (1 - beta2^t) come in place of m and v.",
        _adam,
    ),
    Erratum(
        Source("foundations", 74, "softmax(fk(x))"),
        "P(y = k | x) = softmax(f_k(x)).",
        "The softmax of one number is 1, so these sum to K.",
        "softmax(f(x))_k.",
        _softmax_of_a_number,
    ),
    Erratum(
        Source("foundations", 133, "Neural networks can approximate any continuous function"),
        "Neural networks approximate any continuous function on compact sets.",
        "With the activation x^2 and one hidden layer all of them are quadratic polynomials.",
        "If and only if the activation is not a polynomial (Leshno et al., for one hidden layer).",
        _any_network,
    ),
    Erratum(
        Source("foundations", 140, "Homeomorphisms: Continuous bijective mappings preserved by"),
        "Homeomorphisms are continuous bijections, and networks preserve them.",
        "[0, 2 pi) -> circle is a continuous bijection whose inverse is not continuous; ReLU is "
        "not one to one.",
        "The inverse has to be continuous too; a network is a homeomorphism onto its image if each "
        "layer is injective, with a strictly monotone activation.",
        _homeomorphism,
    ),
    Erratum(
        Source("foundations", 148, "Uses the Hessian matrix for quadratic convergence"),
        "Newton's method converges quadratically.",
        "For log cosh it diverges from 1.1.",
        "Near a minimum with a positive definite Hessian; globally with a line search on strictly "
        "convex functions.",
        _newton,
    ),
    Erratum(
        Source("foundations", 165, "Learning without distributional assumptions"),
        "Agnostic learning is learning without assumptions on the distribution.",
        "PAC learning makes none of them either; with labels that are wrong at times no hypothesis "
        "of the class is right, whatever is known of the distribution.",
        "Agnostic learning does not assume that the truth is in the class, and asks for an error "
        "near the least in it (Kearns, Schapire and Sellie, 1994).",
        _agnostic,
    ),
)
