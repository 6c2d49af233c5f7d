"""A model whose training steps run through an equivalent, faster graph on a CPU.

Where a convolution is followed by frozen batch normalisation, and that perhaps by an activation, a
step computes the three as one map (`dlmath.training.frozen_convolution`). Variables, their order
and their names stay those of the functional model; outside of training its layers run as they are.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from dlmath.features.folding import (
    Chain,
    convolution_chains,
    scale_and_shift,
    scale_shape,
)
from dlmath.training.frozen_convolution import Activation, Windows, convolve

Operation = Callable[..., Any]


class TrainingModel(keras.Model):
    """A functional model that folds frozen batch normalisation within each training step.

    Its gradients differ from those of the same layers one after another only by rounding. A layer
    runs as it is on another device than a CPU, in mixed precision, and where its normalisation
    trains.

    Args:
        inputs, outputs, name: As of a functional `keras.Model`.
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        replacements = _replacements(self) if training else {}
        if not replacements:
            return super().call(inputs, training=training, mask=mask)
        return _run(self, replacements, inputs)


def _run(
    model: keras.Model, replacements: dict[int, Operation], inputs: tf.Tensor, **_: object
) -> tf.Tensor:
    """Return the outputs of a functional model in which replacements are called for layers."""

    def operation(layer: keras.layers.Layer) -> Operation:
        if isinstance(layer, keras.Model):
            return partial(_run, layer, replacements)
        if id(layer) in replacements:
            return replacements[id(layer)]
        return partial(_train, layer) if layer._call_has_training_arg else layer

    # As in a functional model's own `call`.
    inputs = model._standardize_inputs(inputs)
    return model._run_through_graph(inputs, operation_fn=operation)


def _train(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
    """Call a layer in the mode of training, which the graph of a functional model leaves open."""
    return layer(*inputs, **{**options, "training": True})


def _replacements(model: keras.Model) -> dict[int, Operation]:
    """Return what is called for the layers that are computed otherwise, by the ids of these."""
    replacements: dict[int, Operation] = {}
    for chain in convolution_chains(model):
        if _can_be_replaced(chain):
            activation = _activation(chain.reader)
            replacements[id(chain.convolution)] = partial(_apply, chain, activation or "linear")
            replacements[id(chain.normalization)] = _identity
            if activation is not None:
                replacements[id(chain.reader)] = _identity
    return replacements


def _can_be_replaced(chain: Chain) -> bool:
    convolution, normalization = chain.convolution, chain.normalization
    return (
        not normalization.trainable
        and normalization.axis in (-1, 3)
        and convolution.data_format == "channels_last"
        and tuple(convolution.dilation_rate) == (1, 1)
        and getattr(convolution, "groups", 1) == 1  # a depthwise one has none
        and convolution.compute_dtype == normalization.compute_dtype == convolution.variable_dtype
        and "CPU" in convolution.kernel.value.device
    )


def _activation(layer: keras.layers.Layer | None) -> Activation | None:
    """Return the activation that a layer is, if `frozen_convolution` has it."""
    if isinstance(layer, keras.layers.ReLU) and layer.negative_slope == layer.threshold == 0:
        return _RECTIFIERS.get(layer.max_value)
    if isinstance(layer, keras.layers.Activation):
        return _ACTIVATIONS.get(layer.activation)
    return None


_RECTIFIERS: dict[float | None, Activation] = {None: "relu", 6.0: "relu6"}
_ACTIVATIONS: dict[Callable[..., Any], Activation] = {
    keras.activations.relu: "relu",
    keras.activations.relu6: "relu6",
    keras.activations.silu: "silu",
}


def _apply(chain: Chain, activation: Activation, x: tf.Tensor, **_: object) -> tf.Tensor:
    """Return the output of the chain (N, R, Q, F) for x (N, H, W, C)."""
    convolution = chain.convolution
    bias = tf.convert_to_tensor(convolution.bias) if convolution.use_bias else 0.0
    scale, shift = scale_and_shift(chain.normalization, bias, tf.convert_to_tensor)
    kernel = tf.convert_to_tensor(convolution.kernel) * tf.reshape(scale, scale_shape(convolution))
    is_depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    windows = Windows(tuple(convolution.strides), convolution.padding.upper(), is_depthwise)
    x = tf.cast(x, convolution.compute_dtype)
    return convolve(x, kernel, shift, windows, activation)


def _identity(x: tf.Tensor, **_: object) -> tf.Tensor:
    return x
