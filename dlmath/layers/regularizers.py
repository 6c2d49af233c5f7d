r"""Penalties on weights, with their gradients.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, 5 ("Regularization").

L2: l <W, W> has the differential V -> 2 l <W, V>, so the gradient is 2 l W.
L1: l sum |W| has, away from 0, the gradient l sign(W); at an entry 0 the subgradients are all of
[-l, l], and the one taken is 0, as in TensorFlow. Both are times the upstream scalar g.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers.hand_derived import Gradients, HandDerived


class _Penalty(HandDerived, keras.regularizers.Regularizer):
    """A regularizer whose gradient is its `backward`."""

    def __call__(self, x: Any) -> tf.Tensor:
        return self.differentiable({"x": tf.convert_to_tensor(x)})[0]


@keras.saving.register_keras_serializable("dlmath")
class L1(_Penalty):
    """l1 * sum |x|, as `keras.regularizers.L1`.

    Args:
        l1: The factor, at least 0.
    """

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor(l1, "l1")

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.l1 * tf.reduce_sum(tf.abs(x)), x

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        return {"x": g * self.l1 * tf.sign(cache)}

    def get_config(self) -> dict[str, float]:
        return {"l1": self.l1}


@keras.saving.register_keras_serializable("dlmath")
class L2(_Penalty):
    """l2 * sum x^2, as `keras.regularizers.L2` (no factor 1/2).

    Args:
        l2: The factor, at least 0.
    """

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor(l2, "l2")

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.l2 * tf.reduce_sum(x * x), x

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        return {"x": 2 * g * self.l2 * cache}

    def get_config(self) -> dict[str, float]:
        return {"l2": self.l2}


def get(regularizer: Any) -> Any:
    """A regularizer from an object, a config, None, or the names "l1" and "l2", which mean ours."""
    ours = {"l1": L1, "l2": L2}
    if isinstance(regularizer, str) and regularizer.lower() in ours:
        return ours[regularizer.lower()]()
    return keras.regularizers.get(regularizer)


def _factor(value: float, name: str) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError(f"`{name}` must be finite and at least 0. Received: {name}={value!r}")
    return float(value)
