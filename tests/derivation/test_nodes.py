"""Each rule is the adjoint of its map: <A v, u> = <v, A* u>, for all sizes and in numbers."""

from fractions import Fraction

import numpy as np
import pytest

from dlmath.derivation.differentiation import differentiated
from dlmath.derivation.entrywise_functions import Clip, Erf, Exp, Log, Power, times
from dlmath.derivation.equality import are_equal
from dlmath.derivation.nodes import (
    Broadcast,
    Coefficient,
    Permute,
    Reshape,
    Scale,
    Sum,
    Variable,
    transposed,
)
from dlmath.derivation.operations import Numeric, Symbolic
from dlmath.derivation.row_functions import Mean, Trace
from dlmath.derivation.selections import Gather, Largest, Scatter
from dlmath.derivation.sizes import dimension, number_of, product
from dlmath.derivation.symbolic_operations import reduced
from dlmath.derivation.symbolic_tensor import like, named
from tests.support.index_values import array_of, factor_lengths

N, D, U = map(dimension, "NDU")
LENGTHS = {"N": 3, "D": 4, "U": 2}
X = Variable("x", (N, D))
SQUARE = Variable("x", (D, D))
PIXELS = Variable("x", (N, 6, D))
TABLE = np.array([[0, 1, -1], [1, 4, 5], [-1, 1, 1]])
FIXED = Variable("w", (N, D), is_fixed=True)
MATRIX = Variable("w", (D, U), is_fixed=True)
LEFT = Variable("w", (U, N), is_fixed=True)

LINEAR = {
    "scalar multiple": Scale(Coefficient(Fraction(2, 3), (N,), (("2", Fraction(1, 2)),)), X),
    "sum with itself": X + times(-3, X),
    "entrywise product": FIXED * X,
    "product from the right": X @ MATRIX,
    "product from the left": LEFT @ X,
    "transpose": transposed(X),
    "permutation": Permute(Variable("x", (N, D, U)), (2, 0, 1)),
    "sum over rows": Sum(X, [0]),
    "sum of all": Sum(X, [0, 1]),
    "broadcast": Broadcast(X, [1], [U]),
    "mean": Mean(X, [1]),
    "trace": Trace(SQUARE),
    "reshape": Reshape(X, (product([N, D]),)),
    "windows": Gather(PIXELS, TABLE),
    "back from windows": Scatter(Variable("x", (N, 3, 3, D)), TABLE, 6),
}


def inner(a, b):
    return reduced(a * b, None).cells[()]


@pytest.mark.parametrize("name", LINEAR)
def test_the_rule_is_the_adjoint_for_all_sizes(name):
    node = LINEAR[name]
    derivation = differentiated(node)
    x = next(iter(derivation.gradients))
    fixed = {v: named("w", v.shape) for v in (FIXED, MATRIX, LEFT)}
    values = {x: named("x", x.shape), **fixed}
    y = derivation.forward(Symbolic(), values)
    u = like("g", y.apart().axes)
    back = derivation.backward(Symbolic(), {**values, derivation.upstream: u})[x]
    assert are_equal(inner(y, u), inner(values[x], back))
    assert not are_equal(inner(y, u), inner(values[x], back).times(2))


SMOOTH = {
    "exp": Exp(X),
    "log": Log(Exp(X)),
    "erf": Erf(X),
    "cube": Power(X, 3),
    "reciprocal": Power(Exp(X), -1),
    "root": Power(Exp(X), Fraction(-1, 2)),
    "clip": Clip(Exp(X), 0.5, 2.0),
    "maximum": Largest(PIXELS, 1),
    **LINEAR,
}


def numbers(shape, seed):
    size = [number_of(length, LENGTHS) for length in shape]
    return np.random.default_rng(seed).normal(size=size)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_derived_gradient_is_the_slope_of_the_forward_pass(name):
    node = SMOOTH[name]
    derivation = differentiated(node)
    x = next(iter(derivation.gradients))
    fixed = {v: numbers(v.shape, 3) for v in (FIXED, MATRIX, LEFT)}
    at, u, direction = numbers(x.shape, 0), numbers(node.shape, 1), numbers(x.shape, 2)
    ops = Numeric(LENGTHS)

    def value(step):
        return np.sum(u * derivation.forward(ops, {x: at + step * direction, **fixed}))

    back = derivation.backward(ops, {x: at, derivation.upstream: u, **fixed})[x]
    slope = (value(1e-6) - value(-1e-6)) / 2e-6
    assert np.sum(back * direction) == pytest.approx(slope, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", SMOOTH)
def test_symbols_and_numbers_give_the_same_values(name):
    node = SMOOTH[name]
    derivation = differentiated(node)
    x = next(iter(derivation.gradients))
    variables = [x, FIXED, MATRIX, LEFT]
    symbols = {v: named(f"{v.name}{i}", v.shape) for i, v in enumerate(variables)}
    arrays = {f"{v.name}{i}": numbers(v.shape, i) for i, v in enumerate(variables)}
    given = {v: arrays[f"{v.name}{i}"] for i, v in enumerate(variables)}
    y = derivation.forward(Symbolic(), symbols)
    symbols[derivation.upstream] = like("g", y.apart().axes)
    given[derivation.upstream] = numbers(node.shape, 9)
    arrays["g"] = given[derivation.upstream].reshape(factor_lengths(y, LENGTHS))
    ops = Numeric(LENGTHS)
    pairs = [
        (y, derivation.forward(ops, given)),
        (derivation.backward(Symbolic(), symbols)[x], derivation.backward(ops, given)[x]),
    ]
    for symbolic, numeric in pairs:
        assert array_of(symbolic, arrays, LENGTHS) == pytest.approx(numeric, rel=1e-12, abs=1e-14)
