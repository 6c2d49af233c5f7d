import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers


def test_the_draws_are_those_of_keras_step_by_step():
    ours, theirs = layers.Dropout(0.4, seed=3), keras.layers.Dropout(0.4, seed=3)
    x = np.ones((8, 16), "float32")
    for _ in range(3):
        np.testing.assert_array_equal(ours(x, training=True), theirs(x, training=True))


def test_a_dropped_entry_sends_no_gradient_and_a_kept_one_is_scaled():
    layer = layers.Dropout(0.75, seed=0)
    x = tf.ones((50, 40))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    gradient = tape.gradient(y, x).numpy()
    np.testing.assert_array_equal(gradient, y)  # the same mask, and x is 1
    assert set(np.unique(gradient)) == {0.0, 4.0}
    assert abs(gradient.mean() - 1) < 0.15  # 2,000 draws: 0.04 is one standard deviation


def test_a_shared_draw_is_the_same_along_its_axis():
    y = layers.Dropout(0.5, noise_shape=(None, 1, None), seed=1)(
        np.ones((4, 5, 6)), training=True
    ).numpy()
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 5, axis=1))
    assert 0 < y.mean() < 2


def test_outside_training_and_at_rate_zero_it_is_the_identity_and_at_one_zero():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(layers.Dropout(0.5)(x), x)
    np.testing.assert_array_equal(layers.Dropout(0)(x, training=True), x)
    np.testing.assert_array_equal(layers.Dropout(1)(x, training=True), 0 * x)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_bad_rate_is_refused(rate):
    with pytest.raises(ValueError, match=r"`rate` must lie in \[0, 1\]"):
        layers.Dropout(rate)
