"""Transformer blocks, against the same block made of Keras's layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers

# Keras rounds 1 / sqrt(key_dim) to float32, so that a head is 4 wide.
N, T, S, D = 2, 6, 5, 8


def from_keras(x, encoded, *, first, causal):
    """Return a block of Keras's layers and its sublayers, in the order of ours."""
    made = []

    def add(layer, *inputs, **call):
        made.append(layer)
        return layer(*inputs, **call)

    def linked(x, sublayer):
        norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype="float64")
        norm.build(x.shape)
        y = x + sublayer(norm(x) if first else x)
        made.append(norm)
        return y if first else norm(y)

    def attention(x, y, **call):
        return add(keras.layers.MultiHeadAttention(2, D // 2, dtype="float64"), x, y, **call)

    x = linked(x, lambda x: attention(x, x, use_causal_mask=causal))
    if encoded is not None:
        x = linked(x, lambda x: attention(x, encoded))

    def feedforward(x):
        x = add(keras.layers.Dense(7, "relu", dtype="float64"), x)
        return add(keras.layers.Dense(D, dtype="float64"), x)

    return linked(x, feedforward), made


def weights_in_order(block):
    parts = [block.attention, block.attention_normalization]
    if getattr(block, "cross_attention", None) is not None:
        parts += [block.cross_attention, block.cross_normalization]
    parts += [block.feedforward_in, block.feedforward_out, block.feedforward_normalization]
    for part in parts:
        if isinstance(part, layers.MultiHeadAttention):
            for name in ("query", "key", "value", "output"):
                yield getattr(part, f"{name}_kernel")
                yield getattr(part, f"{name}_bias")
        else:
            yield from part.weights


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", ["encoder", "decoder", "decoder of an encoder"])
def test_a_block_is_that_of_keras_layers(kind, first):
    random = np.random.default_rng(0)
    x = tf.constant(random.normal(size=(N, T, D)))
    encoded = tf.constant(random.normal(size=(N, S, D))) if kind.endswith("an encoder") else None
    block = (layers.TransformerEncoder if kind == "encoder" else layers.TransformerDecoder)(
        7, 2, normalize_first=first, dtype="float64"
    )
    inputs = (x,) if encoded is None else (x, encoded)
    block(*inputs)
    expected, made = from_keras(x, encoded, first=first, causal=kind != "encoder")
    theirs = [weight for layer in made for weight in layer.weights]
    for mine, other in zip(weights_in_order(block), theirs, strict=True):
        mine.assign(other)
    np.testing.assert_allclose(block(*inputs), expected, atol=1e-12)


def test_a_decoder_sees_no_later_position():
    block = layers.TransformerDecoder(8, 2)
    x = np.random.default_rng(0).normal(size=(1, T, D)).astype("float32")
    y = block(x).numpy()
    later = x.copy()
    later[:, 3:] += 1
    np.testing.assert_allclose(block(later)[:, :3], y[:, :3], atol=1e-6)
    assert np.abs(block(later)[:, 3:] - y[:, 3:]).max() > 0.1


def test_padding_changes_nothing_for_the_others():
    block = layers.TransformerEncoder(8, 2)
    x = np.random.default_rng(0).normal(size=(1, T, D)).astype("float32")
    mask = np.array([[True] * 4 + [False] * 2])
    y = block(x, padding_mask=mask).numpy()
    np.testing.assert_allclose(y[:, :4], block(x[:, :4]), atol=1e-5)


@pytest.mark.slow
def test_it_trains_is_saved_and_exported(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(10, 8)(inputs)
    x = x + layers.PositionEmbedding(12)(x) + layers.SinePositionEncoding()(x)
    x = layers.TransformerEncoder(16, 2, dropout=0.1)(x)
    x = layers.TransformerDecoder(16, 2, normalize_first=True, block_size=4)(x)
    x = layers.TransformerDecoder(16, 2)(x, x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(x))
    tokens = np.random.default_rng(0).integers(0, 10, (32, 9)).astype("int32")
    truth = (tokens.sum(axis=1) > 40).astype("float32")
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    losses = model.fit(tokens, truth, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]

    predicted = model.predict(tokens, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(tokens, verbose=0), predicted)
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    served = loaded.serve(tokens)
    np.testing.assert_allclose(served, predicted, atol=1e-5)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"multiple of `num_heads`.*width of 4, num_heads=3"):
        layers.TransformerEncoder(8, 3)(tf.zeros((1, 2, 4)))
    block = layers.TransformerDecoder(8, 2)
    block(tf.zeros((1, 2, 4)), tf.zeros((1, 3, 4)))
    with pytest.raises(ValueError, match="built with an encoder's sequence"):
        block(tf.zeros((1, 2, 4)))
