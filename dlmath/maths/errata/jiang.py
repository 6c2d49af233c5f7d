"""Errata of Jiang's article."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import relu
from dlmath.maths.errata.erratum import (
    MATHEMATICS,
    PRINT,
    READING,
    Comparison,
    Erratum,
    violations,
)
from dlmath.maths.network import softmax
from dlmath.maths.papers import Source

STEP = 1e-6
Vector = np.ndarray
Intervals = list[tuple[float, float]]
Cover = Callable[[Intervals], Intervals]
Relation = Callable[[Intervals, Intervals], bool]


def _derivative(function: Callable[[Vector], float | Vector], at: Vector) -> Vector:
    """Return the gradient (d,), or the Jacobian (m, d), by central differences."""
    columns = [
        (np.asarray(function(at + h)) - function(at - h)) / (2 * STEP)
        for h in STEP * np.eye(len(at))
    ]
    return np.stack(columns, axis=-1)


def _not_derivable(quotient: Callable[[Vector, Vector], float]) -> float:
    """Return the spread of the quotient that should have a limit, for x -> M x at a = (1, 1)."""
    steps = [length * np.array(v) for length in (1e-3, 1e-6) for v in ((1.0, 0), (-1.0, 0), (0, 1))]
    values = [quotient(np.array([[1.0, 2.0], [0.0, -1.0]]), step) for step in steps]
    return float(max(np.abs(value - values[0]).max() for value in values))


def _compact_sets_missed(claim: tuple[Cover, Relation]) -> float:
    """Return how many of [0, 1], [0, 1] with 2, and {0} do not relate so to closures of open sets.

    A claim is how closures are chosen for a compact set, and how they should relate to it.
    """
    sets: list[Intervals] = [[(0, 1)], [(0, 1), (2, 2)], [(0, 0)]]
    closures, relation = claim
    return violations(relation, [(closures(one), one) for one in sets])


def _inside(compact: Intervals) -> Intervals:
    """Return the closure of the interior: what open sets within the set can reach."""
    return [(low, high) for low, high in compact if low < high]


def _around(compact: Intervals) -> Intervals:
    return [(low - 1, high + 1) for low, high in compact]


def _covers(closures: Intervals, compact: Intervals) -> bool:
    return all(any(low <= a and b <= high for low, high in closures) for a, b in compact)


def _rows_missed(shape: Callable[[int, int, int], tuple[int, int]]) -> float:
    """Return by how many entries a shape misses that of the product of (2, 3) and (3, 5)."""
    true = (np.ones((2, 3)) @ np.ones((3, 5))).shape
    return float(sum(abs(a - b) for a, b in zip(shape(2, 3, 5), true, strict=True)))


def _points_without_a_slope(places: Vector) -> float:
    """Return how many places have another slope of ReLU on the right than on the left."""
    right, left = (relu(places + h) - relu(places) for h in (STEP, -STEP))
    return float(np.sum(np.abs(right / STEP + left / STEP) > 1e-3))


def _outside(least: int) -> float:
    """Return how many widths from `least` to 5 have a softmax with an entry outside ]0, 1[."""
    values = [softmax(np.linspace(0.0, 1, m)[np.newaxis]) for m in range(least, 6)]
    return float(sum(bool(np.any((s <= 0) | (s >= 1))) for s in values))


def _losses_missed(claim: Callable[[float, float], bool]) -> float:
    """Return how many predictions of a cross-entropy, near the truth (0, 1), break a claim.

    Each is (entry of the true class, rise of the loss as that entry grows by 0.05).
    """
    entries = np.array([0.3, 0.5, 0.7, 0.9])
    return violations(claim, [(p, float(np.log(p) - np.log(p + 0.05))) for p in entries])


def _in_its_variable(at: Vector) -> float:
    """Return how far -y / s is from the derivative of the cross-entropy, for (z, variable)."""
    truth, variable = at[0], at[1]
    z = np.array([0.2, -0.5, 1.0])
    s = softmax(z[np.newaxis])[0]

    def loss(v: Vector) -> float:
        inside = softmax(v[np.newaxis])[0] if variable[0] else v
        return float(-truth @ np.log(inside))

    return float(np.abs(-truth / s - _derivative(loss, z if variable[0] else s)).max())


def _softmax_gradient(truth: Vector) -> float:
    z = np.array([0.2, -0.5, 1.0, 0.4])
    true = _derivative(lambda v: float(-truth @ np.log(softmax(v[np.newaxis])[0])), z)
    return float(np.abs(softmax(z[np.newaxis])[0] - truth - true).max())


def _dense() -> tuple[Vector, ...]:
    """Return W (3, 4), y (4,), b (3,) and an upstream gradient g (3,)."""
    rng = seeds.generator("jiang")
    return rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=3), rng.normal(size=3)


def _values_missed(outputs: int) -> float:
    """Return how many numbers F(ReLU(L(y))) has away from a claimed number, for a real F."""
    w, y, b, g = _dense()
    return float(abs(outputs - np.size(g @ relu(w @ y + b))))


def _undetermined(known: Callable[[Vector], tuple]) -> float:
    """Return the spread of F(y') = y'_1 y'_2 over points that `known` does not tell apart."""
    points = [np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([2.0, 3.0])]
    pairs = [(p, q) for p in points for q in points if known(p) == known(q)]
    return max(float(abs(np.prod(p) - np.prod(q))) for p, q in pairs)


def _input_gradient(formula: Callable[[Vector, Vector, Vector], Vector]) -> float:
    """Return how far a formula in g, W y + b and W is from dF/dy; infinite in another shape."""
    w, y, b, g = _dense()
    true = _derivative(lambda v: float(g @ relu(w @ v + b)), y)
    claimed = formula(g, w @ y + b, w)
    if claimed.shape != true.shape:
        return float("inf")
    return float(np.abs(claimed - true).max())


def _unit_gradient(indicator: Callable[[Vector, int], Vector]) -> float:
    """Return how far indicator * y is from the derivative of unit 1 of 3 in its weights."""
    y = np.array([1.0, -2.0, 0.5])
    w = np.diag([2.0, -1.0, 1.0]) / y  # units 1 to 3 have the values 2, -1 and 1
    true = _derivative(lambda v: float(relu(np.array([v @ y]))[0]), w[0])
    return float(np.abs(indicator(w @ y, 0) * y - true).max())


def _bias_jacobian(argument: Callable[[Vector, Vector], Vector]) -> float:
    """Return how far diag(1(argument > 0)) is from the derivative of ReLU(W y + b) in b."""
    w, y, b, _ = _dense()
    true = _derivative(lambda v: relu(w @ y + v), b)
    return float(np.abs(np.diag(argument(w @ y + b, b) > 0) - true).max())


ERRATA = (
    Erratum(
        Source("jiang", 34, r"\|x - a\|_m} - f'(a)"),
        MATHEMATICS,
        "f is derivable at a if (f(x) - f(a)) / |x - a| has a limit.",
        "For f(x) = x the quotient is 1 on the right and -1 on the left.",
        "If a linear map D has |f(x) - f(a) - D(x - a)| / |x - a| -> 0.",
        (
            Comparison(
                "spread of the quotient near a, for a linear f on R^2",
                _not_derivable,
                printed=lambda m, step: m @ step / np.linalg.norm(step),
                right=lambda m, step: (
                    (m @ (np.ones(2) + step) - m @ np.ones(2) - m @ step) / np.linalg.norm(step)
                ),
                wrong_by=1.9,
                within=1e-9,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 42, "compact and bounded"),
        MATHEMATICS,
        "Piecewise derivable: every compact set is a union of closures of open sets on which ...",
        "A single point is compact and no such union, so no function is piecewise derivable.",
        "Every compact set is covered by finitely many such closures. (Compact sets of R^m are "
        "bounded.)",
        (
            Comparison(
                "compact sets of 3 that are not as asked",
                _compact_sets_missed,
                printed=(_inside, list.__eq__),
                right=(_around, _covers),
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 78, r"$C$  is a  $m \times p$  matrix"),
        PRINT,
        "The product of an n x m and an m x p matrix is m x p.",
        "n = 2, m = 3, p = 5: it has two rows.",
        "It is n x p.",
        (
            Comparison(
                "rows and columns away from those of the product",
                _rows_missed,
                printed=lambda n, m, p: (m, p),
                right=lambda n, m, p: (n, p),
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 116, "is an activation function"),
        READING,
        "ReLU is an activation function, that is, continuous and derivable.",
        "It is made so by a hypothesis (line 112); at 0 its slope is 0 on the left and 1 on the "
        "right.",
        "It is continuous and piecewise derivable; its value at 0 is a convention (line 114), and "
        "its derivative as a distribution is the Heaviside function.",
        (
            Comparison(
                "places with another slope on the right than on the left",
                _points_without_a_slope,
                np.array([-1.0, 0.0, 1.0]),
                np.array([-1.0, 1.0]),
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 126, "]0, 1[^m"),
        MATHEMATICS,
        "Softmax maps R^m to ]0, 1[^m.",
        "For m = 1 it is 1.",
        "For m >= 2; for m = 1 to {1}.",
        (
            Comparison(
                "numbers m of classes, up to 5, with a value outside ]0, 1[^m",
                _outside,
                printed=1,
                right=2,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 148, "is an increasing function according each coefficient"),
        MATHEMATICS,
        "A loss increases in each coefficient of the deviation from the truth.",
        "Cross-entropy, the proposition that follows, falls as the entry of the true class grows.",
        "A loss is least where the prediction is the truth; it may grow in both directions.",
        (
            Comparison(
                "predictions of 4 at which cross-entropy does otherwise",
                _losses_missed,
                printed=lambda entry, rise: rise > 0,
                right=lambda entry, rise: -np.log(entry) >= 0,
                wrong_by=4,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 162, r"\frac{d\xi}{dz}"),
        PRINT,
        "The gradient of cross-entropy in z is -y / s.",
        "z is the input of softmax, in line 168 too; in it the gradient is S(z) - y.",
        "It is the gradient in the probabilities, which the line calls y.",
        (
            Comparison(
                "largest error of -y / s as a derivative in that variable",
                _in_its_variable,
                printed=np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]),
                right=np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
                wrong_by=1,
                within=1e-6,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 166, r"\hat{y} \in \{0,1\}^m"),
        MATHEMATICS,
        "The gradient of cross-entropy after softmax is S - y for y in {0, 1}^m.",
        "For y = (1, 1, 0, 0) it is 2 S - y.",
        "For y whose entries sum to 1; in general sum(y) S - y.",
        (
            Comparison(
                "largest error of S - y as the gradient",
                _softmax_gradient,
                np.array([1.0, 1, 0, 0]),
                np.array([1.0, 0, 0, 0]),
                wrong_by=0.3,
                within=1e-8,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 200, r"F^{upstream} \circ ReLU \circ L : \mathfrak{R}^m"),
        PRINT,
        "A real function of ReLU(L) has values in R^(m').",
        "With m' = 3 units, F of their outputs is one number.",
        "Its values are in R.",
        (
            Comparison(
                "numbers of a value away from that claimed, with m' = 3",
                _values_missed,
                printed=3,
                right=1,
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 204, r"F_j^{upstream}(y'_j)"),
        MATHEMATICS,
        "Coefficient j of a real function F of y' is a function of y'_j.",
        "F is one number, and F(y') = y'_1 y'_2 is not known from y'_1.",
        "What is needed of F is its gradient at y': by the chain rule unit j has the derivative "
        "dF/dy'_j times its own.",
        (
            Comparison(
                "spread of y'_1 y'_2 where it should be determined",
                _undetermined,
                printed=lambda point: (point[0],),
                right=tuple,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 210, r"\frac{dF^{upstream}}{dy'}(ReLU(L(y, W, b)))_1"),
        MATHEMATICS,
        "The derivative of a real function of the dense layer is an m' x m matrix.",
        "A function of 4 variables has 4 partial derivatives, not 12.",
        "It is the sum of the rows of that matrix: W^T (g * 1(L > 0)).",
        (
            Comparison(
                "largest error as the gradient in y, infinite in another shape",
                _input_gradient,
                printed=lambda g, z, w: (g * (z > 0))[:, np.newaxis] * w,
                right=lambda g, z, w: w.T @ (g * (z > 0)),
                wrong_by=1,
                within=1e-8,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 216, r"(L_1(w)) \times y_1"),
        MATHEMATICS,
        "Entry i of the derivative of unit j in its weights has the indicator of unit i.",
        "With units of different signs it misses the derivative.",
        "All entries have the indicator of unit j: 1(L_j > 0) y.",
        (
            Comparison(
                "largest error of the derivative of unit 1",
                _unit_gradient,
                printed=lambda z, j: z > 0,
                right=lambda z, j: z[j] > 0,
                wrong_by=1,
                within=1e-8,
            ),
        ),
    ),
    Erratum(
        Source("jiang", 222, r"\frac{d \text{ReLU}}{db}"),
        PRINT,
        "The derivative of ReLU(L) in b is dReLU/db.",
        "ReLU is no function of b; at b its slope is another one than at W y + b.",
        "It is dReLU/dz at z = L(y, W, b), as in line 118.",
        (
            Comparison(
                "largest error of the slope of ReLU as the derivative",
                _bias_jacobian,
                printed=lambda z, b: b,
                right=lambda z, b: z,
                wrong_by=0.9,
                within=1e-8,
            ),
        ),
    ),
)
