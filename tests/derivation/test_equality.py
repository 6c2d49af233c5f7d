from fractions import Fraction

import pytest

from dlmath.derivation.atoms import Applied, Index
from dlmath.derivation.entrywise import (
    absolute,
    clip,
    erf,
    exp,
    log,
    maximum,
    minimum,
    positive,
    power,
    sign,
)
from dlmath.derivation.equality import are_equal
from dlmath.derivation.index_notation import ONE, ZERO, entry, number, scalar, term
from dlmath.derivation.sizes import NotTraceable

N, M, D, E = Index("n", "N"), Index("m", "N"), Index("d", "D"), Index("e", "D")
HALF = Fraction(1, 2)
X, Y, G = entry("x", N, D), entry("y", N, D), entry("g", N, D)
SUM = entry("p", N, E).summed(E)  # over a row
ROW = exp(entry("x", N, E)).summed(E)


def delta(one, two):
    return entry("delta", one, two)


EQUAL = {
    "binomial": ((X + Y) * (X + Y), X * X + (X * Y).times(2) + Y * Y),
    "order of sums": (
        entry("a", N, D).summed(N).summed(D),
        entry("a", Index("i", "N"), Index("j", "D"))
        .summed(Index("j", "D"))
        .summed(Index("i", "N")),
    ),
    "product of two sums": (
        SUM * SUM,
        (entry("p", N, D) * entry("p", N, E)).summed(D).summed(E),
    ),
    "sum of ones": (ONE.summed(D), scalar("D")),
    "delta": ((delta(D, E) * entry("x", N, E)).summed(E), X),
    "trace of a product": (
        (entry("a", N, D) * entry("b", D, N)).summed(N).summed(D),
        (entry("b", D, N) * entry("a", N, D)).summed(D).summed(N),
    ),
    "exponential of a sum": (exp(X + Y), exp(X) * exp(Y)),
    "logarithm of a product": (log(exp(X) * ROW), X + log(ROW)),
    "shift of a softmax": (
        exp(X - entry("m", N)) * power((exp(entry("x", N, E) - entry("m", N))).summed(E), -1),
        exp(X) * power(ROW, -1),
    ),
    "two sigmoids": (power(ONE + exp(-X), -1), exp(X) * power(ONE + exp(X), -1)),
    "common denominator": (
        power(ONE + exp(X), -1) - power(ONE + exp(X), -2),
        exp(X) * power(ONE + exp(X), -2),
    ),
    "roots": (power(X * X + ONE, HALF) * power(X * X + ONE, HALF), X * X + ONE),
    "root of a number": (
        power(number(8), HALF),
        power(number(2), HALF).times(2),
    ),
    "odd": (erf(-X), -erf(X)),
    "absolute": (absolute(X), maximum(X, ZERO) + maximum(-X, ZERO)),
    "sign": (X * sign(X), absolute(X)),
    "cap": (
        minimum(maximum(X, ZERO), number(6)),
        X * positive(X) * positive(number(6) - X) + number(6) - positive(number(6) - X).times(6),
    ),
    "softplus": (
        maximum(X, ZERO) + log(ONE + exp(-absolute(X))),
        log(ONE + exp(X)),
    ),
    "a sum divided by itself": ((exp(entry("x", N, E)) * power(ROW, -1)).summed(E), ONE),
    "clipped from the other side": (
        clip(ONE - X, number(Fraction(1, 9)), number(Fraction(8, 9))),
        ONE - clip(X, number(Fraction(1, 9)), number(Fraction(8, 9))),
    ),
    "summands": (absolute(X).summed(D), (X * sign(X)).summed(D)),
}

DIFFERENT = {
    "another entry": (X, Y),
    "another index": (X, entry("x", N, E)),
    "transposed": (entry("a", D, E), entry("a", E, D)),
    "a factor": (X, X.times(2)),
    "a size": (ONE.summed(D), scalar("N")),
    "mean and sum": (SUM, SUM * scalar("D", -1)),
    "square of a sum, sum of squares": (SUM * SUM, power(entry("p", N, E), 2).summed(E)),
    "sum over one index or two": (
        (entry("p", N, E) * entry("y", N, E)).summed(E),
        SUM * entry("y", N, E).summed(E),
    ),
    "sigmoid and its slope": (power(ONE + exp(-X), -1), exp(X) * power(ONE + exp(X), -2)),
    "root of a square": (power(X * X, HALF), X),
    "kink": (positive(X), ONE - positive(-X)),
    "leaky": (maximum(X, ZERO), maximum(X, X.times(Fraction(1, 100)))),
    "step elsewhere": (positive(X), positive(X - ONE)),
    "cap elsewhere": (minimum(maximum(X, ZERO), number(6)), maximum(X, ZERO)),
    "exponential": (exp(X), ONE + X),
    "clipped within other bounds": (
        clip(ONE - X, number(Fraction(1, 9)), number(Fraction(7, 9))),
        ONE - clip(X, number(Fraction(1, 9)), number(Fraction(7, 9))),
    ),
    "a part of a sum divided by it": ((entry("x", N, E) * power(SUM, -1)).summed(E), ONE),
    "another base": (power(ONE + exp(X), -1), power(ONE + exp(Y), -1)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_expressions_are_proven_equal(name):
    assert are_equal(*EQUAL[name])
    assert are_equal(G * EQUAL[name][0], G * EQUAL[name][1])


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_expressions_are_not(name):
    assert not are_equal(*DIFFERENT[name])
    assert not are_equal(G * DIFFERENT[name][0], G * DIFFERENT[name][1])


def test_a_sum_that_is_multiplied_out_binds_no_index_of_the_term_it_stands_in():
    inside = (entry("p", N, E) * entry("y", N, E)).summed(E)
    by_sum = inside * power(SUM, -1)
    ((monomial, value),) = by_sum.terms.items()
    base = next(a for a, _ in monomial.factors if isinstance(a, Applied))
    back = term(value, monomial.scalars, (*monomial.factors, (base, Fraction(2))), monomial.bound)
    assert back == inside * SUM
    assert len(next(iter(back.terms)).bound) == 2


def test_a_negative_power_of_zero_is_refused():
    with pytest.raises(NotTraceable, match="power of 0"):
        power(ZERO, -1)
