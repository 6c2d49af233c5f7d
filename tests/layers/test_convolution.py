import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath import layers


@settings(max_examples=15)
@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    height=st.integers(4, 9),
    width=st.integers(4, 9),
)
def test_output_and_gradients_are_those_of_keras(size, strides, padding, height, width):
    rng = np.random.default_rng(0)
    arguments = {"kernel_size": size, "strides": strides, "padding": padding, "dtype": "float64"}
    x = tf.constant(rng.normal(size=(2, height, width, 3)))
    found = []
    for kind in (layers, keras.layers):
        layer = kind.Conv2D(2, **arguments, bias_initializer="ones")
        layer.build(x.shape)
        layer.kernel.assign(np.arange(np.prod(layer.kernel.shape)).reshape(layer.kernel.shape))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(y * tf.sin(y))
        found.append([y, *tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8 * np.abs(theirs).max())


def test_a_one_by_one_kernel_is_a_dense_layer_on_pixels():
    x = tf.random.stateless_normal((2, 3, 4, 5), seed=(1, 2))
    convolution, dense = layers.Conv2D(6, 1), layers.Dense(6)
    convolution.build(x.shape)
    dense.build(x.shape)
    dense.kernel.assign(tf.reshape(convolution.kernel, (5, 6)))
    np.testing.assert_allclose(convolution(x), dense(x), rtol=1e-6)


def test_height_and_width_may_be_unknown_while_tracing():
    inputs = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(1)(inputs)
    x = layers.Conv2D(4, 3, strides=2, padding="same")(x)
    x = layers.AveragePooling2D(2, padding="same")(layers.MaxPooling2D()(x))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    model.compile("sgd", "mse", jit_compile=False)
    for size in (8, 11):
        images = np.random.default_rng(0).normal(size=(2, size, size + 1, 3)).astype("float32")
        assert np.isfinite(model.train_on_batch(images, np.zeros((2, 4), "float32")))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filters": 4, "groups": 3}, "`groups` must divide `filters`"),
        ({"padding": "full"}, r"one of 'valid', 'same'\. Received: padding='full'"),
        ({"strides": 2, "dilation_rate": 2}, "cannot both exceed 1"),
        ({"kernel_size": (3, 3, 3)}, "an int or two ints"),
        ({"kernel_size": None}, "`kernel_size` must be a whole number"),
        ({"kernel_size": "ab"}, "`kernel_size` must be a whole number"),
        ({"data_format": "channels_first"}, "does not support the argument `data_format`"),
    ],
)
def test_bad_arguments_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        layers.Conv2D(**{"filters": 4, "kernel_size": 3, **given})


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match=r"divide the number of channels. Received: groups=2"):
        layers.Conv2D(4, 3, groups=2).build((None, 8, 8, 3))
