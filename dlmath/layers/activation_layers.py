"""Activation functions as Keras layers. The derivations are in `activations.py`."""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import activations
from dlmath.layers.base import Layer
from dlmath.layers.hand_derived import Function, Gradients


class _FunctionLayer(Layer):
    """A layer that applies one function, `self.function`, and has no weights."""

    function: Function

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return self.function.forward(x)

    def backward(self, cache: Any, g: tf.Tensor) -> Gradients:
        return self.function.backward(cache, g)


@keras.saving.register_keras_serializable("dlmath")
class ReLU(_FunctionLayer):
    """The rectified linear unit, as `keras.layers.ReLU`; see `activations.Relu`.

    Args:
        max_value: The largest output, at least 0; None for no limit.
        negative_slope: The slope left of the threshold, at least 0.
        threshold: Where the identity begins, at least 0.

    Shapes: y has the shape of x.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative(max_value, "max_value")
        self.negative_slope = _not_negative(negative_slope, "negative_slope")
        self.threshold = _not_negative(threshold, "threshold")
        self.function = activations.Relu(self.max_value, self.negative_slope, self.threshold)


@keras.saving.register_keras_serializable("dlmath")
class LeakyReLU(_FunctionLayer):
    """The identity right of 0 and a line of small slope left of it, as `keras.layers.LeakyReLU`.

    Args:
        negative_slope: The slope left of 0, at least 0.

    Shapes: y has the shape of x.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.negative_slope = _not_negative(negative_slope, "negative_slope")
        self.function = activations.Relu(negative_slope=self.negative_slope)


@keras.saving.register_keras_serializable("dlmath")
class Softmax(_FunctionLayer):
    """Positive numbers that sum to 1, as `keras.layers.Softmax`; see `activations.Softmax`.

    Args:
        axis: The axis, or axes, along which they sum to 1.

    Shapes: y has the shape of x.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = False  # Keras's leaves masked entries out; this one knows no masks
        self.axis = axis if isinstance(axis, int) else tuple(axis)
        self.function = activations.Softmax(self.axis)


@keras.saving.register_keras_serializable("dlmath")
class Activation(_FunctionLayer):
    """An activation by its name, as `keras.layers.Activation`.

    Args:
        activation: One of the names in `activations.ACTIVATIONS`, or "linear".

    Shapes: y has the shape of x.
    """

    def __init__(self, activation: str | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.name_of(activation)

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        if self.activation is None:
            return tf.identity(x), None
        return activations.ACTIVATIONS[self.activation].forward(x)

    def backward(self, cache: Any, g: tf.Tensor) -> Gradients:
        if self.activation is None:
            return {"x": g}
        return activations.ACTIVATIONS[self.activation].backward(cache, g)


def _not_negative(value: float, name: str) -> float:
    if not (isinstance(value, (int, float)) and value >= 0):  # `not >=` also catches nan
        raise ValueError(f"`{name}` must be at least 0. Received: {name}={value!r}")
    return float(value)
