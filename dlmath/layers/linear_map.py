"""Linear maps that know their adjoint.

The backward pass of a linear layer is its adjoint for the Frobenius inner product, the map A* with
<A x, y> = <x, A* y> for all x and y. So the linear parts of the layers are written as values of
this class, used in both passes, and exposed by `layer.linear_part(shape)`.
"""

import tensorflow as tf


class LinearMap:
    """A linear map x -> A x, called as a function, and its adjoint y -> A* y."""

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError


class Diagonal(LinearMap):
    r"""Multiplication by fixed factors, entry by entry: x -> d * x.

    <d * x, y> = sum of d x y = <x, d * y>: the map is its own adjoint. The factors may broadcast
    against x, but not the other way round: x has the full shape.
    """

    def __init__(self, factors: tf.Tensor):
        self.factors = factors

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return self.factors * x

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        return self.factors * y


def inner(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """The Frobenius inner product <a, b> = tr(a^T b), a scalar, for tensors of equal shape."""
    return tf.reduce_sum(a * b)
