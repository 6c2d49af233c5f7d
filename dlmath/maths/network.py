r"""The multilayer perceptron with backpropagation written by hand.

A network is a sequence of dense layers (Ferguson, lines 116-140; Tsemo, 4). For N rows,

    A_0 = X,   Z_l = A_{l-1} W_l + b_l,   A_l = f_l(Z_l),        W_l of shape (d_{l-1}, d_l).

In the inner product <A, B> = tr(A^T B) the adjoints of these maps give the gradients of a loss:
with G_l = dL/dA_l,

    dL/dZ_l = G_l * f_l'(Z_l),     dL/dW_l = A_{l-1}^T dL/dZ_l,
    dL/db_l = sum over rows of dL/dZ_l,     G_{l-1} = dL/dZ_l W_l^T.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS, Activation


@dataclass(frozen=True)
class Layer:
    """x -> f(x W + b) on rows.

    Attributes:
        weights: (d, e).
        bias: (e,).
        activation: f.
    """

    weights: np.ndarray
    bias: np.ndarray
    activation: Activation = ACTIVATIONS["linear"]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return f(X W + b), (N, e)."""
        return self.activation.value(rows @ self.weights + self.bias)


Network = tuple[Layer, ...]
Gradient = tuple[np.ndarray, np.ndarray]


def initialised(
    widths: tuple[int, ...], activation: str, *key: int | str, gain: float = 2.0
) -> Network:
    """Return a network with weights N(0, gain / fan in), zero biases and a linear last layer.

    A gain of 2 keeps the mean square of the entries through ReLU layers (He et al., 2015).
    """
    rng = seeds.generator("network", *key)
    last = len(widths) - 2
    return tuple(
        Layer(
            rng.normal(size=(fan_in, fan_out)) * np.sqrt(gain / fan_in),
            np.zeros(fan_out),
            ACTIVATIONS["linear" if number == last else activation],
        )
        for number, (fan_in, fan_out) in enumerate(itertools.pairwise(widths))
    )


def forward(network: Network, rows: np.ndarray) -> np.ndarray:
    """Return the network's output for rows (N, d): the composition of its layers."""
    for layer in network:
        rows = layer(rows)
    return rows


def activations(network: Network, rows: np.ndarray) -> list[np.ndarray]:
    """Return A_0, ..., A_L."""
    kept = [rows]
    for layer in network:
        kept.append(layer(kept[-1]))
    return kept


def backward(
    network: Network, rows: np.ndarray, upstream: Callable[[np.ndarray], np.ndarray]
) -> tuple[list[Gradient], list[np.ndarray]]:
    """Return the gradients (dL/dW_l, dL/db_l) of every layer, and G_0, ..., G_L.

    Args:
        network: The layers.
        rows: (N, d).
        upstream: Gives G_L = dL/dA_L from A_L.
    """
    kept = activations(network, rows)
    signals = [upstream(kept[-1])]
    gradients: list[Gradient] = []
    for layer, inside in zip(reversed(network), reversed(kept[:-1]), strict=True):
        at = signals[0] * layer.activation.slope(inside @ layer.weights + layer.bias)
        gradients.insert(0, (inside.T @ at, at.sum(axis=0)))
        signals.insert(0, at @ layer.weights.T)
    return gradients, signals


def constant(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the upstream gradient that is the same at every output: one row, or all of them."""
    return lambda outputs: np.broadcast_to(rows, outputs.shape)


def towards(labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gradient, at logits (N, K), of the mean of `cross_entropy` after `softmax`.

    Args:
        labels: (N, K).
    """
    return lambda logits: (softmax(logits) - labels) / len(labels)


def stepped(network: Network, gradients: list[Gradient], rate: float) -> Network:
    """Return the network after a step of gradient descent."""
    return tuple(
        Layer(layer.weights - rate * dw, layer.bias - rate * db, layer.activation)
        for layer, (dw, db) in zip(network, gradients, strict=True)
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of each row; the largest entry is taken out first, against overflow."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over rows of -sum_k y_k log p_k."""
    return float(-np.mean(np.sum(labels * np.log(probabilities), axis=1)))
