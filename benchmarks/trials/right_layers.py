"""Right layers of a user's own, each awkward in its own way: the checker must not refuse them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath import layers
from dlmath.layers import Layer, Pair


class Scale(Layer):
    """factor * x."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

    def forward(self, x: Any, factor: Any) -> Any:
        return factor * x, (x, factor)

    def backward(self, cache: Any, g: Any) -> Any:
        x, factor = cache
        axes = list(range(len(x.shape) - 1))
        return {"x": factor * g, "factor": tf.reduce_sum(g * x, axis=axes)}


class Product(Layer):
    """The product of two inputs in a list."""

    def call(self, inputs: Any) -> Any:
        a, b = inputs
        return self.apply(a, b)

    def forward(self, a: Any, b: Any) -> Any:
        return a * b, (a, b)

    def backward(self, cache: Any, g: Any) -> Any:
        a, b = cache
        return {"a": g * b, "b": g * a}


class MaskedMean(Layer):
    """The mean over the steps of a sequence that are not masked."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def call(self, inputs: Any, mask: Any = None) -> Any:
        kept = tf.ones(tf.shape(inputs)[:-1], inputs.dtype)
        kept = kept if mask is None else tf.cast(mask, inputs.dtype)
        shares = kept / tf.reduce_sum(kept, axis=-1, keepdims=True)
        return self.apply(inputs, shares=shares[..., tf.newaxis])

    def forward(self, x: Any, *, shares: Any) -> Any:
        return tf.reduce_sum(shares * x, axis=-2), shares

    def backward(self, cache: Any, g: Any) -> Any:
        return {"x": cache * tf.expand_dims(g, -2)}


class Recurrent(Layer):
    """h_t = tanh(x_t W + h_(t-1) U): a run of the pair for each step, from an initial state.

    Returns every state and the last one. A masked step keeps the state.
    """

    def __init__(self, units: int = 3, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")

    def call(self, inputs: Any, mask: Any = None, initial_state: Any = None) -> Any:
        state = initial_state
        if state is None:
            state = tf.zeros((tf.shape(inputs)[0], self.units), inputs.dtype)
        states = []
        for step in range(inputs.shape[1]):
            new = self.apply(inputs[:, step], state)
            if mask is not None:
                new = tf.where(mask[:, step, tf.newaxis], new, state)
            state = new
            states.append(state)
        return tf.stack(states, axis=1), state

    def forward(self, x: Any, state: Any, kernel: Any, recurrent: Any) -> Any:
        y = tf.math.tanh(x @ kernel + state @ recurrent)
        return y, (x, state, kernel, recurrent, y)

    def backward(self, cache: Any, g: Any) -> Any:
        x, state, kernel, recurrent, y = cache
        z = (1 - y * y) * g
        return {
            "x": tf.matmul(z, kernel, transpose_b=True),
            "state": self.to_state(z, recurrent),
            "kernel": tf.matmul(x, z, transpose_a=True),
            "recurrent": tf.matmul(state, z, transpose_a=True),
        }

    def to_state(self, z: Any, recurrent: Any) -> Any:
        return tf.matmul(z, recurrent, transpose_b=True)


class Attention(Layer):
    """softmax(Q K^T / sqrt d) V of three inputs, two pairs in one call: softmax is another."""

    def call(self, query: Any, key: Any, value: Any) -> Any:
        size = float(query.shape[-1])
        scores = tf.matmul(query, key, transpose_b=True) / tf.cast(tf.sqrt(size), query.dtype)
        return self.apply(layers.activations.Softmax()(scores), value)

    def forward(self, weights: Any, value: Any) -> Any:
        return tf.matmul(weights, value), (weights, value)

    def backward(self, cache: Any, g: Any) -> Any:
        weights, value = cache
        return {
            "weights": tf.matmul(g, value, transpose_b=True),
            "value": tf.matmul(weights, g, transpose_a=True),
        }


class Embedding(Layer):
    """Rows of a table by whole numbers, which have no gradient."""

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight(shape=(5, 3), name="table")

    def call(self, inputs: Any) -> Any:
        return self.apply(places=tf.cast(inputs, tf.int32))

    def forward(self, table: Any, *, places: Any) -> Any:
        return tf.gather(table, places), (table, places)

    def backward(self, cache: Any, g: Any) -> Any:
        table, places = cache
        rows = tf.reshape(g, (-1, table.shape[1]))
        sums = tf.math.unsorted_segment_sum(rows, tf.reshape(places, (-1,)), table.shape[0])
        return {"table": sums}


class Residual(Layer):
    """x + the output of layers inside, each with its own pair."""

    def build(self, input_shape: Any) -> None:
        self.inner = layers.Dense(input_shape[-1], dtype=self.dtype)
        self.norm = layers.LayerNormalization(dtype=self.dtype)

    def call(self, inputs: Any) -> Any:
        return inputs + layers.activations.Gelu()(self.inner(self.norm(inputs)))


class WeightNormalized(Layer):
    """x V / |V|, whose kernel is computed from a weight in the call."""

    def build(self, input_shape: Any) -> None:
        self.direction = self.add_weight(shape=(input_shape[-1], 2), name="direction")

    @property
    def kernel(self) -> Any:
        v = tf.convert_to_tensor(self.direction)
        return v / tf.norm(v, axis=0, keepdims=True)

    def forward(self, x: Any, kernel: Any) -> Any:
        return tf.matmul(x, kernel), (x, kernel)

    def backward(self, cache: Any, g: Any) -> Any:
        x, kernel = cache
        rows = tf.reshape(x, (-1, x.shape[-1])), tf.reshape(g, (-1, 2))
        return {
            "x": tf.matmul(g, kernel, transpose_b=True),
            "kernel": tf.matmul(*rows, transpose_a=True),
        }


class RootMeanSquare(Layer):
    """x / sqrt(mean x^2 + epsilon)."""

    def forward(self, x: Any) -> Any:
        r = tf.math.rsqrt(tf.reduce_mean(x * x, axis=-1, keepdims=True) + 1e-6)
        return x * r, (x * r, r)

    def backward(self, cache: Any, g: Any) -> Any:
        y, r = cache
        return {"x": r * (g - y * tf.reduce_mean(g * y, axis=-1, keepdims=True))}


class Noise(Layer):
    """Multiplies by random numbers, in training only."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, inputs: Any, training: Any = None) -> Any:
        if not training:
            return inputs
        shape = tf.shape(inputs)
        noise = keras.random.normal(shape, 1.0, 0.1, dtype=inputs.dtype.name, seed=self.seeds)
        return self.apply(inputs, noise=noise)

    def forward(self, x: Any, *, noise: Any) -> Any:
        return noise * x, noise

    def backward(self, cache: Any, g: Any) -> Any:
        return {"x": cache * g}


