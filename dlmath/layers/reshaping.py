r"""Layers that only move numbers: flattening and zero padding.

Both maps send unit vectors to unit vectors, so each is an isometry onto its image, and its adjoint
puts every number back where it came from: <A x, y> is the sum over the entries of x of x times the
entry of y that it went to.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import arguments
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.linear_map import LinearMap


class Rows(LinearMap):
    """(N, ...) -> (N, D), one row for each sample; its adjoint is the way back."""

    def __init__(self, shape: Any):
        self.shape = shape

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        size = 1
        for length in self.shape[1:]:
            size = size * length
        return tf.reshape(x, (self.shape[0], size))

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        return tf.reshape(y, self.shape)


class ZeroMargins(LinearMap):
    """A frame of zeros around images; its adjoint cuts the frame off."""

    def __init__(self, margins: tuple[tuple[int, int], tuple[int, int]], shape: Any):
        self.margins = margins
        self.shape = shape  # (N, H, W, C)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.pad(x, [(0, 0), *self.margins, (0, 0)])

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        (top, _), (left, _) = self.margins
        return y[:, top : top + self.shape[1], left : left + self.shape[2]]


@keras.saving.register_keras_serializable("dlmath")
class Flatten(Layer):
    """Reshape each sample to one row, as `keras.layers.Flatten`.

    Shapes: x (N, ...), y (N, D) with D the product of the other axes.
    """

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        return Rows(shape)

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, LinearMap]:
        rows = Rows(shape_of(x))
        return rows(x), rows

    def backward(self, cache: LinearMap, g: tf.Tensor) -> Gradients:
        return {"x": cache.adjoint(g)}


@keras.saving.register_keras_serializable("dlmath")
class ZeroPadding2D(Layer):
    """A frame of zeros around images, as `keras.layers.ZeroPadding2D`.

    Args:
        padding: An int for all four sides; (height, width), each for both sides; or
            ((top, bottom), (left, right)).

    Shapes: x (N, H, W, C), y (N, top + H + bottom, left + W + right, C).
    """

    def __init__(self, padding: Any = (1, 1), **kwargs: Any):
        super().__init__(**kwargs)
        sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
        if len(sides) != 2:
            raise ValueError(f"`padding` must be an int or a pair. Received: padding={padding!r}")
        height, width = (arguments.whole_pair(side, "padding", least=0) for side in sides)
        self.padding = (height, width)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        return ZeroMargins(self.padding, shape)

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, LinearMap]:
        margins = ZeroMargins(self.padding, shape_of(x))
        return margins(x), margins

    def backward(self, cache: LinearMap, g: tf.Tensor) -> Gradients:
        return {"x": cache.adjoint(g)}
