"""Exercises of the notebook on optimisation."""

import numpy as np
from scipy.optimize import brentq

from dlmath.maths.exercises.exercise_base import Answer, compared, exercise, number
from dlmath.maths.objectives import Objective
from dlmath.maths.optimisers import Adam, minimise


def _balances(answer: Answer, _: Answer) -> str:
    """At the best rate both ends of the spectrum have one factor, with opposite signs."""
    for mu, smoothness in ((1.0, 9.0), (0.5, 40.0), (3.0, 3.0)):
        rate = number(answer(mu, smoothness))
        slow, fast = 1 - rate * mu, 1 - rate * smoothness
        if not abs(slow + fast) <= 1e-5:
            return (
                f"For mu = {mu:g}, L = {smoothness:g} the flattest coordinate is multiplied by "
                f"{slow:.3g} and the steepest by {fast:.3g}: another rate makes the larger smaller."
            )
    return ""


@exercise(
    judge=_balances,
    insight="At 2/(mu + L) both ends of the spectrum shrink by the same factor.",
    mistakes={
        "the bound of stability": lambda mu, smoothness: 2 / smoothness,
        "the rate that is safe": lambda mu, smoothness: 1 / smoothness,
        "the inverse of the sum": lambda mu, smoothness: 1 / (mu + smoothness),
    },
)
def best_rate(mu: float, smoothness: float) -> float:
    """Return the rate with the least worst-case factor, max |1 - rate x| over x in [mu, L]."""
    return 2 / (mu + smoothness)


@exercise(
    judge=compared((1.0, 0.1, 0.9), (1.0, 0.001, 0.5), (5.0, 0.3, 0.25), (2.0, 0.4, 0.0)),
    insight="Once the roots are complex the factor is sqrt(beta), whatever the curvature: "
    "this is why one momentum serves a whole spectrum.",
    mistakes={
        "sqrt(beta), also where the roots are real": lambda c, rate, beta: np.sqrt(beta),
        "gradient descent's": lambda c, rate, beta: abs(1 - rate * c),
        "the weight 1 - beta of the moving average": lambda c, rate, beta: max(
            abs(np.roots([1, -(1 + beta - (1 - beta) * rate * c), beta]))
        ),
    },
)
def heavy_ball_factor(curvature: float, rate: float, beta: float) -> float:
    """Return the largest modulus of the roots z of z^2 - (1 + beta - rate curvature) z + beta."""
    return float(max(abs(np.roots([1.0, -(1 + beta - rate * curvature), beta]))))


def _adam_without(gradients: np.ndarray, rate: float) -> np.ndarray:
    return _adam(gradients, Adam(rate, bias_correction=False))


def _adam(gradients: np.ndarray, way: Adam) -> np.ndarray:
    seen = iter(gradients)
    replay = minimise(
        Objective(lambda x: 0.0, np.ones_like),
        np.zeros(gradients.shape[1]),
        way,
        len(gradients),
        batches=lambda number: Objective(lambda x: 0.0, lambda x: next(seen)),
    )
    return replay.points[-1]


GRADIENTS = np.array([[1.0, -20.0], [3.0, 1.0], [-0.5, 4.0]])


@exercise(
    judge=compared((GRADIENTS[:1], 0.1), (GRADIENTS, 0.01)),
    insight="Its first step is rate * sign(g): the correction divides each mean by the sum of the "
    "weights it has given out so far.",
    mistakes={
        "no bias correction": _adam_without,
        "epsilon of 1": lambda gradients, rate: _adam(gradients, Adam(rate, epsilon=1.0)),
        "the wrong sign": lambda gradients, rate: -_adam(gradients, Adam(rate)),
    },
)
def adam_change(gradients: np.ndarray, rate: float) -> np.ndarray:
    """Return the change (d,) of the point after Adam has seen gradients (T, d), one by one.

    It has b1 = 0.9, b2 = 0.999, epsilon = 1e-8, and bias correction.
    """
    change, mean, squares = (np.zeros(gradients.shape[1]) for _ in range(3))
    for step, gradient in enumerate(gradients, 1):
        mean = 0.9 * mean + 0.1 * gradient
        squares = 0.999 * squares + 0.001 * gradient**2
        fair = mean / (1 - 0.9**step), squares / (1 - 0.999**step)
        change -= rate * fair[0] / (np.sqrt(fair[1]) + 1e-8)
    return change


def _returns(answer: Answer, _: Answer) -> str:
    """The step from the threshold leads to its mirror image."""
    x = number(answer())
    if not 0 < x < 9:
        return f"It must be above 0, and below 9. It returns {x:.8g}."
    after = x - np.sinh(2 * x) / 2
    if not abs(after + x) <= 3e-6:  # which seven digits reach
        nearer = "inwards" if abs(after) < x else "outwards"
        return f"From {x:.8g} the step leads to {after:.8g}, which is {nearer}."
    return ""


@exercise(
    judge=_returns,
    insight="There the step leads from x to -x and back again for ever: sinh(2x) = 4x.",
    mistakes={
        "where the second derivative is half": lambda: np.arctanh(np.sqrt(0.5)),
        "where the third derivative is largest": lambda: np.arctanh(np.sqrt(1 / 3)),
        "one": lambda: 1.0,
    },
)
def newton_threshold() -> float:
    """Return the x > 0 from which Newton's method on log cosh neither converges nor diverges."""
    return float(brentq(lambda x: np.sinh(2 * x) - 4 * x, 0.5, 2.0, xtol=1e-13))
