import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(2, 3, shape).astype("float32")


def test_moving_statistics_follow_as_in_keras():
    ours, theirs = (
        layers.BatchNormalization(momentum=0.8),
        keras.layers.BatchNormalization(momentum=0.8),
    )
    for step in range(3):
        x = normal((6, 5, 4), seed=step)
        np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), atol=1e-5)
    for mine, other in zip(ours.non_trainable_weights, theirs.non_trainable_weights, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)
    x = normal((6, 5, 4), seed=9)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_frozen_it_stays_at_inference_even_while_training():
    layer = layers.BatchNormalization()
    x = normal((6, 4))
    layer(x)
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(4))


@pytest.mark.parametrize("layer", [layers.BatchNormalization(), layers.LayerNormalization()])
def test_large_numbers_do_not_overflow_in_half_precision(layer):
    half = type(layer)(dtype="mixed_float16")
    y = half(tf.constant(300 * normal((8, 4)), tf.float16), **_training(half))
    assert np.isfinite(y).all()
    assert np.abs(y).max() > 0.5


def _training(layer):
    return {"training": True} if isinstance(layer, layers.BatchNormalization) else {}


def test_the_gradient_under_ones_is_zero_so_a_check_with_ones_sees_nothing():
    layer = layers.BatchNormalization(dtype="float64", epsilon=0.0)
    x = tf.constant(np.random.default_rng(0).normal(size=(6, 4)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    np.testing.assert_allclose(tape.gradient(y, x), np.zeros((6, 4)), atol=1e-14)


@pytest.mark.parametrize("argument", ["synchronized", "renorm"])
def test_what_keras_does_across_devices_or_batches_is_refused(argument):
    with pytest.raises(ValueError, match=f"does not support the argument `{argument}`"):
        layers.BatchNormalization(**{argument: True})
