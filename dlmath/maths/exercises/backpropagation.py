"""Exercises of the notebook on backpropagation."""

from typing import Any

import numpy as np

from dlmath import seeds
from dlmath.maths.exercises.exercise_base import Answer, Judge, exercise, numbers


def _random(*shape: int) -> np.ndarray:
    return seeds.generator("backpropagation exercises", *shape).normal(size=shape)


def _gradient(*cases: tuple[Any, ...]) -> Judge:
    """Return the judge that compares gradients, and tells what a wrong one says of a direction."""

    def judge(answer: Answer, solution: Answer) -> str:
        for case in cases:
            given, expected = numbers(answer(*case)), solution(*case)
            if given.shape != expected.shape:
                return f"It has the shape {given.shape}, its variable has {expected.shape}."
            if not np.allclose(given, expected, rtol=1e-5, atol=1e-5):
                # Along the error the two must differ, which along a random direction they need not.
                direction = np.nan_to_num(given - expected)
                direction /= np.linalg.norm(direction) or 1.0
                return (
                    f"There is a direction V of length 1 along which L changes at the rate "
                    f"{np.sum(expected * direction):.4g}, and <your gradient, V> is "
                    f"{np.sum(given * direction):.4g}."
                )
        return ""

    return judge


@exercise(
    judge=_gradient((_random(5, 3), _random(3, 2), _random(5, 2))),
    insight="The adjoint of V -> x V, applied to the residual: at a minimum x^T (x w - y) = 0, "
    "the normal equations.",
    mistakes={
        "the derivative of the square without its half": lambda x, w, y: 2 * x.T @ (x @ w - y),
        "the wrong sign": lambda x, w, y: x.T @ (y - x @ w),
        "the gradient in the output": lambda x, w, y: x @ w - y,
    },
)
def least_squares_gradient(x: np.ndarray, w: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the gradient in w of L = |x w - y|^2 / 2, for x (N, d), w (d, e) and y (N, e)."""
    return x.T @ (x @ w - y)


def _last_wins(u: np.ndarray, size: int, stride: int) -> np.ndarray:
    signal = np.zeros(size)
    for place, window in enumerate(u):
        signal[place * stride : place * stride + len(window)] = window
    return signal


def _overlapped(u: np.ndarray, size: int, stride: int) -> np.ndarray:
    signal = np.zeros(size)
    for place, window in enumerate(u):
        signal[place * stride : place * stride + len(window)] += window
    return signal


@exercise(
    judge=_gradient((_random(6, 3), 8, 1), (_random(3, 3), 8, 2), (_random(2, 2), 6, 3)),
    insight="Where windows overlap their shares are added, and what no window sees has gradient 0.",
    mistakes={
        "the last window wins": _last_wins,
        "the stride is forgotten": lambda u, size, stride: _overlapped(u, size, 1),
        "the mean of what overlaps": lambda u, size, stride: (
            _overlapped(u, size, stride) / np.maximum(_overlapped(np.ones_like(u), size, stride), 1)
        ),
    },
)
def windows_adjoint(u: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return the gradient in x of L = <P x, u>, for a signal x of that size.

    Row p of P x is the window x[p * stride], ..., x[p * stride + k - 1]; u (places, k) has the
    shape of P x. So it is P* u: col2im in one dimension.
    """
    signal = np.zeros(size)
    for place, window in enumerate(u):
        signal[place * stride : place * stride + len(window)] += window
    return signal


def _rows_normalised(x: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    centred = x - x.mean(axis=axis, keepdims=True)
    reciprocal = 1 / np.sqrt(np.mean(centred**2, axis=axis, keepdims=True))
    return centred * reciprocal, reciprocal


def _batch_norm_backward(x: np.ndarray, g: np.ndarray, axis: int = 0) -> np.ndarray:
    normalised, reciprocal = _rows_normalised(x, axis)
    through_variance = normalised * np.mean(normalised * g, axis=axis, keepdims=True)
    return reciprocal * (g - g.mean(axis=axis, keepdims=True) - through_variance)


@exercise(
    judge=_gradient((_random(4, 6), _random(4, 6) ** 2), (_random(1, 5), _random(1, 5))),
    insight="Batch normalisation's formula with the means along the rows: each row is on its own, "
    "so it needs no batch.",
    mistakes={
        "batch normalisation's": _batch_norm_backward,
        "no path through the variance": lambda x, g: (
            _rows_normalised(x, 1)[1] * (g - g.mean(axis=1, keepdims=True))
        ),
        "the variance held fixed, and the mean": lambda x, g: _rows_normalised(x, 1)[1] * g,
    },
)
def layer_norm_backward(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the gradient in x (N, d) of L = <y, g>, where y is x with its rows normalised.

    Each row of y has mean 0 and mean square 1: y = (x - m(x)) / sqrt(m((x - m(x))^2)), the means m
    taken along a row, epsilon 0.
    """
    centred = x - x.mean(axis=1, keepdims=True)
    reciprocal = 1 / np.sqrt(np.mean(centred**2, axis=1, keepdims=True))
    y = centred * reciprocal
    return reciprocal * (
        g - g.mean(axis=1, keepdims=True) - y * np.mean(y * g, axis=1, keepdims=True)
    )
