"""Faults that people really make in backward passes, written out by hand.

Each is a wrong version of one method of `dlmath.layers`. Together with the mutants of
`mutation.py` they are what the checker is checked with.
"""

import copy
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from dlmath.gradcheck.mutation import Fault
from dlmath.layers import BatchNormalization, Dense, Dropout, LayerNormalization, MaxPooling2D
from dlmath.layers.activations import Gelu, Relu, Sigmoid, Silu, Softmax, Tanh
from dlmath.layers.convolution import Convolution, WindowedProduct
from dlmath.layers.loss_functions import (
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
)
from dlmath.layers.pooling import WindowMean
from dlmath.layers.regularizers import L1, L2
from dlmath.layers.windows import Patches

FAULTS: list[Fault] = []


def fault(owner: type, attribute: str, what: str) -> Callable[[Callable], Callable]:
    """Register the decorated function as a wrong `owner.attribute`."""

    def register(wrong: Callable) -> Callable:
        FAULTS.append(Fault(f"{owner.__name__}.{attribute}", what, owner, attribute, wrong))
        return wrong

    return register


DENSE, BATCH, LAYER = Dense.backward, BatchNormalization.backward, LayerNormalization.backward
CONVOLUTION, CONVOLUTION_ADJOINT = WindowedProduct.backward, Convolution.adjoint
POOLING, ADJOINT, RELU = MaxPooling2D.backward, Patches.put_back, Relu.backward
SOFTMAX_CROSS_ENTROPY = SoftmaxCrossEntropy.backward
SIGMOID_CROSS_ENTROPY, SQUARED_ERROR = SigmoidCrossEntropy.backward, SquaredError.backward


@fault(Dense, "backward", "a stale cache: the input of another batch")
def _(self: Any, cache: Any, g: Any) -> Any:
    x, kernel = cache
    return DENSE(self, (tf.roll(x, 1, axis=0), kernel), g)


@fault(Dense, "backward", "swapped arguments: g^T x for x^T g, reshaped until it fits")
def _(self: Any, cache: Any, g: Any) -> Any:
    kernel = DENSE(self, cache, g)["kernel"]
    swapped = tf.reshape(tf.transpose(kernel), tf.shape(kernel))
    return {**DENSE(self, cache, g), "kernel": swapped}


@fault(Dense, "backward", "the gradient of the bias averaged over the batch, not summed")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {**DENSE(self, cache, g), "bias": tf.reduce_mean(tf.reshape(g, (-1, g.shape[-1])), 0)}


@fault(Dense, "backward", "float32 inside a float64 computation")
def _(self: Any, cache: Any, g: Any) -> Any:
    right = DENSE(self, cache, g)
    return {name: tf.cast(tf.cast(value, "float32"), value.dtype) for name, value in right.items()}


@fault(Dense, "backward", "cut off from the tape: right, but a constant to the second derivative")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {name: tf.stop_gradient(value) for name, value in DENSE(self, cache, g).items()}


@fault(Dense, "backward", "the upstream gradient ignored, as if it were ones")
def _(self: Any, cache: Any, g: Any) -> Any:
    return DENSE(self, cache, tf.ones_like(g))


@fault(BatchNormalization, "backward", "no path through the variance")
def _(self: Any, cache: Any, g: Any) -> Any:
    h = g * cache.scale
    mean = tf.reduce_mean(h, axis=cache.axes, keepdims=True) if cache.training else 0.0
    return {**BATCH(self, cache, g), "x": cache.normalized.reciprocal * (h - mean)}


@fault(BatchNormalization, "backward", "no path through the mean nor the variance")
def _(self: Any, cache: Any, g: Any) -> Any:
    return BATCH(self, cache._replace(training=False), g)


@fault(BatchNormalization, "backward", "missing 1/N in both means")
def _(self: Any, cache: Any, g: Any) -> Any:
    xhat, h = cache.normalized.xhat, g * cache.scale
    total = tf.reduce_sum(h, cache.axes, True) + xhat * tf.reduce_sum(h * xhat, cache.axes, True)
    return {**BATCH(self, cache, g), "x": cache.normalized.reciprocal * (h - total)}


