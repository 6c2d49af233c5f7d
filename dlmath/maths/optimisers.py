r"""First-order methods, one interface: `start` makes a state, `step` returns the next point.

All but the first keep running means of past gradients g_t, written as the papers have them (the
formulas that the text of Tsemo lost are restored from the works named below).

Sources: Tsemo, 1.1; foundations, lines 46-48; Polyak, "Some methods of speeding up the
convergence of iteration methods", 1964; Hinton, lecture 6e of "Neural networks for machine
learning", 2012; Kingma and Ba, "Adam", arXiv:1412.6980, algorithm 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlmath.maths.objectives import Objective, Vector
from dlmath.maths.schedules import Schedule, constant


class Optimiser(Protocol):
    """A rule that goes from point to point."""

    def start(self, point: Vector) -> Any:
        """Return the state before the first step."""

    def step(
        self, objective: Objective, point: Vector, state: Any, number: int
    ) -> tuple[Vector, Any]:
        """Return the next point and state; `number` counts the steps from 0."""


@dataclass(frozen=True)
class Trace:
    """The way that was gone.

    Attributes:
        points: (T + 1, d), the start first.
        values: (T + 1,) of the objective.
    """

    points: np.ndarray
    values: np.ndarray


def minimise(
    objective: Objective,
    start: Vector,
    optimiser: Optimiser,
    steps: int,
    *,
    tolerance: float = 0.0,
    batches: Callable[[int], Objective] | None = None,
) -> Trace:
    """Return the points that `optimiser` visits, at most `steps` of them beyond the start.

    Args:
        objective: Whose values are recorded.
        start: (d,).
        optimiser: The rule.
        steps: The most steps.
        tolerance: Stops early at a gradient of at most this norm, and wherever it is not finite.
        batches: Gives the objective that a step sees, by its number: stochastic gradient descent.
            Without it, every step sees the whole.
    """
    points = [np.asarray(start, float)]
    state = optimiser.start(points[0])
    for number in range(steps):
        seen = batches(number) if batches else objective
        norm = np.linalg.norm(objective.gradient(points[-1]))
        if not np.isfinite(norm) or norm <= tolerance:
            break
        point, state = optimiser.step(seen, points[-1], state, number)
        points.append(point)
    visited = np.array(points)
    return Trace(visited, np.array([objective.value(point) for point in visited]))


@dataclass(frozen=True)
class GradientDescent:
    """x <- x - rate * g (Tsemo, 1.1.1; Murari, line 247)."""

    rate: float | Schedule

    def start(self, point: Vector) -> None:
        return None

    def step(
        self, objective: Objective, point: Vector, state: None, number: int
    ) -> tuple[Vector, None]:
        return point - rate_at(self.rate, number) * objective.gradient(point), None


@dataclass(frozen=True)
class Momentum:
    """v <- beta v + weight g; x <- x - rate v.

    Tsemo (1.1.2) keeps a moving average of the gradients, weight = 1 - beta, which is the default.
    Polyak's heavy ball, and the foundations (line 47), have weight = 1; that differs by a factor
    1 / (1 - beta) of the rate and by nothing else.
    """

    rate: float | Schedule
    beta: float = 0.9
    average: bool = True

    def start(self, point: Vector) -> Vector:
        return np.zeros_like(point)

    def step(
        self, objective: Objective, point: Vector, state: Vector, number: int
    ) -> tuple[Vector, Vector]:
        weight = 1 - self.beta if self.average else 1.0
        velocity = self.beta * state + weight * objective.gradient(point)
        return point - rate_at(self.rate, number) * velocity, velocity


@dataclass(frozen=True)
class RmsProp:
    """s <- decay s + (1 - decay) g^2; x <- x - rate g / (sqrt(s) + epsilon), entry by entry."""

    rate: float | Schedule
    decay: float = 0.9
    epsilon: float = 1e-8

    def start(self, point: Vector) -> Vector:
        return np.zeros_like(point)

    def step(
        self, objective: Objective, point: Vector, state: Vector, number: int
    ) -> tuple[Vector, Vector]:
        gradient = objective.gradient(point)
        squares = self.decay * state + (1 - self.decay) * gradient**2
        change = gradient / (np.sqrt(squares) + self.epsilon)
        return point - rate_at(self.rate, number) * change, squares


@dataclass(frozen=True)
class Adam:
    """m <- b1 m + (1 - b1) g; s <- b2 s + (1 - b2) g^2; x <- x - rate m' / (sqrt(s') + epsilon).

    Both means start at zero, which draws the first of them there. The bias correction divides by
    the sum of the weights so far: m' = m / (1 - b1^t), s' = s / (1 - b2^t), t counted from 1.
    Without it m' = m and s' = s (as the foundations print it, line 48).
    """

    rate: float | Schedule
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    bias_correction: bool = True

    def start(self, point: Vector) -> tuple[Vector, Vector]:
        return np.zeros_like(point), np.zeros_like(point)

    def step(
        self, objective: Objective, point: Vector, state: tuple[Vector, Vector], number: int
    ) -> tuple[Vector, tuple[Vector, Vector]]:
        gradient = objective.gradient(point)
        mean = self.beta1 * state[0] + (1 - self.beta1) * gradient
        squares = self.beta2 * state[1] + (1 - self.beta2) * gradient**2
        first, second = (1.0, 1.0)
        if self.bias_correction:
            first, second = 1 - self.beta1 ** (number + 1), 1 - self.beta2 ** (number + 1)
        change = (mean / first) / (np.sqrt(squares / second) + self.epsilon)
        return point - rate_at(self.rate, number) * change, (mean, squares)


def rate_at(rate: float | Schedule, number: int) -> float:
    """Return the learning rate of a step."""
    return (rate if callable(rate) else constant(rate))(number)
