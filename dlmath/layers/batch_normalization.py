"""Batch normalisation. The gradient is derived in `normalization.py`."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from dlmath.layers import arguments, regularizers
from dlmath.layers.base import Layer
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.linear_map import Diagonal, LinearMap
from dlmath.layers.normalization import Normalized, at_least_float32, normalize


class BatchCache(NamedTuple):
    """The values of the forward pass that the backward pass needs."""

    normalized: Normalized
    scale: tf.Tensor  # gamma, or ones, in the shape that broadcasts against x
    axes: list[int]  # averaged over
    training: bool  # whether mean and variance depend on x


@keras.saving.register_keras_serializable("dlmath")
class BatchNormalization(Layer):
    r"""Normalise each channel over the batch, as `keras.layers.BatchNormalization`.

    While training, xhat has mean 0 and variance 1 over the batch and all positions, and the moving
    statistics follow the batch's: moving = momentum * moving + (1 - momentum) * batch, with the
    biased variance, as in Keras (PyTorch keeps the unbiased one). Otherwise, and whenever the layer
    is frozen (`trainable = False`), xhat = (x - moving_mean) / sqrt(moving_variance + epsilon),
    which is affine in x: with r that reciprocal root, dL/dx = r gamma g.

    Args:
        axis: The axis of the channels.
        momentum: How slowly the moving statistics follow, in [0, 1].
        epsilon: Added to the variance.
        center, scale: Whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer, beta_regularizer, gamma_regularizer: As in Keras.

    Shapes: x and y (..., C, ...), with C at `axis`; every weight (C,).

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported
            (`synchronized`, `renorm` and constraints are not).
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = int(axis)
        self.momentum = arguments.fraction(momentum, "momentum")
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.moving_mean_initializer = keras.initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = keras.initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[self.axis]

        def weight(name: str, initializer: Any, **options: Any) -> Any:
            # autocast=False: half precision is too coarse for statistics and their scale.
            return self.add_weight(
                shape=(channels,), initializer=initializer, name=name, autocast=False, **options
            )

        self.gamma = self.beta = None
        if self.scale:
            self.gamma = weight("gamma", self.gamma_initializer, regularizer=self.gamma_regularizer)
        if self.center:
            self.beta = weight("beta", self.beta_initializer, regularizer=self.beta_regularizer)
        self.moving_mean = weight("moving_mean", self.moving_mean_initializer, trainable=False)
        self.moving_variance = weight(
            "moving_variance", self.moving_variance_initializer, trainable=False
        )
        self.input_spec = keras.layers.InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        x = at_least_float32(inputs)
        if training and self.trainable:
            y, cache = self.differentiable(self.tensors(x))
            self._follow(cache.normalized)
        else:
            moving = (self.moving_mean, self.moving_variance)
            y = self.apply(x, statistics=tuple(map(tf.convert_to_tensor, moving)))
        return tf.cast(y, self.compute_dtype)

    def _follow(self, batch: Normalized) -> None:
        """Move the moving statistics towards the batch's; no gradient belongs to this."""
        pairs = ((self.moving_mean, batch.mean), (self.moving_variance, batch.variance))
        for moving, now in pairs:
            kept = self.momentum * moving.value
            moving.assign(kept + (1 - self.momentum) * tf.reshape(now, moving.shape))

    def _along_channels(self, x: tf.Tensor) -> tuple[list[int], list[int]]:
        """The axes that are averaged over, and the shape in which a weight meets x."""
        channel_axis = self.axis % len(x.shape)
        axes = [axis for axis in range(len(x.shape)) if axis != channel_axis]
        return axes, [1 if axis in axes else -1 for axis in range(len(x.shape))]

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        """The linear part of the layer at inference, which multiplies each channel by r gamma."""
        factors = tf.math.rsqrt(self.moving_variance.value + self.epsilon)
        if self.gamma is not None:
            factors = factors * self.gamma.value
        lengths = [1] * len(shape)
        lengths[self.axis] = -1
        return Diagonal(tf.reshape(factors, lengths))

    def forward(
        self,
        x: tf.Tensor,
        gamma: tf.Tensor | None = None,
        beta: tf.Tensor | None = None,
        *,
        statistics: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tuple[tf.Tensor, Any]:
        """With `statistics` = (mean, variance) given, at inference; without, while training."""
        axes, shape = self._along_channels(x)
        if statistics is None:
            normalized = normalize(x, axes, self.epsilon)
        else:
            mean, variance = (tf.reshape(s, shape) for s in statistics)
            r = tf.math.rsqrt(variance + self.epsilon)
            normalized = Normalized((x - mean) * r, r, mean, variance)
        scale = tf.ones_like(normalized.reciprocal) if gamma is None else tf.reshape(gamma, shape)
        y = scale * normalized.xhat
        if beta is not None:
            y = y + tf.reshape(beta, shape)
        return y, BatchCache(normalized, scale, axes, training=statistics is None)

    def backward(self, cache: BatchCache, g: tf.Tensor) -> Gradients:
        xhat, r = cache.normalized.xhat, cache.normalized.reciprocal
        h = g * cache.scale
        through_mean = through_variance = 0.0
        if cache.training:
            through_mean = tf.reduce_mean(h, axis=cache.axes, keepdims=True)
            through_variance = xhat * tf.reduce_mean(h * xhat, axis=cache.axes, keepdims=True)
        return {
            "x": r * (h - through_mean - through_variance),
            "gamma": tf.reduce_sum(g * xhat, axis=cache.axes),
            "beta": tf.reduce_sum(g, axis=cache.axes),
        }
