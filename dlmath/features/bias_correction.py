r"""Bias correction: shift biases so that a network rounded to 8 bits keeps its means.

A kernel W that is rounded to W + dW moves the output of its layer by dW * x. Inputs x are mostly
positive after a ReLU, so this moves a whole channel by about dW * E[x], image for image the same
way, and the layers above take it for a change of the image. Rounded inputs do so too, since a ReLU
lets only one half of their noise pass. Both are mended by the bias that is there already:

    b <- b - E[y' - y],    y of the layer as it was, y' of the rounded one below rounded ones.

Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
arXiv:1906.04721, section 4.2; the expectation is taken over images, as in its appendix D, and layer
after layer, in one pass in which each image runs through both networks side by side.
"""

from collections.abc import Collection, Iterator

import keras
import numpy as np
import tensorflow as tf

_LAYERS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
# Weights of a layer up to which 8 bits would save nothing to speak of.
_FEW_WEIGHTS = 1_000
_LAST = "logits"  # of every classifier


def layers_to_keep(model: keras.Model) -> list[str]:
    """Return the names of the layers that are best left in float32.

    They are the first ones, up to the first that has many weights: all others amplify what they do
    to an image, and they hold next to nothing of the weights. And the last, `logits`. Of a network
    that has no layer of many weights but the last, only that one: something must be left to round.
    """
    layers = list(_in_order(model))
    sizes = [sum(int(np.prod(weights.shape)) for weights in layer.weights) for layer in layers]
    large = (
        row for row, size in enumerate(sizes) if size > _FEW_WEIGHTS and layers[row].name != _LAST
    )
    return [*(layer.name for layer in layers[: next(large, 0)]), _LAST]


def _in_order(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _in_order(layer)
        else:
            yield layer


def correct_biases(model: keras.Model, images: np.ndarray, keep: Collection[str]) -> None:
    """Correct the biases of a functional model for its conversion to 8-bit integers.

    Args:
        model: With its batch normalisation folded; its biases are changed.
        images: (n, S, S, 3) in 0..255, as the model will see them.
        keep: Names of layers that stay in float32.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, _LAYERS) and layer.use_bias and layer.name not in keep:
            return _SideBySide(layer)
        return layer

    twins = keras.models.clone_model(model, clone_function=clone, recursive=True)
    pixels = tf.constant(images, tf.float32)
    # A graph lets go of each layer's output once it is read, which Keras itself does not.
    tf.function(lambda both: twins(both, training=False), autograph=False)(
        tf.concat([pixels, pixels], axis=0)
    )


def rounded(kernel: np.ndarray, *, depthwise: bool = False) -> np.ndarray:
    """Return a kernel as LiteRT's 8 bits hold it: steps of 1/127 of the largest of each output.

    Args:
        kernel: (..., outputs), or for a depthwise convolution (h, w, channels, multiplier).
        depthwise: Whether it is that of one.
    """
    outputs = 2 if depthwise else 1  # axes
    largest = np.abs(kernel).max(axis=tuple(range(kernel.ndim - outputs)), keepdims=True)
    step = np.where(largest > 0, largest, 1) / 127
    return (np.round(kernel / step) * step).astype(np.float32)


class _SideBySide(keras.layers.Layer):
    """A layer and its rounded form: one on the first half of the images, one on the second."""

    def __init__(self, layer: keras.layers.Layer):
        super().__init__(name=layer.name)
        self.layer = layer
        kernel, bias = layer.get_weights()
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        self.exact = _linear(layer, kernel, bias)
        self.rounded = _linear(layer, rounded(kernel, depthwise=depthwise), bias)

    def call(self, both: tf.Tensor) -> tf.Tensor:
        count = tf.shape(both)[0] // 2
        exact = self.exact(both[:count])
        off = self.rounded(_in_8_bits(both[count:], both[:count])) - exact
        shift = tf.reduce_mean(off, axis=tuple(range(len(off.shape) - 1)))
        self.layer.bias.assign_sub(shift)
        return self.layer.activation(tf.concat([exact, exact + off - shift], axis=0))


def _linear(layer: keras.layers.Layer, kernel: np.ndarray, bias: np.ndarray) -> keras.layers.Layer:
    """Return a copy of a layer without its activation, with other weights."""
    copy = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    copy.build(layer.input.shape)
    copy.set_weights([kernel, bias])
    return copy


def _in_8_bits(values: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Round to 256 steps between the least and the largest of the exact values."""
    low, high = tf.minimum(tf.reduce_min(like), 0.0), tf.maximum(tf.reduce_max(like), 0.0)
    return tf.quantization.fake_quant_with_min_max_vars(values, low, high)
