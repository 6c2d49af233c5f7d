"""Layer normalisation. The gradient is derived in `normalization.py`."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from dlmath.layers import regularizers
from dlmath.layers.base import Layer
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.normalization import Normalized, at_least_float32, normalize


class LayerCache(NamedTuple):
    """The values of the forward pass that the backward pass needs."""

    normalized: Normalized
    scale: tf.Tensor  # gamma, or ones, in the shape that broadcasts against x
    axes: list[int]  # averaged over
    others: list[int]  # along which gamma and beta are constant


@keras.saving.register_keras_serializable("dlmath")
class LayerNormalization(Layer):
    """Normalise each sample over its features, as `keras.layers.LayerNormalization`.

    Args:
        axis: The axis, or axes, of the features.
        epsilon: Added to the variance.
        center, scale: Whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer: As in Keras.

    Shapes: y has the shape of x; gamma and beta that of the feature axes.

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported.
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.supports_masking = True

    def _feature_axes(self, rank: int) -> list[int]:
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        return sorted(axis % rank for axis in axes)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = tuple(input_shape[axis] for axis in self._feature_axes(len(input_shape)))

        def weight(name: str, initializer: Any, regularizer: Any) -> Any:
            return self.add_weight(
                shape=shape,
                initializer=initializer,
                regularizer=regularizer,
                name=name,
                autocast=False,  # half precision is too coarse for a scale
            )

        self.gamma = self.beta = None
        if self.scale:
            self.gamma = weight("gamma", self.gamma_initializer, self.gamma_regularizer)
        if self.center:
            self.beta = weight("beta", self.beta_initializer, self.beta_regularizer)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.apply(at_least_float32(inputs)), self.compute_dtype)

    def forward(
        self, x: tf.Tensor, gamma: tf.Tensor | None = None, beta: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, LayerCache]:
        axes = self._feature_axes(len(x.shape))
        others = [axis for axis in range(len(x.shape)) if axis not in axes]
        shape = [x.shape[axis] if axis in axes else 1 for axis in range(len(x.shape))]
        normalized = normalize(x, axes, self.epsilon)
        scale = tf.ones(shape, x.dtype) if gamma is None else tf.reshape(gamma, shape)
        y = scale * normalized.xhat
        if beta is not None:
            y = y + tf.reshape(beta, shape)
        return y, LayerCache(normalized, scale, axes, others)

    def backward(self, cache: LayerCache, g: tf.Tensor) -> Gradients:
        xhat, r = cache.normalized.xhat, cache.normalized.reciprocal
        h = g * cache.scale
        through_mean = tf.reduce_mean(h, axis=cache.axes, keepdims=True)
        through_variance = xhat * tf.reduce_mean(h * xhat, axis=cache.axes, keepdims=True)
        return {
            "x": r * (h - through_mean - through_variance),
            "gamma": tf.reduce_sum(g * xhat, axis=cache.others),
            "beta": tf.reduce_sum(g, axis=cache.others),
        }
