"""Newton's method with a truncated, preconditioned inner solve, on B problems side by side.

Source: Nocedal, Wright, "Numerical Optimization", 2006, algorithm 7.1 (line search Newton-CG).
Products with the Hessian are coarse, gradients and values exact, and the preconditioner is kept
until the inner solve shows that it has aged.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath.linear_head.objective import Objective, Point
from dlmath.linear_head.preconditioner import PerFold, Shared

MAX_NEWTON = 100
MAX_CONJUGATE = 200
HALVINGS = 40

Report = Callable[[int, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Solution:
    """The solution at which Newton's method ended.

    Attributes:
        point: The parameters (D + 1, B, K - 1) and what was evaluated there.
        gradient_norm: Greatest absolute entry of the gradient, (B,).
        iterations: Newton steps taken.
        converged: Whether every problem reached the tolerance.
    """

    point: Point
    gradient_norm: np.ndarray
    iterations: int
    converged: bool


def minimise(
    objective: Objective,
    start: np.ndarray,
    *,
    tolerance: float,
    preconditioner: Shared | PerFold | None = None,
    report: Report = lambda iteration, value, gradient_norm: None,
) -> Solution:
    """Minimise all B problems from `start` (D + 1, B, K - 1).

    Args:
        objective: What to minimise.
        start: Parameters to begin with.
        tolerance: A problem is solved when no entry of its gradient exceeds this.
        preconditioner: One of a nearby solution, already factored, or not yet made. It is kept
            up to date, and left as it was last.
        report: Called with the number of steps taken, the values and the gradient norms.
    """
    point = objective.at(start)
    if preconditioner is None:
        preconditioner = Shared(objective.rows)
    if not preconditioner.made:
        preconditioner.renew(objective, point)
    for iteration in range(MAX_NEWTON + 1):
        gradient = objective.gradient(point)
        norm = np.abs(objective.rows.in_features(gradient)).max(axis=(0, 2))
        report(iteration, point.value, norm)
        open_ = norm > tolerance
        if not open_.any() or iteration == MAX_NEWTON:
            break
        # Eisenstat, Walker 1996: a residual that falls with the gradient converges superlinearly.
        forcing = np.minimum(0.1, np.sqrt(norm))
        step, inner = _newton_step(
            objective, point, gradient * open_[:, np.newaxis], preconditioner, forcing
        )
        previous, point = point, _search(objective, point, step, gradient)
        if point is previous:
            break
        if inner > preconditioner.patience:
            preconditioner.renew(objective, point)
    return Solution(point, norm, iteration, not open_.any())


def _newton_step(
    objective: Objective,
    point: Point,
    gradient: np.ndarray,
    preconditioner: Shared | PerFold,
    forcing: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Solve H step = -gradient by conjugate gradients, each problem to its forcing term.

    Returns the step and the number of iterations. Every iterate is a direction of descent, so
    stopping early does no harm.
    """
    residual = -gradient
    step = np.zeros_like(gradient)
    direction = preconditioner.solve(residual)
    size = _dot(residual, direction)  # (B,), the squared norm in which the error falls
    goal = forcing**2 * size
    iteration = 0
    while iteration < MAX_CONJUGATE:
        iteration += 1
        product = objective.hessian_times(point, direction)
        length = _ratio(size, _dot(direction, product))
        step += length[:, np.newaxis] * direction
        residual = residual - length[:, np.newaxis] * product
        ahead = preconditioner.solve(residual)
        previous, size = size, _dot(residual, ahead)
        open_ = size > goal
        if not open_.any():
            break
        # A problem that is done gets the direction 0 and stays where it is.
        direction = (ahead + _ratio(size, previous)[:, np.newaxis] * direction) * open_[:, None]
        size = size * open_
    return step, iteration


def _search(objective: Objective, point: Point, step: np.ndarray, gradient: np.ndarray) -> Point:
    """Return the first point of 1, 1/2, 1/4, ... of the step that descends enough (Armijo).

    A decrease below the rounding of the value counts as enough. Returns `point` itself when some
    problem cannot descend: the tolerance is then out of reach in float64.
    """
    slope = _dot(gradient, step)
    rounding = 8 * np.finfo(float).eps * np.maximum(1.0, np.abs(point.value))
    length = np.ones(len(slope))
    for _ in range(HALVINGS):
        trial = objective.at(point.parameters + length[:, np.newaxis] * step)
        too_high = trial.value > point.value + 1e-4 * length * slope + rounding
        if not too_high.any():
            return trial
        length = np.where(too_high, length / 2, length)
    return point


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("dbr,dbr->b", left, right)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
