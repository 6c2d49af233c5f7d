import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.maths.certificates.enclosures import BITS, Interval, atan, log, pi

# To 50 digits, from Abramowitz and Stegun, tables 1.1 and 4.2.
PI = Fraction("3.14159265358979323846264338327950288419716939937510")
LOG_2 = Fraction("0.69314718055994530941723212145817656807550013436025")
LOG_3 = Fraction("1.09861228866810969139524523692252570464749055782275")
DIGITS = Fraction(1, 10**46)  # of these that the enclosures must reach


def is_right(interval: Interval, value: Fraction) -> bool:
    """Whether the interval holds a value known to 50 digits, and is narrow."""
    half_unit = Fraction(1, 10**50)
    inside = interval.low <= value + half_unit and value - half_unit <= interval.high
    return inside and 0 < interval.high - interval.low < DIGITS


def test_golden_values_are_enclosed():
    assert is_right(pi(), PI)
    assert is_right(log(Fraction(2)), LOG_2)
    assert is_right(log(Fraction(1, 2)), -LOG_2)
    assert is_right(log(Fraction(81)), 4 * LOG_3)
    # Hutton, 1776: 2 atan(1/3) + atan(1/7) is a quarter of pi.
    assert is_right(atan(Fraction(1, 3)).times(8) + atan(Fraction(1, 7)).times(4), PI)


@given(st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=10**6))
def test_the_logarithm_lies_inside_and_the_ends_are_close(x):
    found = log(x)
    value = Fraction(math.log(x.numerator) - math.log(x.denominator))
    slack = Fraction(1, 10**12)  # of the floating point that it is compared with
    assert found.low - slack <= value <= found.high + slack
    assert found.high - found.low < Fraction(1, 2 ** (BITS - 10))


@given(st.fractions(min_value=0, max_value=Fraction(9, 10), max_denominator=10**6))
def test_the_arc_tangent_lies_inside(u):
    found = atan(u)
    slack = Fraction(1, 10**14)
    assert found.low - slack <= Fraction(math.atan(u)) <= found.high + slack


def test_log_of_a_product_and_its_sum_of_logs_overlap():
    one, two = Fraction(355, 113), Fraction(7, 19)
    sum_ = log(one) + log(two)
    product = log(one * two)
    assert sum_.low <= product.high
    assert product.low <= sum_.high


@pytest.mark.parametrize(("function", "x"), [(log, 0), (log, -1), (atan, 1), (atan, -1)])
def test_what_the_series_do_not_reach_is_refused(function, x):
    with pytest.raises(ValueError, match="Received"):
        function(Fraction(x))
