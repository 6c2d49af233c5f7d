import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers

TOKENS = np.array([[1, 3, 3, 0], [2, 3, 0, 0]])


def test_rows_and_gradient_are_those_of_keras():
    ours, theirs = (m.Embedding(5, 3, dtype="float64") for m in (layers, keras.layers))
    ours(TOKENS), theirs(TOKENS)
    theirs.set_weights(ours.get_weights())
    upstream = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 3)))
    found = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            y = layer(TOKENS)
        gradient = tape.gradient(y, layer.embeddings, output_gradients=upstream)
        found.append((y, tf.convert_to_tensor(gradient)))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)
    np.testing.assert_array_equal(found[0][1][4], 0)  # a token that did not occur


def test_the_adjoint_of_a_gather_adds_up():
    layer = layers.Embedding(5, 1, embeddings_initializer="ones")
    with tf.GradientTape() as tape:
        y = layer(TOKENS)
    counts = tape.gradient(y, layer.embeddings).numpy().ravel().tolist()
    assert counts == np.bincount(TOKENS.ravel(), minlength=5).tolist()


def test_padding_is_masked_for_what_follows():
    inputs = keras.Input((4,), dtype="int32")
    embedded = layers.Embedding(5, 3, mask_zero=True)(inputs)
    model = keras.Model(inputs, layers.GRU(2)(embedded))
    padded = np.concatenate([TOKENS[:1], np.zeros((1, 4), int)])
    y = model.predict(padded, verbose=0)
    np.testing.assert_allclose(
        y[0], model.predict(np.array([[1, 3, 3, 0]]), verbose=0)[0], atol=1e-6
    )
    np.testing.assert_array_equal(y[1], 0)  # nothing was read
    assert layers.Embedding(5, 3).compute_mask(TOKENS) is None


def test_learnt_positions_are_rows_and_their_gradient_is_the_sum_over_samples():
    layer = layers.PositionEmbedding(6, dtype="float64")
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 4, 2)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    np.testing.assert_array_equal(y, np.broadcast_to(layer.position_embeddings[:4], y.shape))
    upstream = tf.constant(np.random.default_rng(1).normal(size=(3, 4, 2)))
    with tf.GradientTape() as tape:
        y = layer(x)
    gradient = tape.gradient(y, layer.position_embeddings, output_gradients=upstream)
    np.testing.assert_allclose(gradient[:4], upstream.numpy().sum(axis=0), atol=1e-14)
    np.testing.assert_array_equal(gradient[4:], 0)


def test_a_sequence_longer_than_its_positions_is_refused():
    layer = layers.PositionEmbedding(3)
    with pytest.raises(ValueError, match="at most 3 positions.*Received: 4"):
        layer(tf.zeros((1, 4, 2)))
    late = tf.function(layer, input_signature=[tf.TensorSpec((None, None, 2))])
    assert late(tf.zeros((1, 3, 2))).shape == (1, 3, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 3 positions"):
        late(tf.zeros((1, 4, 2)))


def test_sines_depend_on_distance_only():
    """<p(t), p(t + s)> is the sum of cos(w_i s), whatever t."""
    encoding = layers.SinePositionEncoding(max_wavelength=100, dtype="float64")
    p = encoding(tf.zeros((1, 30, 8), "float64"))[0].numpy()
    frequencies = 100.0 ** (-np.arange(0, 8, 2) / 8)
    for s in (0, 1, 7):
        inner = (p[: 30 - s] * p[s:]).sum(axis=1)
        np.testing.assert_allclose(inner, np.cos(frequencies * s).sum(), atol=1e-12)
    np.testing.assert_allclose(p[3, :2], [np.sin(3), np.cos(3)], atol=1e-15)
    with pytest.raises(ValueError, match="above 1"):
        layers.SinePositionEncoding(max_wavelength=1)
