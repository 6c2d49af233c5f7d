"""Derivatives by central differences and complex steps: what those by hand are compared with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlmath.maths.extremes import largest_of
from dlmath.maths.objectives import Objective


def central(
    function: Callable[[np.ndarray], np.ndarray | float], point: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Return the partial derivatives of a function at a point.

    The error is of the order of step^2 times the third derivative, plus 1e-16 of the value over
    the step: about 1e-10 for functions and arguments of size 1.

    Args:
        function: Takes an array of the shape of `point`; returns an array or a number.
        point: Of any shape.
        step: Half the distance of the two points that are compared.

    Returns:
        The shape of `point`, followed by that of the function's value.
    """
    found = []
    for place in np.ndindex(point.shape):
        move = np.zeros(point.shape)
        move[place] = step
        found.append((np.asarray(function(point + move)) - function(point - move)) / (2 * step))
    values = np.array(found)
    return values.reshape(point.shape + values.shape[1:])


def derivative_error(objective: Objective, point: np.ndarray) -> float:
    """Return the largest error of the gradient (d,) and, where there is one, of the Hessian (d, d).

    The gradient is compared with differences of the value, the Hessian with those of the gradient.
    """
    errors = [np.abs(objective.gradient(point) - central(objective.value, point)).max()]
    if objective.hessian is not None:
        bends = central(objective.gradient, point)
        errors.append(np.abs(objective.hessian(point) - bends).max())
    return float(largest_of(errors))


def complex_step(function: Callable[[np.ndarray], Any], point: np.ndarray) -> np.ndarray:
    """Return the partial derivatives of a function that takes complex numbers, to rounding.

    Im f(x + i h) / h differs from f'(x) by h^2 times a third derivative, and has no cancellation,
    so that h can be 1e-20. Source: Squire and Trapp, SIAM Review 40 (1998).

    Args:
        function: Analytic; takes an array of the shape of `point`; returns an array or a number.
        point: Of any shape, real.

    Returns:
        The shape of `point`, followed by that of the function's value.
    """
    found = []
    for place in np.ndindex(point.shape):
        moved = point.astype(complex)
        moved[place] += 1e-20j
        found.append(np.imag(function(moved)) / 1e-20)
    values = np.array(found)
    return values.reshape(point.shape + values.shape[1:])
