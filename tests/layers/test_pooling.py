import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool_size", "strides"), [(2, 2), (3, 2), (3, 1)])
def test_between_ties_the_first_pixel_takes_all_as_in_tensorflow(pool_size, strides, padding):
    x = tf.constant(np.random.default_rng(0).integers(0, 2, (2, 7, 6, 2)), tf.float64)
    found = []
    for kind in (layers, keras.layers):
        layer = kind.MaxPooling2D(pool_size, strides, padding, dtype="float64")
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        upstream = tf.reshape(tf.range(tf.size(y), dtype=y.dtype), y.shape)
        found.append(tape.gradient(y, x, output_gradients=upstream))
    np.testing.assert_array_equal(*found)


def test_pixels_of_the_padding_neither_win_nor_count():
    x = -np.ones((1, 3, 3, 1), "float32")
    for kind in (layers.MaxPooling2D, layers.AveragePooling2D):
        np.testing.assert_array_equal(kind(2, padding="same")(x), -np.ones((1, 2, 2, 1)))


def test_a_stride_of_zero_is_not_taken_for_none():
    with pytest.raises(ValueError, match="`strides` must be a whole number >= 1"):
        layers.MaxPooling2D(2, strides=0)


def test_kept_axes_have_length_one():
    assert layers.GlobalAveragePooling2D(keepdims=True)(np.zeros((2, 3, 4, 5))).shape == (
        2,
        1,
        1,
        5,
    )
