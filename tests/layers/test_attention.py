"""Attention: Keras's numbers and gradients, in blocks or at once, and what the weights are."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath import layers
from dlmath.layers.attention import BlockwiseAttention, DotProductAttention

N, T, S, D, E = 2, 7, 8, 5, 6
NAMES = ("query", "key", "value", "output")


def pair_of(block_size=None, **arguments):
    arguments = {"num_heads": 3, "key_dim": 4, "value_dim": 2, **arguments, "dtype": "float64"}
    return (
        layers.MultiHeadAttention(**arguments, block_size=block_size),
        keras.layers.MultiHeadAttention(**arguments),
    )


def weights_of(layer):
    """Return the weights of our layer in Keras's order."""
    ends = ("_kernel", "_bias") if layer.use_bias else ("_kernel",)
    return [getattr(layer, name + end) for name in NAMES for end in ends]


def mask_of(kind, random, length):
    if kind == "padding":
        mask = random.random((N, length)) > 0.4
        mask[:, 0] = True
        return {"value_mask": tf.constant(mask)}
    if kind == "pairs":
        mask = random.random((N, T, length)) > 0.4
        mask[:, :, 0] = True
        return {"attention_mask": tf.constant(mask)}
    return {"use_causal_mask": True} if kind == "causal" else {}


# Queries and keys of two sequences have no common order, so nothing crossed is causal.
@pytest.mark.parametrize("block_size", [None, 3, 16])
@pytest.mark.parametrize("arguments", [{}, {"num_heads": 1}, {"use_bias": False}], ids=str)
@pytest.mark.parametrize(
    ("crossed", "kind"),
    [
        *((False, kind) for kind in ("none", "padding", "pairs", "causal")),
        *((True, kind) for kind in ("none", "padding", "pairs")),
    ],
)
def test_output_and_all_gradients_are_those_of_keras(crossed, arguments, kind, block_size):
    random = np.random.default_rng(0)
    ours, theirs = pair_of(block_size, **arguments)
    query = tf.constant(random.normal(size=(N, T, D)))
    value = tf.constant(random.normal(size=(N, S, E))) if crossed else query
    call = mask_of(kind, random, value.shape[1])
    ours(query, value), theirs(query, value)
    for mine, other in zip(weights_of(ours), theirs.weights, strict=True):
        mine.assign(random.normal(size=other.shape))
        other.assign(mine)
    upstream = tf.constant(random.normal(size=(N, T, D)))

    found = []
    for layer, weights in ((ours, weights_of(ours)), (theirs, theirs.weights)):
        with tf.GradientTape() as tape:
            tape.watch([query, value])
            y = layer(query, value, **call)
        sources = [query, value, *(weight.value for weight in weights)]
        found.append([y, *tape.gradient(y, sources, output_gradients=upstream)])

    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)


def test_the_weights_are_returned_and_have_gradients_of_their_own():
    random = np.random.default_rng(0)
    ours, theirs = pair_of()
    x = tf.constant(random.normal(size=(N, T, D)))
    ours(x, x), theirs(x, x)
    for mine, other in zip(weights_of(ours), theirs.weights, strict=True):
        mine.assign(other)
    found = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, weights = layer(x, x, return_attention_scores=True)
            target = tf.reduce_sum(tf.sin(y)) + tf.reduce_sum(weights**2)
        found.append([y, weights, tape.gradient(target, x)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(tf.reduce_sum(found[0][1], axis=-1), 1, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    block_size=st.integers(1, 10),
    causal=st.booleans(),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
    seed=st.integers(0, 99),
)
def test_blocks_change_nothing(lengths, block_size, causal, scale, seed):
    """Nor do scores of a size at which exponentials would overflow."""
    random = np.random.default_rng(seed)
    t, s = lengths
    q, k, v = (tf.constant(scale * random.normal(size=(2, length, 3))) for length in (t, s, s))
    keep = tf.constant(random.random((2, 1, s)) > 0.3)
    g = tf.constant(random.normal(size=(2, t, 3)))
    whole, blocks = DotProductAttention(), BlockwiseAttention(block_size)
    (o, p), cache = whole.forward(q, k, v, keep=keep, causal=causal)
    in_blocks, cache_of_blocks = blocks.forward(q, k, v, keep=keep, causal=causal)
    np.testing.assert_allclose(in_blocks, o, atol=1e-12 * scale)
    expected = whole.backward(cache, g, tf.zeros_like(p))
    found = blocks.backward(cache_of_blocks, g)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-10 * max(1, scale))


def test_blocks_keep_the_weights_of_large_scores_in_float32():
    """Two keys of the same score, 1e8, have the weight 1/2 each, and no gradient of the scores."""
    attention = BlockwiseAttention(1)
    q, k = tf.constant([[1e4]]), tf.constant([[1e4], [1e4]])
    v = tf.constant([[1.0], [1.0]])
    o, cache = attention.forward(q, k, v)
    assert o.numpy().tolist() == [[1.0]]
    gradients = attention.backward(cache, tf.constant([[1.0]]))
    assert gradients["v"].numpy().tolist() == [[0.5], [0.5]]
    assert gradients["k"].numpy().tolist() == [[0.0], [0.0]]


def test_a_bias_of_the_keys_changes_nothing():
    """It adds one number to all scores of a query: that its gradient is 0, `check` relies on."""
    ours, _ = pair_of()
    x = tf.constant(np.random.default_rng(0).normal(size=(N, T, D)))
    before = ours(x, x)
    ours.key_bias.assign(np.random.default_rng(1).normal(size=ours.key_bias.shape))
    with tf.GradientTape() as tape:
        y = ours(x, x)
        target = tf.reduce_sum(tf.sin(y))
    np.testing.assert_allclose(y, before, atol=1e-12)
    np.testing.assert_allclose(tape.gradient(target, ours.key_bias.value), 0, atol=1e-13)


def test_a_query_without_a_key_gets_nothing_and_gives_no_gradient():
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 4, D)))
    for block_size in (None, 3):
        layer, _ = pair_of(block_size, use_bias=False)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, x, value_mask=tf.zeros((1, 4), tf.bool))
        np.testing.assert_array_equal(y, 0)
        np.testing.assert_array_equal(tape.gradient(y, x), 0)


