"""Search for certificates, in floating point where that is fast; what is found is made exact.

Nothing here is trusted: `claims.py` verifies what is found.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq, linprog
from scipy.spatial import Delaunay

from dlmath import seeds
from dlmath.errors import CheckFailedError
from dlmath.maths import polynomials
from dlmath.maths.boundaries import least_degree
from dlmath.maths.certificates.claims import (
    LeastDegree,
    PiecewiseNetwork,
    Point,
    RungeThreshold,
    monomials,
)
from dlmath.maths.certificates.maxima import Affine, DifferenceOfMaxima, value


def find_least_degree(points: np.ndarray, labels: np.ndarray, highest: int = 8) -> LeastDegree:
    """Find the least degree that classifies points (N, d) of labels +1 and -1, with its proof.

    Raises:
        CheckFailedError: No degree up to `highest` does, or no exact weights were found.
    """
    boundary = least_degree(points, labels, highest=highest)
    if boundary is None:
        raise CheckFailedError(f"No degree up to {highest} classifies all points.")
    exact = tuple(tuple(Fraction(float(x)) for x in point) for point in points)
    signs = tuple(int(label) for label in labels)
    coefficients = tuple(Fraction(float(c)) for c in boundary.coefficients)
    weights = _ruling_out(points, labels, exact, signs, boundary.degree - 1)
    return LeastDegree(exact, signs, boundary.degree, coefficients, weights)


def _ruling_out(
    points: np.ndarray,
    labels: np.ndarray,
    exact: Sequence[tuple[Fraction, ...]],
    signs: Sequence[int],
    degree: int,
) -> dict[int, Fraction]:
    """Return weights >= 0 of sum 1 under which the signed monomials sum to 0 exactly.

    A vertex of the linear programme in floating point tells which points carry weight; on those
    the equations are solved in fractions.
    """
    features = polynomials.monomials(points, degree) * labels[:, np.newaxis]
    scale = np.abs(features).max(axis=0)
    system = np.vstack([(features / scale).T, np.ones(len(points))])
    target = np.append(np.zeros(features.shape[1]), 1.0)
    answer = linprog(np.zeros(len(points)), A_eq=system, b_eq=target, method="highs-ds")
    if not answer.success:
        raise CheckFailedError(f"No weights rule out degree {degree}: {answer.message}")
    support = [int(n) for n in np.flatnonzero(answer.x > 1e-12)]
    columns = [[signs[n] * m for m in monomials(exact[n], degree)] for n in support]
    rows = [*map(list, zip(*columns, strict=True)), [Fraction(1)] * len(support)]
    right = [Fraction(0)] * (len(rows) - 1) + [Fraction(1)]
    solved = solve(rows, right)
    if solved is None or min(solved) < 0:
        raise CheckFailedError(f"The weights that rule out degree {degree} are not exact.")
    return dict(zip(support, solved, strict=True))


def solve(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """Return a solution of linear equations in fractions, free unknowns 0, or None."""
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    pivots: list[int] = []
    for column in range(len(rows[0])):
        place = len(pivots)
        found = next((n for n in range(place, len(table)) if table[n][column]), None)
        if found is None:
            continue
        table[place], table[found] = table[found], table[place]
        lead = table[place][column]
        table[place] = [value / lead for value in table[place]]
        for n, row in enumerate(table):
            if n != place and row[column]:
                factor = row[column]
                table[n] = [a - factor * b for a, b in zip(row, table[place], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in table[len(pivots) :]):
        return None
    solution = [Fraction(0)] * len(rows[0])
    for row, column in zip(table, pivots, strict=False):
        solution[column] = row[-1]
    return solution


def find_runge_threshold(width: float = 1e-12) -> RungeThreshold:
    """Find two fractions at most `width` apart between which the threshold lies."""

    def gap(x: float) -> float:
        return (
            (1 + x) * np.log1p(x) + (1 - x) * np.log1p(-x) - np.log(26 / 25) - 2 / 5 * np.arctan(5)
        )

    middle = Fraction(brentq(gap, 0.5, 0.9, xtol=1e-15))
    half = Fraction(width) / 2
    return RungeThreshold(middle - half, middle + half)


def find_network(
    breakpoints: Sequence[Fraction], heights: Sequence[Fraction], slopes: tuple[Fraction, Fraction]
) -> PiecewiseNetwork:
    """Write down the ReLU network of a piecewise affine function of one variable.

    f(x) = f(p_0) - s_0 relu(p_0 - x) + sum over i of (s_(i+1) - s_i) relu(x - p_i), s_i being the
    slope before p_i; the first relu, and s_1 relu(x - p_0), go to either side of p_0.

    Args:
        breakpoints: In order.
        heights: The values there.
        slopes: Before the first and after the last.
    """
    steps = zip(pairwise(breakpoints), pairwise(heights), strict=True)
    inside = [(above - below) / (right - left) for (left, right), (below, above) in steps]
    after = [*inside, slopes[1]]  # the slope after each breakpoint
    changes = [after[0], *(new - old for old, new in pairwise(after))]
    one = Fraction(1)
    return PiecewiseNetwork(
        tuple(breakpoints),
        tuple(heights),
        *slopes,
        inner=(-one, *[one] * len(changes)),
        bias=(breakpoints[0], *(-place for place in breakpoints)),
        outer=(-slopes[0], *changes),
        offset=heights[0],
    )


def drawn_function(
    count: int, seed: int
) -> tuple[list[Fraction], list[Fraction], tuple[Fraction, Fraction]]:
    """Draw breakpoints, heights and outer slopes of a piecewise affine function, all rational."""
    rng = seeds.generator("certificate", seed)
    places = np.cumsum(rng.integers(1, 20, count))
    numbers = [Fraction(int(n), int(d)) for n, d in rng.integers(1, 60, (count + 2, 2))]
    signs = rng.choice([-1, 1], count + 2)
    values = [number * int(sign) for number, sign in zip(numbers, signs, strict=True)]
    return [Fraction(int(p), 7) for p in places], values[:count], (values[-2], values[-1])


def find_maxima(
    vertices: Sequence[Point], heights: Sequence[Fraction], simplices: Sequence[Sequence[int]]
) -> DifferenceOfMaxima:
    """Find A and B on a Delaunay triangulation: f + c q and c q, with q = |v|^2 at the vertices.

    q bends upwards at every facet, so both are convex for a large c, the least of which is found
    by comparing bends at the vertices.
    """
    squares = [sum((x * x for x in vertex), start=Fraction(0)) for vertex in vertices]
    of_heights = _affine_pieces(vertices, heights, simplices)
    of_squares = _affine_pieces(vertices, squares, simplices)
    strength = Fraction(0)
    for f, q in zip(of_heights, of_squares, strict=True):
        for vertex, height, square in zip(vertices, heights, squares, strict=True):
            bend = square - value(q, vertex)  # at least 0, and 0 at the vertices of the simplex
            if bend > 0:
                strength = max(strength, (value(f, vertex) - height) / bend)
    upper = [
        tuple(a + strength * b for a, b in zip(f, q, strict=True))
        for f, q in zip(of_heights, of_squares, strict=True)
    ]
    lower = [tuple(strength * b for b in q) for q in of_squares]
    return DifferenceOfMaxima(
        tuple(vertices),
        tuple(heights),
        tuple(map(tuple, simplices)),
        tuple(upper),
        tuple(lower),
    )


def _affine_pieces(
    vertices: Sequence[Point], heights: Sequence[Fraction], simplices: Sequence[Sequence[int]]
) -> list[Affine]:
    """Return for each simplex the affine function through the heights at its vertices."""
    pieces = []
    for simplex in simplices:
        rows = [[*vertices[n], Fraction(1)] for n in simplex]
        solved = solve(rows, [heights[n] for n in simplex])
        if solved is None:
            raise CheckFailedError(f"The simplex {tuple(simplex)} is flat.")
        pieces.append(tuple(solved))
    return pieces


def drawn_triangulation(
    count: int, dimension: int, seed: int
) -> tuple[list[Point], list[Fraction], list[list[int]]]:
    """Draw rational points and heights; return them with the Delaunay triangulation's simplices."""
    rng = seeds.generator("certificate", seed, dimension)
    whole = rng.choice(1000, (count, dimension), replace=False)
    points = [tuple(Fraction(int(n), 100) for n in row) for row in whole]
    heights = [Fraction(int(n), 7) for n in rng.integers(-30, 30, count)]
    simplices = Delaunay(whole / 100).simplices.tolist()
    return points, heights, simplices
