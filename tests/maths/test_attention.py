"""Attention on NumPy arrays: the layers' numbers in float64, and what it is by definition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers, seeds
from dlmath.layers.attention import BlockwiseAttention, DotProductAttention
from dlmath.maths.attention import (
    attend,
    attention_gradients,
    before,
    layer_norm,
    random_block,
    sines,
    softmax_jacobian,
)
from dlmath.maths.differences import complex_step
from dlmath.maths.experiments.attention_blocks import block_gradients, in_blocks
from dlmath.maths.network import softmax

CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def drawn(*shapes):
    rng = seeds.generator("test", "attention")
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("causal", [False, True])
def test_values_and_gradients_are_those_of_the_layer(causal):
    q, k, v, g = drawn((6, 3), (6, 3), (6, 5), (6, 5))
    mask = before(6) if causal else None
    outputs, weights = attend(q, k, v, allowed=mask)
    layer = DotProductAttention()
    (theirs, their_weights), cache = layer.forward(*map(tf.constant, (q, k, v)), causal=causal)
    np.testing.assert_allclose(outputs, theirs, **CLOSE)
    np.testing.assert_allclose(weights, their_weights, **CLOSE)
    backward = layer.backward(cache, tf.constant(g), tf.zeros_like(their_weights))
    for name, ours in zip("qkv", attention_gradients(q, k, v, weights, g), strict=True):
        np.testing.assert_allclose(ours, backward[name], **CLOSE)


@pytest.mark.parametrize("size", [1, 4, 6, 9])
def test_blocks_are_those_of_the_layer(size):
    q, k, v, g = drawn((6, 3), (6, 3), (6, 5), (6, 5))
    outputs, cache = in_blocks(q, k, v, size, before(6))
    layer = BlockwiseAttention(size)
    theirs, their_cache = layer.forward(*map(tf.constant, (q, k, v)), causal=True)
    np.testing.assert_allclose(outputs, theirs, **CLOSE)
    backward = layer.backward(their_cache, tf.constant(g))
    for name, ours in zip("qkv", block_gradients(cache, size, before(6), g), strict=True):
        np.testing.assert_allclose(ours, backward[name], **CLOSE)


def test_a_block_is_that_of_the_layers():
    block = random_block(seeds.generator("test", "block"), 4)
    (rows,) = drawn((7, 4))
    attention = layers.MultiHeadAttention(1, 4, use_bias=False, dtype="float64")
    normalised = layers.LayerNormalization(epsilon=0.0, dtype="float64")
    x = tf.constant(rows[np.newaxis])
    attention(x, x)
    q, k, v = (part[:, np.newaxis] for part in (block.query, block.key, block.value))
    attention.set_weights([q, k, v, block.linear[np.newaxis]])
    theirs = normalised(x + attention(x, x))
    np.testing.assert_allclose(block(rows), theirs[0], **CLOSE)


def test_layer_norm_is_that_of_keras():
    (rows,) = drawn((5, 8))
    theirs = keras.layers.LayerNormalization(epsilon=0.1, dtype="float64")(rows)
    np.testing.assert_allclose(layer_norm(rows, 0.1), theirs, **CLOSE)


def test_sines_are_those_of_the_layer():
    theirs = layers.SinePositionEncoding(dtype="float64")(tf.zeros((1, 50, 6), tf.float64))
    np.testing.assert_allclose(sines(np.arange(50), 6), theirs[0], **CLOSE)


def test_weights_of_a_query_by_hand():
    # Scores 0 and 2 log 3 / sqrt(4): weights 1/4 and 3/4.
    outputs, weights = attend(
        np.array([[1.0, 0, 0, 0]]),
        np.array([[0.0, 1, 0, 0], [2 * np.log(3), 0, 0, 0]]),
        np.array([[0.0], [4.0]]),
    )
    np.testing.assert_allclose(weights, [[0.25, 0.75]])
    np.testing.assert_allclose(outputs, [[3.0]])


def test_the_jacobian_of_the_softmax_is_that_of_complex_steps():
    (scores,) = drawn((5,))
    found = complex_step(lambda a: softmax(a[np.newaxis])[0], scores)
    np.testing.assert_allclose(softmax_jacobian(softmax(scores[np.newaxis])[0]), found, atol=1e-15)