class Centred(Layer):
    """x minus its mean over the batch: every gradient depends on every sample."""

    def forward(self, x: Any) -> Any:
        return x - tf.reduce_mean(x, axis=0, keepdims=True), None

    def backward(self, cache: Any, g: Any) -> Any:
        return {"x": g - tf.reduce_mean(g, axis=0, keepdims=True)}


class MovingBatchNormalization(layers.BatchNormalization):
    """Batch normalisation with another momentum."""

    def __init__(self, **kwargs: Any):
        super().__init__(**{"momentum": 0.5, **kwargs})


def gelu_by_tanh() -> Pair:
    """Return the fit of GELU by tanh, which cancels on the left in float32, as everyone's does."""

    def parts(x: Any) -> Any:
        inside = 0.7978845608 * (x + 0.044715 * x**3)
        return tf.math.tanh(inside), 0.7978845608 * (1 + 3 * 0.044715 * x**2)

    def backward(x: Any, g: Any) -> Any:
        t, slope = parts(x)
        # Where t is 1 or -1 the slope may be past the largest float32.
        return {"x": g * 0.5 * (1 + t + tf.math.multiply_no_nan(x * slope, 1 - t * t))}

    return Pair(lambda x: (0.5 * x * (1 + parts(x)[0]), x), backward)


def by_tanh_of_softplus() -> Pair:
    """Return x tanh(log(1 + e^x)) (mish)."""

    def backward(x: Any, g: Any) -> Any:
        t = tf.math.tanh(tf.math.softplus(x))
        return {"x": g * (t + x * (1 - t * t) * tf.math.sigmoid(x))}

    return Pair(lambda x: (x * tf.math.tanh(tf.math.softplus(x)), x), backward)


SEQUENCE = np.random.default_rng(0).normal(size=(4, 3, 2))
STATE = np.random.default_rng(1).normal(size=(4, 3))
MASK = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
WITH_STATE = {"inputs": {"x": SEQUENCE}, "options": {"initial_state": STATE, "mask": MASK}}
POSITIVE = np.random.default_rng(2).uniform(0.5, 2.0, (4, 3))


def keras_recurrent() -> keras.layers.Layer:
    return keras.layers.SimpleRNN(3, use_bias=False, return_sequences=True, return_state=True)


# What makes it, and the further arguments of `gradcheck.check`.
RIGHT: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "one weight": (Scale, {}),
    "one weight, with a function as its reference": (
        Scale, {"reference": lambda x, factor: factor * x}),
    "two inputs": (Product, {"reference": "keras.layers:Multiply"}),
    "three inputs and two pairs": (Attention, {}),
    "a mask": (MaskedMean, {}),
    "a run for each step": (Recurrent, {}),
    "a mask and an initial state, against Keras": (
        Recurrent, {**WITH_STATE, "reference": keras_recurrent()}),
    "whole numbers": (
        Embedding, {"inputs": {"x": np.array([[0, 1, 4], [2, 2, 0]])}}),
    "layers inside": (Residual, {}),
    "a computed kernel": (WeightNormalized, {}),
    "root mean square": (RootMeanSquare, {}),
    "noise in training": (Noise, {}),
    "a mean over the batch": (Centred, {}),
    "batch normalisation, against Keras": (
        MovingBatchNormalization, {"reference": keras.layers.BatchNormalization(momentum=0.5)}),
    "an activation in the call, against Keras": (
        lambda: layers.Dense(3, activation="silu"), {"reference": keras.layers.Dense(3, "silu")}),
    "GELU, against Keras's rounded constant": (
        lambda: layers.Activation("gelu"),
        {"reference": keras.layers.Activation("gelu"), "tolerance": 1e-6}),
    "an exponential": (lambda: Pair(lambda x: (tf.exp(x),) * 2, lambda y, g: {"x": g * y}), {}),
    "GELU by tanh": (gelu_by_tanh, {}),
    "mish": (by_tanh_of_softplus, {}),
    "a kink": (lambda: Pair(lambda x: (tf.abs(x), x), lambda x, g: {"x": g * tf.sign(x)}), {}),
    "running sums": (lambda: Pair(lambda x: (tf.cumsum(x, axis=1), None),
                                  lambda _, g: {"x": tf.cumsum(g, axis=1, reverse=True)}), {}),
    "a logarithm of positive numbers": (
        lambda: Pair(lambda x: (tf.math.log(x), x), lambda x, g: {"x": g / x}),
        {"inputs": {"x": POSITIVE}}),
}  # fmt: skip
