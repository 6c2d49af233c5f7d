import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlmath.training.frozen_convolution import Windows, convolve

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "silu": lambda z: z * tf.sigmoid(z),
}


def plain(x, kernel, shift, windows, activation):
    """The same map in TensorFlow's operations, whose gradients are TensorFlow's own."""
    convolution = tf.nn.depthwise_conv2d if windows.depthwise else tf.nn.conv2d
    z = convolution(x, kernel, (1, *windows.strides, 1), windows.padding) + shift
    return ACTIVATIONS[activation](z)


def value_and_gradients(way, arrays, upstream, windows, activation):
    @tf.function
    def compute(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = way(*tensors, windows, activation)
            loss = tf.reduce_sum(y * upstream)
        return y, *tape.gradient(loss, tensors)

    return [tensor.numpy() for tensor in compute(*map(tf.constant, arrays))]


@settings(max_examples=40)
@given(
    height=st.integers(1, 3),
    width=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8]),
    stride=st.integers(1, 2),
    padding=st.sampled_from(["SAME", "VALID"]),
    depthwise=st.booleans(),
    filters=st.integers(1, 3),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    size=st.integers(8, 10),
)
@example(1, 1, 1, "SAME", False, 3, "silu", 8)  # a matrix product
@example(5, 5, 1, "SAME", True, 1, "relu6", 8)  # the kernels of EfficientNet
@example(5, 5, 2, "SAME", True, 1, "relu6", 8)
@example(5, 5, 2, "VALID", True, 1, "silu", 9)
def test_values_and_gradients_are_tensorflows(
    height, width, stride, padding, depthwise, filters, activation, size
):
    draw = np.random.default_rng(size)
    x = draw.normal(size=(2, size, size, 3))
    kernel = draw.normal(size=(height, width, 3, filters))
    shift = draw.normal(size=3 * filters if depthwise else filters)
    windows = Windows((stride, stride), padding, depthwise)
    upstream = draw.normal(size=plain(x, kernel, shift, windows, "linear").shape)
    found, wanted = (
        value_and_gradients(way, (x, kernel, shift), upstream, windows, activation)
        for way in (convolve, plain)
    )
    for name, one, other in zip(("y", "dx", "dkernel", "dshift"), found, wanted, strict=True):
        scale = max(1e-3, np.abs(other).max())
        np.testing.assert_allclose(one, other, atol=1e-13 * scale, rtol=0, err_msg=name)


def test_the_size_of_a_batch_may_be_unknown():
    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 2), tf.float64)])
    def compute(x):
        kernel = tf.ones((1, 1, 2, 3), tf.float64)
        return convolve(x, kernel, tf.zeros(3, tf.float64), Windows((1, 1), "SAME", False), "relu")

    np.testing.assert_array_equal(compute(np.ones((5, 4, 4, 2))), np.full((5, 4, 4, 3), 2.0))


@pytest.mark.parametrize("z", [-1e4, 0.0, 1e4])
def test_silu_is_finite_at_the_extremes(z):
    tensors = [tf.constant(array) for array in ([[[[z]]]], [[[[1.0]]]], [0.0])]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = convolve(*tensors, Windows((1, 1), "SAME", False), "silu")
    slope = tape.gradient(y, tensors[0])
    assert float(y[0, 0, 0, 0]) == max(0.0, z)
    assert float(slope[0, 0, 0, 0]) == {-1e4: 0.0, 0.0: 0.5, 1e4: 1.0}[z]
