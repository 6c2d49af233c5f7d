r"""Dropout: switch off random entries while training.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, 5; Srivastava et al., JMLR 15
(2014), in the form that rescales while training, so that inference needs no change.

Given the draw, dropout is linear: y = m * x, where m is 1 / (1 - rate) with probability 1 - rate
and 0 otherwise, independently. A diagonal map is its own adjoint, so dL/dx = m * g with **the same
m**. The mean of m is 1, hence E[y] = x.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import arguments
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.linear_map import Diagonal


@keras.saving.register_keras_serializable("dlmath")
class Dropout(Layer):
    """Zero each entry with probability `rate`, as `keras.layers.Dropout`, with the same draws.

    Args:
        rate: In [0, 1]. Outside training the input passes through.
        noise_shape: Shape of the draw, with None or 1 where it is shared along an axis; None draws
            for every entry.
        seed: Seed of this layer's own random stream.

    Shapes: y has the shape of x.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: tuple[int | None, ...] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.rate = arguments.fraction(rate, "rate")
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.supports_masking = True
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: tf.Tensor, training: bool | None = False) -> tf.Tensor:
        if not training or self.rate == 0:
            return inputs
        return self.apply(inputs, mask=self.draw(inputs))

    def draw(self, x: tf.Tensor) -> tf.Tensor:
        """A mask for x: 0 with probability `rate`, otherwise 1 / (1 - rate)."""
        shape = shape_of(x)
        if self.noise_shape is not None:
            shape = [
                size if given is None else given
                for given, size in zip(self.noise_shape, shape, strict=True)
            ]
        uniform = keras.random.uniform(shape, dtype=x.dtype.name, seed=self.seed_generator)
        # A rate of 1 keeps nothing, and 1 / (1 - rate) is never used.
        scale = 1 / (1 - self.rate) if self.rate < 1 else 0.0
        return tf.where(uniform >= self.rate, tf.constant(scale, x.dtype), 0)

    def forward(self, x: tf.Tensor, *, mask: tf.Tensor) -> tuple[tf.Tensor, Diagonal]:
        diagonal = Diagonal(mask)
        return diagonal(x), diagonal

    def backward(self, cache: Diagonal, g: tf.Tensor) -> Gradients:
        return {"x": cache.adjoint(g)}
