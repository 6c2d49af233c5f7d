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


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda x: x, np.ones_like),
    "relu": Activation(relu, lambda x: (x > 0).astype(float)),
    "sigmoid": Activation(expit, lambda x: expit(x) * expit(-x)),
    "tanh": Activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "square": Activation(np.square, lambda x: 2 * x),
    "sine": Activation(np.sin, np.cos),
}
