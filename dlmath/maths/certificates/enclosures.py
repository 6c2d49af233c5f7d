r"""Enclosures of log and atan between fractions, so that an inequality is proven and not rounded.

    log x = 2 artanh(u) = 2 (u + u^3/3 + u^5/5 + ...),   u = (x - 1) / (x + 1), for x > 0;
    atan u = u - u^3/3 + u^5/5 - ...,                    for 0 <= u < 1.

The first series has a rest below its next term over 1 - u^2; the second lies between any two
consecutive sums. Ends are rounded outwards to multiples of 2^-BITS, so that fractions stay short.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

BITS = 160
_STEP = Fraction(1, 2**BITS)


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, which are fractions."""

    low: Fraction
    high: Fraction

    def __add__(self, other: "Interval") -> "Interval":
        return outwards(self.low + other.low, self.high + other.high)

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low)

    def __sub__(self, other: "Interval") -> "Interval":
        return self + -other

    def times(self, number: Fraction | int) -> "Interval":
        """Return the interval times a number."""
        ends = sorted((self.low * number, self.high * number))
        return outwards(*ends)

    def is_below(self, other: "Interval") -> bool:
        """Return whether every number here is below every number there."""
        return self.high < other.low


def outwards(low: Fraction, high: Fraction) -> Interval:
    """Return an interval that holds [low, high], with ends of few digits."""
    return Interval(floor(low / _STEP) * _STEP, ceil(high / _STEP) * _STEP)


def log(x: Fraction) -> Interval:
    """Return an enclosure of log x, for a fraction x > 0.

    Raises:
        ValueError: x is not positive.
    """
    if x <= 0:
        raise ValueError(f"the logarithm is of positive numbers. Received: x={x}")
    if x < 1:
        return -log(1 / x)
    if x > 2:  # the series is slow far from 1
        return log(x / 2) + log(Fraction(2))
    u = (x - 1) / (x + 1)
    total, power, n = Fraction(0), u, 1
    while power > _STEP:
        total += power / n
        power, n = power * u * u, n + 2
    rest = power / n / (1 - u * u)
    return outwards(2 * total, 2 * (total + rest))


def atan(u: Fraction) -> Interval:
    """Return an enclosure of atan u, for a fraction 0 <= u < 1.

    Raises:
        ValueError: u is outside.
    """
    if not 0 <= u < 1:
        raise ValueError(f"the series converges for 0 <= u < 1. Received: u={u}")
    total, power, n, sign = Fraction(0), u, 1, 1
    while power > _STEP:
        total += sign * power / n
        power, n, sign = power * u * u, n + 2, -sign
    after = total + sign * power / n
    return outwards(min(total, after), max(total, after))


def pi() -> Interval:
    """Return an enclosure of pi, by Machin's formula: pi/4 = 4 atan(1/5) - atan(1/239)."""
    return atan(Fraction(1, 5)).times(16) - atan(Fraction(1, 239)).times(4)
