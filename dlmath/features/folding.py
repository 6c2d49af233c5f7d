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
    folded = _foldable(model)  # the convolution's name to its normalisation
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


def _foldable(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Return each convolution's name with the normalisation that can go into it."""
    leaves = leaf_layers(model)
    readers = Counter(id(tensor) for layer in leaves for tensor in _inputs(layer))
    # The output of a nested model is read outside of it.
    readers.update(id(tensor) for nested in _nested(model) for tensor in nested.outputs)
    maker = {id(layer.output): layer for layer in leaves if isinstance(layer, _CONVOLUTIONS)}
    return {
        maker[id(layer.input)].name: layer
        for layer in leaves
        if isinstance(layer, keras.layers.BatchNormalization)
        and id(layer.input) in maker
        and readers[id(layer.input)] == 1
        and maker[id(layer.input)].activation is keras.activations.linear
    }


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


def _inputs(layer: keras.layers.Layer) -> list[keras.KerasTensor]:
    return keras.tree.flatten(layer.input)


def _folded_weights(
    convolution: keras.layers.Layer, normalization: keras.layers.BatchNormalization
) -> list[np.ndarray]:
    """Return kernel and bias by the algebra above."""
    kernel, *bias = convolution.get_weights()
    mean, variance = (
        np.array(normalization.moving_mean),
        np.array(normalization.moving_variance),
    )
    gamma = np.array(normalization.gamma) if normalization.scale else np.ones_like(mean)
    beta = np.array(normalization.beta) if normalization.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + normalization.epsilon)
    # Output channels: the last axis, or for a depthwise kernel (h, w, channels, multiplier) both
    # last axes together.
    is_depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    per_output = scale.reshape(kernel.shape[2:]) if is_depthwise else scale
    return [kernel * per_output, scale * ((bias[0] if bias else 0.0) - mean) + beta]