@fault(BatchNormalization, "backward", "the unbiased variance (N - 1) only in the backward pass")
def _(self: Any, cache: Any, g: Any) -> Any:
    xhat, r = cache.normalized.xhat, cache.normalized.reciprocal
    n = tf.cast(tf.size(xhat) / tf.size(r), xhat.dtype)
    biased = cache.normalized._replace(reciprocal=r * tf.sqrt((n - 1) / n))
    return BATCH(self, cache._replace(normalized=biased), g)


@fault(BatchNormalization, "backward", "means only over the batch, not over the positions")
def _(self: Any, cache: Any, g: Any) -> Any:
    right = BATCH(self, cache, g)
    return {**right, "x": BATCH(self, cache._replace(axes=[0]), g)["x"]}


@fault(BatchNormalization, "backward", "the formula of training used at inference")
def _(self: Any, cache: Any, g: Any) -> Any:
    return BATCH(self, cache._replace(training=True), g)


@fault(LayerNormalization, "backward", "the wrong axis: means over the batch")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {**LAYER(self, cache, g), "x": LAYER(self, cache._replace(axes=cache.others), g)["x"]}


@fault(LayerNormalization, "backward", "epsilon left out of the reciprocal root")
def _(self: Any, cache: Any, g: Any) -> Any:
    bare = cache.normalized._replace(reciprocal=tf.math.rsqrt(cache.normalized.variance))
    return LAYER(self, cache._replace(normalized=bare), g)


@fault(Relu, "backward", "the mask taken of the gradient, not of the input")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": tf.where(g > 0, g, tf.zeros_like(g))}


@fault(Relu, "backward", "the mask off by one place")
def _(self: Any, cache: Any, g: Any) -> Any:
    return RELU(self, tf.roll(cache, 1, axis=-1), g)


@fault(Relu, "backward", "H(0) = 1, unlike the forward pass's own convention")
def _(self: Any, cache: Any, g: Any) -> Any:
    return RELU(self, tf.where(cache == self.threshold, cache + 1e-3, cache), g)


@fault(Sigmoid, "backward", "s (1 - s) of s itself: the sigmoid taken twice")
def _(self: Any, cache: Any, g: Any) -> Any:
    s = tf.math.sigmoid(tf.math.sigmoid(cache))
    return {"x": g * s * (1 - s)}


@fault(Tanh, "backward", "1 - x^2 for 1 - tanh(x)^2")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * (1 - cache**2)}


@fault(Silu, "backward", "the product rule forgotten: only the sigmoid")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * cache[1]}


@fault(Gelu, "backward", "the density of variance 2: no factor 1/2 in the exponent")
def _(self: Any, cache: Any, g: Any) -> Any:
    x, twice = cache
    return {"x": g * (0.5 * twice + x * tf.exp(-x * x) / (2 * 3.141592653589793) ** 0.5)}


@fault(Softmax, "backward", "only the diagonal of the Jacobian: s (1 - s)")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * cache * (1 - cache)}


@fault(Softmax, "backward", "the sum along the last axis, whatever the axis")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": cache * (g - tf.reduce_sum(cache * g, axis=-1, keepdims=True))}


@fault(SoftmaxCrossEntropy, "backward", "a second softmax: the gradient at S(z), not at z")
def _(self: Any, cache: Any, g: Any) -> Any:
    y_true, log_softmax = cache
    again = tf.nn.log_softmax(tf.exp(log_softmax), axis=self.axis)
    return SOFTMAX_CROSS_ENTROPY(self, (y_true, again), g)


@fault(SigmoidCrossEntropy, "backward", "missing 1/K: the sum where the forward pass has the mean")
def _(self: Any, cache: Any, g: Any) -> Any:
    right = SIGMOID_CROSS_ENTROPY(self, cache, g)
    return {name: value * value.shape[self.axis] for name, value in right.items()}