def test_dropped_weights_keep_the_mean_and_are_not_those_returned():
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=0)
    x = tf.random.stateless_normal((64, T, D), (0, 0))
    plain, weights = layer(x, x, return_attention_scores=True)
    dropped = [layer(x, x, return_attention_scores=True, training=True) for _ in range(40)]
    np.testing.assert_array_equal(dropped[0][1], weights)
    mean = np.mean([y for y, _ in dropped], axis=0)
    assert np.abs(mean - plain).mean() < 0.3 * np.abs(dropped[0][0] - plain).mean()


def test_the_gradient_under_dropout_is_that_of_the_same_draw():
    random = np.random.default_rng(0)
    q, k, v = (tf.constant(random.normal(size=(2, T, 3))) for _ in range(3))
    factors = tf.constant(random.choice([0.0, 2.0], (2, T, T)))
    attention = DotProductAttention()
    with tf.GradientTape() as tape:
        tape.watch([q, k, v])
        (o, p), cache = attention.forward(q, k, v, factors=factors)
        target = tf.reduce_sum(o**2)
    expected = tape.gradient(target, [q, k, v])
    found = attention.backward(cache, 2 * o, tf.zeros_like(p))
    for a, name in zip(expected, "qkv", strict=True):
        np.testing.assert_allclose(found[name], a, atol=1e-12)


def test_what_blocks_cannot_do_is_refused():
    with pytest.raises(ValueError, match="no weights to drop"):
        layers.MultiHeadAttention(2, 3, dropout=0.1, block_size=4)
    x = tf.zeros((1, 4, D))
    with pytest.raises(ValueError, match="never has all its weights"):
        layers.MultiHeadAttention(2, 3, block_size=4)(x, x, return_attention_scores=True)


def test_an_output_of_another_width_and_its_config():
    layer = layers.MultiHeadAttention(2, 3, output_shape=11)
    assert layer(tf.zeros((1, 4, D)), tf.zeros((1, 4, D))).shape == (1, 4, 11)
    again = layers.MultiHeadAttention.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.get_config()["output_shape"] == 11


def test_memory_in_blocks_grows_with_the_length_and_not_with_its_square():
    """No tensor of the graph has T x T entries."""
    length = 384

    def largest(block_size):
        layer = layers.MultiHeadAttention(1, 4, block_size=block_size)

        @tf.function
        def gradient(x):
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(layer(x, x) ** 2)
            return tape.gradient(y, layer.trainable_variables)

        graph = gradient.get_concrete_function(tf.TensorSpec((1, length, 4))).graph
        graphs = [graph, *(f.graph for f in graph._functions.values() if hasattr(f, "graph"))]
        shapes = [
            output.shape for one in graphs for op in one.get_operations() for output in op.outputs
        ]
        return max(shape.num_elements() or 0 for shape in shapes if shape.rank is not None)

    assert largest(None) >= length**2
    assert largest(32) < length**2 / 4
