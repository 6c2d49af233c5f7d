r"""Pooling: the largest or the mean pixel of a window, or the mean of the whole picture.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, 6. S_p and S_p* are those of
`windows.py`.

**Average pooling** is linear: y = (sum over p of S_p x) / c, where c counts the pixels of a place
that lie inside the image (the padding of "same" does not count, as in TensorFlow). With D = 1/c, a
diagonal map, A = D o (sum of S_p), so A* g = sum over p of S_p* (g / c).

**Max pooling** is linear near any x without ties: y = sum over p of m_p * S_p x, where m_p is 1 at
the places whose largest pixel is at position p, and 0 elsewhere. Hence dL/dx = sum over p of
S_p* (m_p * g): the gradient goes to the pixel that won. Between tied pixels the derivative is a
convention: the first of them in row-major order takes all of it, as in TensorFlow.
"""

import itertools
import math
from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import arguments
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.linear_map import LinearMap
from dlmath.layers.windows import Patches, Window


class WindowMean(LinearMap):
    """The mean of the window's pixels inside the image, on images (N, H, W, C) of one shape."""

    def __init__(self, window: Window, shape: Any, dtype: tf.DType):
        self.patches = Patches(window, shape)
        one = (1, shape[1], shape[2], 1)
        self.weight = 1 / tf.add_n(
            Patches(window, one).pictures(tf.ones(one, dtype))
        )  # (1, R, Q, 1)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return self.weight * tf.add_n(self.patches.pictures(x))

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        return self.patches.put_back([self.weight * y] * len(self.patches.window.offsets))


class PictureMean(LinearMap):
    """x -> its mean over height and width; A* spreads g / (H W) over every pixel."""

    def __init__(self, shape: Any, keepdims: bool):
        self.shape = shape  # (N, H, W, C)
        self.keepdims = keepdims

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(x, axis=(1, 2), keepdims=self.keepdims)

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        n, height, width, channels = self.shape
        share = tf.reshape(y, (n, 1, 1, channels)) / tf.cast(height * width, y.dtype)
        return tf.broadcast_to(share, (n, height, width, channels))


class _Pooling(Layer):
    """The window that the pooling layers share."""

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.pool_size = arguments.whole_pair(pool_size, "pool_size")
        self.strides = arguments.whole_pair(pool_size if strides is None else strides, "strides")
        self.padding = arguments.one_of(padding, "padding", ("valid", "same"))
        self.window = Window(self.pool_size, self.strides, self.padding)
        self.input_spec = keras.layers.InputSpec(ndim=4)


@keras.saving.register_keras_serializable("dlmath")
class MaxPooling2D(_Pooling):
    """The largest pixel of each window, as `keras.layers.MaxPooling2D`.

    The module's docstring derives the gradient and states what happens at a tie.

    Args:
        pool_size: An int, or (height, width).
        strides: The same; None means `pool_size`.
        padding: "valid" or "same".

    Shapes: x (N, H, W, C), y (N, R, Q, C).
    """

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        # -inf fills the padding, so that it never wins.
        patches = Patches(self.window, shape_of(x), fill=-math.inf)
        first, *others = patches.pictures(x)
        largest = [first]  # of the positions up to each
        for picture in others:
            largest.append(tf.maximum(largest[-1], picture))
        return largest[-1], (patches, largest)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        patches, largest = cache
        y = largest[-1]
        # The first winner is where the running maximum reaches y.
        reached = [tf.cast(so_far == y, g.dtype) for so_far in largest[:-1]] + [tf.ones_like(g)]
        won = [reached[0], *(now - before for before, now in itertools.pairwise(reached))]
        return {"x": patches.put_back([g * mask for mask in won])}


@keras.saving.register_keras_serializable("dlmath")
class AveragePooling2D(_Pooling):
    """The mean of each window, as `keras.layers.AveragePooling2D`.

    The module's docstring derives the gradient. Arguments and shapes are those of `MaxPooling2D`;
    pixels of the padding do not count.
    """

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        return WindowMean(self.window, shape, tf.as_dtype(self.compute_dtype))

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, LinearMap]:
        mean = WindowMean(self.window, shape_of(x), x.dtype)
        return mean(x), mean

    def backward(self, cache: LinearMap, g: tf.Tensor) -> Gradients:
        return {"x": cache.adjoint(g)}


@keras.saving.register_keras_serializable("dlmath")
class GlobalAveragePooling2D(Layer):
    """The mean of each channel over the picture, as `keras.layers.GlobalAveragePooling2D`.

    Args:
        keepdims: Keep height and width as axes of length 1.

    Shapes: x (N, H, W, C), y (N, C) or (N, 1, 1, C).
    """

    def __init__(self, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.keepdims = keepdims
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        return PictureMean(shape, self.keepdims)

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, LinearMap]:
        mean = PictureMean(shape_of(x), self.keepdims)
        return mean(x), mean

    def backward(self, cache: LinearMap, g: tf.Tensor) -> Gradients:
        return {"x": cache.adjoint(g)}
