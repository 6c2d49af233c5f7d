r"""Certificates: what one needs to see that a finite statement is true, and its verification.

A certificate holds fractions only, and `problems()` computes with fractions only: nothing is
rounded, and nothing is taken over from the program that found it. No problem means that the
statement is a theorem about its instance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise
from math import prod

from dlmath.maths.certificates.enclosures import Interval, atan, log, pi

Point = tuple[Fraction, ...]


def monomials(point: Point, degree: int) -> list[Fraction]:
    """Return the monomials of a point up to a degree, 1 first."""
    return [
        prod((point[axis] for axis in chosen), start=Fraction(1))
        for total in range(degree + 1)
        for chosen in combinations_with_replacement(range(len(point)), total)
    ]


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """Return the sum of the products."""
    return sum((x * y for x, y in zip(a, b, strict=True)), start=Fraction(0))


@dataclass(frozen=True)
class LeastDegree:
    """The least degree of a polynomial whose sign is right on all points is exactly `degree`.

    That one of `degree` is right is seen by evaluating it. That none of a lower degree is, by
    Farkas's lemma in Gordan's form (1873): if sum of w_i y_i m(x_i) = 0 with w >= 0, not all 0, for
    the vector m of the monomials up to degree - 1, then for any polynomial p of that degree
    sum of w_i (y_i p(x_i)) = 0, so not all of the y_i p(x_i) are positive.

    Attributes:
        points: The points.
        labels: +1 or -1 for each.
        degree: The degree.
        coefficients: Of the polynomial that is right, in the order of `monomials`.
        weights: w by the number of the point; those left out are 0.
    """

    points: tuple[Point, ...]
    labels: tuple[int, ...]
    degree: int
    coefficients: tuple[Fraction, ...]
    weights: dict[int, Fraction]

    @property
    def claim(self) -> str:
        """The statement in words."""
        return (
            f"the least degree of a polynomial whose sign is right on these {len(self.points)} "
            f"points is exactly {self.degree}"
        )

    @property
    def evidence(self) -> str:
        """What the certificate consists of, in words."""
        return (
            f"a polynomial of degree {self.degree} with {len(self.coefficients)} rational "
            f"coefficients; {len(self.weights)} rational weights that rule out degree "
            f"{self.degree - 1}"
        )

    def problems(self) -> list[str]:
        """Return what is wrong with the certificate; nothing proves the statement."""
        if any(label not in (1, -1) for label in self.labels):
            return ["a label is neither 1 nor -1"]
        if len(self.points) != len(self.labels):
            return ["there is not one label for each point"]
        return [*self._problems_of_polynomial(), *self._problems_of_weights()]

    def _problems_of_polynomial(self) -> list[str]:
        wrong = [
            number
            for number, (point, label) in enumerate(zip(self.points, self.labels, strict=True))
            if label * dot(self.coefficients, monomials(point, self.degree)) <= 0
        ]
        return [f"the polynomial is wrong at point {number}" for number in wrong]

    def _problems_of_weights(self) -> list[str]:
        found = []
        if any(weight < 0 for weight in self.weights.values()):
            found.append("a weight is negative")
        if not any(self.weights.values()):
            found.append("all weights are 0")
        moments = [
            [weight * self.labels[n] * m for m in monomials(self.points[n], self.degree - 1)]
            for n, weight in self.weights.items()
        ]
        if any(sum(column) != 0 for column in zip(*moments, strict=True)):
            found.append("the weighted monomials do not sum to 0")
        return found


@dataclass(frozen=True)
class RungeThreshold:
    r"""Interpolation of 1 / (1 + 25 x^2) at equidistant points diverges from a place x* on.

    By potential theory (Trefethen, Approximation theory and approximation practice, 2013, 13) the
    polynomials through equidistant points of [-1, 1] converge at x where U(x) < U(i/5), i/5 being
    the pole, and diverge where U(x) > U(i/5), for the potential U(z) = 1/2 int log|z - t| dt:

        2 U(x) + 2   = h(x) = (1 + x) log(1 + x) + (1 - x) log(1 - x),     -1 < x < 1,
        2 U(i/5) + 2 = log(26/25) + (2/5) atan 5.

    h increases on (0, 1), since h'(x) = log((1 + x) / (1 - x)) > 0. So low < x* < high is
    h(low) < log(26/25) + (2/5) atan 5 < h(high), which enclosures between fractions prove.

    Attributes:
        low, high: Fractions of (0, 1).
    """

    low: Fraction
    high: Fraction

    @property
    def claim(self) -> str:
        """The statement in words."""
        return (
            "equidistant interpolation of 1/(1 + 25 x^2) converges for |x| < x* and diverges for "
            f"|x| > x*, with {float(self.low):.12f} < x* < {float(self.high):.12f}"
        )

    @property
    def evidence(self) -> str:
        """What the certificate consists of, in words."""
        width = float(self.high - self.low)
        return f"signs of the potential's difference at two fractions {width:.0e} apart"

    def problems(self) -> list[str]:
        """Return what is wrong with the certificate; nothing proves the statement."""
        if not 0 < self.low < self.high < 1:
            return ["the ends are not 0 < low < high < 1"]
        found = []
        pole = self.at_pole()
        if not self.height(self.low).is_below(pole):
            found.append("the potential at the lower end is not proven to be below the pole's")
        if not pole.is_below(self.height(self.high)):
            found.append("the potential at the upper end is not proven to be above the pole's")
        return found

    @staticmethod
    def height(x: Fraction) -> Interval:
        """Return an enclosure of h(x)."""
        return log(1 + x).times(1 + x) + log(1 - x).times(1 - x)

    @staticmethod
    def at_pole() -> Interval:
        """Return an enclosure of log(26/25) + (2/5) atan 5; atan 5 = pi/2 - atan(1/5)."""
        angle = pi().times(Fraction(1, 2)) - atan(Fraction(1, 5))
        return log(Fraction(26, 25)) + angle.times(Fraction(2, 5))


@dataclass(frozen=True)
class PiecewiseNetwork:
    """A network of one hidden layer of ReLUs equals a piecewise affine function everywhere.

    N(x) = offset + sum of outer_i relu(inner_i x + bias_i) is affine between its kinks
    -bias_i / inner_i; the function is affine between its breakpoints and beyond them. Both are
    thus affine between neighbours of all these places together, and beyond the outermost, where
    they are equal if they are at the places and at one place beyond on each side.

    Attributes:
        breakpoints: Where the function bends, in order.
        heights: Its values there.
        first_slope, last_slope: Its slopes to the left of the first, to the right of the last.
        inner, bias, outer: Weights of the units.
        offset: The bias of the output.
    """

    breakpoints: tuple[Fraction, ...]
    heights: tuple[Fraction, ...]
    first_slope: Fraction
    last_slope: Fraction
    inner: tuple[Fraction, ...]
    bias: tuple[Fraction, ...]
    outer: tuple[Fraction, ...]
    offset: Fraction

    @property
    def claim(self) -> str:
        """The statement in words."""
        return (
            f"a network of {len(self.inner)} ReLUs equals the piecewise affine function with "
            f"{len(self.breakpoints)} breakpoints at every real x"
        )

    @property
    def evidence(self) -> str:
        """What the certificate consists of, in words."""
        return f"rational weights, compared exactly at {len(self.places())} places"

    def function(self, x: Fraction) -> Fraction:
        """Return the piecewise affine function."""
        if x <= self.breakpoints[0]:
            return self.heights[0] + self.first_slope * (x - self.breakpoints[0])
        pieces = zip(pairwise(self.breakpoints), pairwise(self.heights), strict=True)
        for (left, right), (below, above) in pieces:
            if x <= right:
                return below + (above - below) * (x - left) / (right - left)
        return self.heights[-1] + self.last_slope * (x - self.breakpoints[-1])

    def network(self, x: Fraction) -> Fraction:
        """Return the network's output."""
        units = zip(self.inner, self.bias, self.outer, strict=True)
        return self.offset + sum(
            (c * max(a * x + b, Fraction(0)) for a, b, c in units), start=Fraction(0)
        )

    def places(self) -> list[Fraction]:
        """Return the breakpoints and kinks, and a place beyond on each side."""
        kinks = [-b / a for a, b in zip(self.inner, self.bias, strict=True) if a]
        inside = sorted({*self.breakpoints, *kinks})
        return [inside[0] - 1, *inside, inside[-1] + 1]

    def problems(self) -> list[str]:
        """Return what is wrong with the certificate; nothing proves the statement."""
        if any(right <= left for left, right in pairwise(self.breakpoints)):
            return ["the breakpoints are not in order"]
        return [
            f"at x = {x} the network is {self.network(x)} and the function {self.function(x)}"
            for x in self.places()
            if self.network(x) != self.function(x)
        ]