@fault(SquaredError, "backward", "missing 1/K")
def _(self: Any, cache: Any, g: Any) -> Any:
    right = SQUARED_ERROR(self, cache, g)
    return {name: value * value.shape[-1] for name, value in right.items()}


@fault(SquaredError, "backward", "the factor 2 forgotten")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {name: value / 2 for name, value in SQUARED_ERROR(self, cache, g).items()}


@fault(L1, "backward", "|x| for sign(x)")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * self.l1 * tf.abs(cache)}


@fault(L2, "backward", "the factor 2 forgotten")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * self.l2 * cache}


@fault(Dropout, "backward", "a fresh mask in the backward pass")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * tf.random.shuffle(cache.factors, seed=1)}


@fault(Dropout, "backward", "the scale 1 / (1 - rate) forgotten")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {"x": g * cache.factors * (1 - self.rate)}


@fault(MaxPooling2D, "backward", "the gradient given to every pixel from the winner on")
def _(self: Any, cache: Any, g: Any) -> Any:
    patches, largest = cache
    masks = [tf.cast(so_far == largest[-1], g.dtype) for so_far in largest]
    return {"x": patches.put_back([g * mask for mask in masks])}


@fault(MaxPooling2D, "backward", "the gradient shared by the window, as in average pooling")
def _(self: Any, cache: Any, g: Any) -> Any:
    patches, largest = cache
    return {"x": patches.put_back([g / len(largest)] * len(largest))}


@fault(MaxPooling2D, "backward", "the winner off by one position of the window")
def _(self: Any, cache: Any, g: Any) -> Any:
    patches, largest = cache
    shifted = [largest[0] - 1, *largest[:-2], largest[-1]]
    return POOLING(self, (patches, shifted), g)


@fault(WindowMean, "adjoint", "the padding counted only in the backward pass")
def _(self: Any, y: Any) -> Any:
    positions = len(self.patches.window.offsets)
    return self.patches.put_back([y / positions] * positions)


@fault(Patches, "put_back", "overlapping windows overwrite each other: no sum")
def _(self: Any, pictures: Any) -> Any:
    once = ADJOINT(self, [tf.ones_like(picture) for picture in pictures])
    return ADJOINT(self, pictures) / tf.maximum(once, 1)


@fault(Patches, "put_back", "the padding cut off at the wrong end")
def _(self: Any, pictures: Any) -> Any:
    return tf.roll(ADJOINT(self, pictures), 1, axis=1)


@fault(Patches, "put_back", "the stride ignored: pixels put side by side, and zeros after them")
def _(self: Any, pictures: Any) -> Any:
    right = ADJOINT(self, pictures)
    down, across = self.window.strides
    near = right[:, ::down, ::across]
    missing = [(0, a - b) for a, b in zip(right.shape, near.shape, strict=True)]
    return tf.pad(near, missing)


@fault(Convolution, "adjoint", "the kernel turned by 180 degrees once too often")
def _(self: Any, y: Any) -> Any:
    patches = self.patches
    turned = copy.copy(patches)
    turned.put_back = lambda pictures: ADJOINT(patches, list(pictures)[::-1])
    other = copy.copy(self)
    other.patches = turned
    return CONVOLUTION_ADJOINT(other, y)


@fault(WindowedProduct, "backward", "the groups in the wrong order")
def _(self: Any, cache: Any, g: Any) -> Any:
    convolution, columns, shape = cache
    return CONVOLUTION(self, (convolution, columns[::-1], shape), g)


@fault(WindowedProduct, "backward", "the bias summed only over the batch, then averaged")
def _(self: Any, cache: Any, g: Any) -> Any:
    return {
        **CONVOLUTION(self, cache, g),
        "bias": tf.reduce_mean(tf.reduce_sum(g, axis=0), axis=(0, 1)),
    }
