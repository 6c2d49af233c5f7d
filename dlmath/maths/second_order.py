r"""Methods that use curvature: Newton's, L-BFGS, and the natural gradient.

Same interface as `dlmath.maths.optimisers`.

Sources: foundations, lines 147-148, which names them; Nocedal and Wright, "Numerical
optimization", 2006, algorithms 3.2 and 7.4; Amari, "Natural gradient works efficiently in
learning", 1998.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath.maths.objectives import Objective, Vector
from dlmath.maths.optimisers import rate_at
from dlmath.maths.schedules import Schedule

HALVINGS = 40
SUFFICIENT = 1e-4  # share of the decrease that the slope promises (Armijo)
FLATTER = 0.9  # share of the first slope that may be left

LineSearch = Callable[[Objective, Vector, Vector], float]


def unit_length(objective: Objective, point: Vector, direction: Vector) -> float:
    """Return 1: take the whole step."""
    return 1.0


def backtrack(objective: Objective, point: Vector, direction: Vector) -> float:
    """Return the first of 1, 1/2, 1/4, ... that descends enough (Armijo)."""
    value, slope = objective.value(point), float(objective.gradient(point) @ direction)
    length = 1.0
    for _ in range(HALVINGS):
        if objective.value(point + length * direction) <= value + SUFFICIENT * length * slope:
            break
        length /= 2
    return length


def wolfe(objective: Objective, point: Vector, direction: Vector) -> float:
    """Return a length that descends enough and after which the slope is flatter (weak Wolfe).

    By bisection between a length that is too short and one that is too long. The flatter slope
    makes the change of the gradient one of positive curvature, which L-BFGS lives on.
    """
    value, slope = objective.value(point), float(objective.gradient(point) @ direction)
    length, short, long = 1.0, 0.0, np.inf
    for _ in range(HALVINGS):
        after = point + length * direction
        if objective.value(after) > value + SUFFICIENT * length * slope:
            long = length
        elif objective.gradient(after) @ direction < FLATTER * slope:
            short = length
        else:
            break
        length = 2 * short if np.isinf(long) else (short + long) / 2
    return length


def exact_on_a_quadratic(objective: Objective, point: Vector, direction: Vector) -> float:
    """Return the length that minimises along the direction, for a constant Hessian."""
    curvature = direction @ hessian_of(objective)(point) @ direction
    return float(-(objective.gradient(point) @ direction) / curvature)


@dataclass(frozen=True)
class Newton:
    """x <- x - length * H^-1 g, with the whole length 1 unless a line search is given."""

    search: LineSearch = unit_length

    def start(self, point: Vector) -> None:
        return None

    def step(
        self, objective: Objective, point: Vector, state: None, number: int
    ) -> tuple[Vector, None]:
        direction = -solved(hessian_of(objective)(point), objective.gradient(point))
        return point + self.search(objective, point, direction) * direction, None


@dataclass(frozen=True)
class NaturalGradient:
    """x <- x - rate * F^-1 g, with F the Fisher information: steepest descent in its metric."""

    rate: float | Schedule = 1.0

    def start(self, point: Vector) -> None:
        return None

    def step(
        self, objective: Objective, point: Vector, state: None, number: int
    ) -> tuple[Vector, None]:
        if objective.metric is None:
            raise ValueError("the natural gradient needs an objective with a Fisher information")
        direction = solved(objective.metric(point), objective.gradient(point))
        return point - rate_at(self.rate, number) * direction, None


Pairs = list[tuple[Vector, Vector]]


@dataclass(frozen=True)
class Lbfgs:
    """x <- x - length * H g, with H made of the last `memory` changes of point and gradient."""

    memory: int = 10
    search: LineSearch = wolfe

    def start(self, point: Vector) -> Pairs:
        return []

    def step(
        self, objective: Objective, point: Vector, state: Pairs, number: int
    ) -> tuple[Vector, Pairs]:
        gradient = objective.gradient(point)
        direction = -two_loops(gradient, state)
        after = point + self.search(objective, point, direction) * direction
        change, bend = after - point, objective.gradient(after) - gradient
        # A pair of no positive curvature would make H indefinite, and the step one uphill.
        pairs = [*state, (change, bend)] if change @ bend > 0 else state
        return after, pairs[-self.memory :]


def two_loops(gradient: Vector, pairs: Pairs) -> Vector:
    """Return H times the gradient from pairs (s, y), the newest last (algorithm 7.4)."""
    q = gradient.copy()
    weights = []
    for s, y in reversed(pairs):
        weights.append((s @ q) / (y @ s))
        q -= weights[-1] * y
    if pairs:
        s, y = pairs[-1]
        q *= (s @ y) / (y @ y)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - (y @ q) / (y @ s)) * s
    return q


def hessian_of(objective: Objective) -> Callable[[Vector], np.ndarray]:
    """Return the second derivative of an objective that has one."""
    if objective.hessian is None:
        raise ValueError("this method needs an objective with a Hessian")
    return objective.hessian


def solved(matrix: np.ndarray, gradient: Vector) -> Vector:
    """Return matrix^-1 gradient, or NaN where the matrix is singular: there is no step then."""
    try:
        return np.linalg.solve(matrix, gradient)
    except np.linalg.LinAlgError:
        return np.full_like(gradient, np.nan)
