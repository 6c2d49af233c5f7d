r"""Fold batch normalisation into the convolution before it: one multiplication less, exactly.

In inference mode batch normalisation is a fixed affine map of each output channel c. With

    y_c = (W_c * x) + b_c                                     the convolution,
    z_c = gamma_c (y_c - mu_c) / sqrt(sigma_c^2 + epsilon) + beta_c      the normalisation,

put s_c = gamma_c / sqrt(sigma_c^2 + epsilon). A convolution is linear in its kernel, so

    z_c = ((s_c W_c) * x) + s_c (b_c - mu_c) + beta_c,

which is a convolution with kernel s_c W_c and bias s_c (b_c - mu_c) + beta_c. Nothing is
approximated; in floating point the two differ only by rounding. Padding changes nothing, since
zeros are padded before the convolution, where both forms see the same x.

A normalisation of the input by stored statistics is an affine map as well, x / s - m / s with
s = max(sqrt(variance), epsilon), and becomes a rescaling by these numbers. Keras holds m and s in
tensors that are no variables; a converter that looks for variables takes them for further inputs
of the graph, which no one will give (Keras 3.15.1, EfficientNetB0 by tf2onnx 1.17).
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def fold_batch_normalization(model: keras.Model) -> keras.Model:
    """Return a copy of a functional model, in inference mode equal to it up to rounding.

    Every batch normalisation that is the only reader of the output of a linear 2-D convolution is
    folded into it, inside nested models too. Others stay: after a pooling, a sum, or an activation.
    A normalisation of channels by stored statistics becomes a rescaling.

    Args:
        model: A functional `keras.Model`; it is not changed.
    """
    folded = {chain.convolution.name: chain.normalization for chain in convolution_chains(model)}
    skipped = {normalization.name for normalization in folded.values()}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if _normalizes_channels(layer):
            return _as_rescaling(layer)
        config = layer.get_config()
        if layer.name in folded:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: keras.layers.Layer, *inputs: keras.KerasTensor, **options: object) -> object:
        return inputs[0] if layer.name in skipped else layer(*inputs, **options)

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call, recursive=True)
    originals = {layer.name: layer for layer in leaf_layers(model)}
    for layer in leaf_layers(copy):
        if layer.name in folded:
            layer.set_weights(_folded_weights(originals[layer.name], folded[layer.name]))
        elif layer.weights:  # a rescaling, in the place of a normalisation, has none
            layer.set_weights(originals[layer.name].get_weights())
    return copy


class Chain(NamedTuple):
    """A linear 2-D convolution and what reads its output, each the only reader of the one before.

    Attributes:
        convolution: A `Conv2D` or `DepthwiseConv2D` without an activation.
        normalization: The batch normalisation of its channels.
        reader: The only layer that reads the normalisation; None where there are several, or none.
    """

    convolution: keras.layers.Layer
    normalization: keras.layers.BatchNormalization
    reader: keras.layers.Layer | None


def convolution_chains(model: keras.Model) -> list[Chain]:
    """Return the convolutions of a functional model, nested ones included, that can be folded."""
    return [chain for nested in _nested(model) for chain in _chains_of_one(nested)]


def _chains_of_one(model: keras.Model) -> list[Chain]:
    # By the nodes of this model: a layer may be a part of other models too.
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    calls = [node for node in nodes if not node.is_input]
    times_called = Counter(id(call.operation) for call in calls)
    times_read = Counter(id(tensor) for call in calls for tensor in call.input_tensors)
    times_read.update(id(tensor) for tensor in model.outputs)  # read outside of a nested model
    only_reader = {
        id(tensor): call.operation
        for call in calls
        for tensor in call.input_tensors
        if times_read[id(tensor)] == 1 and times_called[id(call.operation)] == 1
    }
    chains = []
    for call in calls:
        convolution, normalization = call.operation, only_reader.get(id(call.outputs[0]))
        if (
            isinstance(convolution, _CONVOLUTIONS)
            and isinstance(normalization, keras.layers.BatchNormalization)
            and times_called[id(convolution)] == 1
            and convolution.activation is keras.activations.linear
        ):
            output = next(c.outputs[0] for c in calls if c.operation is normalization)
            chains.append(Chain(convolution, normalization, only_reader.get(id(output))))
    return chains


def _normalizes_channels(layer: keras.layers.Layer) -> bool:
    """Return whether it is a `Normalization` with one mean and one variance a channel."""
    if not isinstance(layer, keras.layers.Normalization) or layer.invert:
        return False
    last = len(layer.output.shape) - 1  # Keras's own networks count from the first axis
    return layer.axis in ((-1,), (last,))


def _as_rescaling(normalization: keras.layers.Normalization) -> keras.layers.Rescaling:
    mean = np.ravel(normalization.mean).astype(np.float64)
    deviation = np.sqrt(np.ravel(normalization.variance).astype(np.float64))
    scale = 1 / np.maximum(deviation, keras.config.epsilon())
    return keras.layers.Rescaling(
        scale.tolist(),
        offset=(-mean * scale).tolist(),
        dtype=normalization.dtype_policy,
        name=normalization.name,
    )


def _nested(model: keras.Model) -> list[keras.Model]:
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return [model, *(found for one in inner for found in _nested(one))]


def leaf_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a model and of the models nested in it, but not those models."""
    return [
        layer
        for nested in _nested(model)
        for layer in nested.layers
        if not isinstance(layer, keras.Model)
    ]


def _folded_weights(
    convolution: keras.layers.Layer, normalization: keras.layers.BatchNormalization
) -> list[np.ndarray]:
    """Return kernel and bias by the algebra above."""
    kernel, *bias = convolution.get_weights()
    scale, shift = scale_and_shift(normalization, bias[0] if bias else 0.0, np.array)
    return [kernel * scale.reshape(scale_shape(convolution)), shift]


def scale_and_shift(
    normalization: keras.layers.BatchNormalization,
    bias: Any,
    read: Callable[[keras.Variable], Any],
) -> tuple[Any, Any]:
    """Return s_c and s_c (b_c - mu_c) + beta_c of each channel, both (C,).

    Args:
        normalization: The normalisation of C channels.
        bias: b, (C,) or a number.
        read: Returns a variable as the array or tensor to compute with.
    """
    mean, variance = read(normalization.moving_mean), read(normalization.moving_variance)
    gamma = read(normalization.gamma) if normalization.scale else 1.0
    beta = read(normalization.beta) if normalization.center else 0.0
    scale = gamma / (variance + normalization.epsilon) ** 0.5
    return scale, scale * (bias - mean) + beta


def scale_shape(convolution: keras.layers.Layer) -> tuple[int, ...]:
    """Return the shape in which a scale of each output channel multiplies the kernel.

    Output channels are the last axis, or for a depthwise kernel (h, w, channels, multiplier) both
    last axes together.
    """
    shape = tuple(convolution.kernel.shape)
    return shape[2:] if isinstance(convolution, keras.layers.DepthwiseConv2D) else shape[3:]
