"""Functions to minimise, with their derivatives, and what is known of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

Vector = np.ndarray


@dataclass(frozen=True)
class Objective:
    """A function of a vector (d,).

    Attributes:
        value: The function.
        gradient: Its gradient, (d,).
        hessian: Its second derivative, (d, d), for methods that use it.
        metric: The Fisher information, (d, d), for the natural gradient.
    """

    value: Callable[[Vector], float]
    gradient: Callable[[Vector], Vector]
    hessian: Callable[[Vector], np.ndarray] | None = None
    metric: Callable[[Vector], np.ndarray] | None = None


def quadratic(curvatures: Vector) -> Objective:
    """Return x -> sum_i c_i x_i^2 / 2, with its minimum 0 at the origin.

    It is min(c)-strongly convex and max(c)-smooth, and no larger class of functions behaves worse
    under gradient descent.
    """
    return Objective(
        value=lambda x: 0.5 * float(curvatures @ x**2),
        gradient=lambda x: curvatures * x,
        hessian=lambda x: np.diag(curvatures),
    )


def rosenbrock() -> Objective:
    """Return (1 - x)^2 + 100 (y - x^2)^2: a long bent valley with its minimum 0 at (1, 1)."""

    def gradient(point: Vector) -> Vector:
        x, y = point
        return np.array([2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)])

    def hessian(point: Vector) -> np.ndarray:
        x, y = point
        return np.array([[2 - 400 * y + 1200 * x**2, -400 * x], [-400 * x, 200.0]])

    return Objective(
        lambda p: float((1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2), gradient, hessian
    )


def log_cosh() -> Objective:
    """Return sum_i log cosh x_i: convex and 1-smooth, and flat far out, where Newton oversteps."""
    return Objective(
        value=lambda x: float(np.sum(np.logaddexp(x, -x) - np.log(2))),
        gradient=np.tanh,
        hessian=lambda x: np.diag(np.cosh(x) ** -2),  # 1 - tanh^2 is 0 from 19 on
    )


def logistic_loss(features: np.ndarray, labels: Vector, l2: float = 0.0) -> Objective:
    """Return the mean logistic loss of weights w (d,), plus l2 |w|^2 / 2.

    Features are (N, d) and labels 0 or 1, (N,). With z = X w and s the sigmoid, the loss is the
    mean of log(1 + e^z) - y z (Tsemo, 3), the gradient X^T (s(z) - y) / N. The Fisher information
    is computed as it is defined, from the gradients under the model's own labels.
    """
    rows = len(labels)

    def value(w: Vector) -> float:
        z = features @ w
        return float(np.mean(np.logaddexp(0, z) - labels * z) + 0.5 * l2 * w @ w)

    def gradient(w: Vector) -> Vector:
        return features.T @ (expit(features @ w) - labels) / rows + l2 * w

    def hessian(w: Vector) -> np.ndarray:
        s = expit(features @ w)
        return (features.T * (s * (1 - s))) @ features / rows + l2 * np.eye(features.shape[1])

    def fisher(w: Vector) -> np.ndarray:
        s = expit(features @ w)
        squares = (1 - s) * (0 - s) ** 2 + s * (1 - s) ** 2  # E (s - y)^2 over y = 0, 1
        return (features.T * squares) @ features / rows + l2 * np.eye(features.shape[1])

    return Objective(value, gradient, hessian, fisher)


def least_squares(features: np.ndarray, targets: Vector) -> Objective:
    """Return the mean over N rows of (x_i . w - y_i)^2 / 2."""
    rows = len(targets)
    return Objective(
        value=lambda w: 0.5 * float(np.mean((features @ w - targets) ** 2)),
        gradient=lambda w: features.T @ (features @ w - targets) / rows,
        hessian=lambda w: features.T @ features / rows,
    )
