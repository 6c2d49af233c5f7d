"""The malaria networks with attention: of either module's layers, and bounded in their cost."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers as scratch
from dlmath.models import cell_attention
from dlmath.models.cell_attention import GRID, malaria_attention_cnn, malaria_vit

NETWORKS = [malaria_vit, malaria_attention_cnn]


@pytest.fixture(params=NETWORKS, ids=lambda build: build.__name__)
def build(request):
    return request.param


def images(size, count=3):
    draw = np.random.default_rng(0)
    return draw.uniform(0, 255, (count, size, size, 3)).astype("float32")


def test_the_vision_transformer_cuts_images_of_64_pixels_into_64_patches_of_8():
    model = malaria_vit(64)

    assert model.get_layer("patches").kernel.shape == (8, 8, 3, 64)
    assert model.get_layer("places").output.shape == (None, 64, 64)
    assert model.get_layer("positions").position_embeddings.shape == (64, 64)
    attention = [one for one in model.layers if isinstance(one, keras.layers.MultiHeadAttention)]
    assert len(attention) == 4


@pytest.mark.parametrize("size", [8, 70, 512])
def test_places_are_at_most_8_a_side_whatever_the_image(build, size):
    model = build(size, 5)

    _, height, width, channels = model.get_layer("map").output.shape
    assert height == width <= GRID
    assert channels == 64
    assert model.output_shape == (None, 5)


def test_layers_are_a_value(build):
    asked_for = set()

    class Recording(types.SimpleNamespace):
        def __getattr__(self, name):
            asked_for.add(name)
            return getattr(keras.layers, name)

    build(128, layers=Recording())

    both = {
        "Conv2D", "LayerNormalization", "MultiHeadAttention", "Dense", "GlobalAveragePooling2D",
        "Dropout", "Softmax",
    }  # fmt: skip
    convolutions = {"ReLU", "MaxPooling2D", "AveragePooling2D"}
    assert asked_for == (both if build is malaria_vit else both | convolutions)


def test_layers_from_scratch_make_the_same_network_with_the_same_gradients(build):
    ours, theirs = build(16, layers=scratch), build(16)
    ours.set_weights(theirs.get_weights())

    def found(model):
        with tf.GradientTape() as tape:
            probabilities = model(images(16))
            loss = -tf.reduce_mean(tf.math.log(probabilities[:, 0]))
        return probabilities, tape.gradient(loss, model.trainable_variables)

    (answer, gradients), (wanted, wanted_gradients) = found(ours), found(theirs)
    np.testing.assert_allclose(answer, wanted, rtol=1e-5)
    for variable, one, other in zip(
        theirs.trainable_variables, gradients, wanted_gradients, strict=True
    ):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, atol=1e-4 * scale + 1e-7, err_msg=variable.path)


def test_a_block_is_the_encoder_block_of_our_layers():
    places = keras.Input((6, 64))
    model = keras.Model(places, cell_attention._block(places, "block", scratch))
    encoder = scratch.TransformerEncoder(
        cell_attention.HIDDEN,
        cell_attention.HEADS,
        layer_norm_epsilon=cell_attention.EPSILON,
        normalize_first=True,
    )
    x = np.random.default_rng(0).normal(size=(2, 6, 64)).astype("float32")
    encoder(x)
    for ours, theirs in {
        "attention": encoder.attention,
        "attention_normalization": encoder.attention_normalization,
        "feedforward_normalization": encoder.feedforward_normalization,
        "feedforward_in": encoder.feedforward_in,
        "feedforward_out": encoder.feedforward_out,
    }.items():
        theirs.set_weights(model.get_layer(f"block_{ours}").get_weights())

    np.testing.assert_allclose(encoder(x), model(x), atol=1e-6)


def test_without_positions_the_order_of_the_patches_does_not_count():
    model = malaria_vit(16)
    x = images(16, 1)
    mirrored = x.reshape(1, 8, 2, 16, 3)[:, ::-1].reshape(1, 16, 16, 3)  # rows of patches reversed
    positions = model.get_layer("positions")

    assert np.abs(model(x) - model(mirrored)).max() > 1e-5
    positions.set_weights([np.zeros((64, 64), "float32")])
    np.testing.assert_allclose(model(x), model(mirrored), atol=1e-6)
