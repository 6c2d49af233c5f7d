"""The parameters of a network as one vector, for methods that take a point of R^p."""

import numpy as np

from dlmath.maths.network import Gradient, Layer, Network


def packed(network: Network) -> np.ndarray:
    """Return all weights and biases as one vector (p,)."""
    return np.concatenate([part.ravel() for one in network for part in (one.weights, one.bias)])


def packed_gradient(gradients: list[Gradient]) -> np.ndarray:
    """Return the gradients of all weights and biases in the same order."""
    return np.concatenate([part.ravel() for pair in gradients for part in pair])


def unpacked(vector: np.ndarray, like: Network) -> Network:
    """Return the network of the shape of `like` whose parameters are `vector`."""
    layers, at = [], 0
    for layer in like:
        middle = at + layer.weights.size
        after = middle + layer.bias.size
        weights = vector[at:middle].reshape(layer.weights.shape)
        layers.append(Layer(weights, vector[middle:after], layer.activation))
        at = after
    return tuple(layers)
