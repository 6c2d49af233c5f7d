"""Activation functions of one entry, each with its derivative.

ReLU's derivative at 0 is taken as 0, Jiang's hypothesis (line 114); as a distribution it is the
Heaviside function, which has no say about one point (Tsemo, Proposition 5.2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class Activation:
    """A function that acts entry by entry.

    Attributes:
        value: The function.
        slope: Its derivative.
    """

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


def relu(x: np.ndarray) -> np.ndarray:
    """Return max(x, 0)."""
    return np.maximum(x, 0.0)


def relu_slope(x: np.ndarray) -> np.ndarray:
    """Return the derivative of `relu`: 1 above 0, and 0 elsewhere."""
    return (x > 0).astype(float)


def sigmoid_slope(x: np.ndarray) -> np.ndarray:
    """Return s(x) (1 - s(x)), the derivative of the sigmoid s; 1 - s(x) is s(-x)."""
    return expit(x) * expit(-x)


def tanh_slope(x: np.ndarray) -> np.ndarray:
    """Return 1 - tanh(x)^2, the derivative of tanh."""
    return 1 - np.tanh(x) ** 2


def square_slope(x: np.ndarray) -> np.ndarray:
    """Return 2 x, the derivative of the square."""
    return 2 * x


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda x: x, np.ones_like),
    "relu": Activation(relu, relu_slope),
    "sigmoid": Activation(expit, sigmoid_slope),
    "tanh": Activation(np.tanh, tanh_slope),
    "square": Activation(np.square, square_slope),
    "sine": Activation(np.sin, np.cos),
}
