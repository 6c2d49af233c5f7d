import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath import layers
from dlmath.layers.windows import Patches, Window


@settings(max_examples=30)
@given(
    size=st.integers(1, 4),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    height=st.integers(10, 13),
)
def test_patches_are_those_of_tensorflow(size, stride, dilation, padding, height):
    if stride > 1 and dilation > 1:
        stride = 1  # TensorFlow's op takes both, and Keras's convolution does not
    x = tf.random.stateless_normal((2, height, 11, 3), seed=(1, 2))
    ours = Patches(Window((size, size), (stride, stride), padding, (dilation, dilation)), x.shape)
    theirs = tf.image.extract_patches(
        x,
        [1, size, size, 1],
        [1, stride, stride, 1],
        [1, dilation, dilation, 1],
        padding.upper(),
    )
    np.testing.assert_array_equal(ours(x), theirs)


def test_col2im_counts_how_often_each_pixel_is_seen():
    patches = Patches(Window((2, 2)), (1, 3, 3, 1))
    seen = patches.adjoint(tf.ones((1, 2, 2, 4)))
    np.testing.assert_array_equal(seen[0, :, :, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


def test_pixels_between_far_strides_receive_nothing():
    patches = Patches(Window((1, 1), strides=(3, 2)), (1, 4, 4, 1))
    back = patches.adjoint(tf.ones((1, 2, 2, 1)))[0, :, :, 0]
    np.testing.assert_array_equal(back, [[1, 0, 1, 0], [0] * 4, [0] * 4, [1, 0, 1, 0]])


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_sizes_unknown_while_tracing_change_nothing(padding):
    window = Window((3, 2), (2, 1), padding)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 2))])
    def there_and_back(x):
        patches = Patches(window, [tf.shape(x)[0], tf.shape(x)[1], tf.shape(x)[2], 2])
        return patches.adjoint(patches(x))

    x = tf.random.stateless_normal((2, 7, 6, 2), seed=(1, 2))
    known = Patches(window, x.shape.as_list())
    np.testing.assert_array_equal(there_and_back(x), known.adjoint(known(x)))


@pytest.mark.parametrize("image", [(3, 8, 2), (8, 3, 2)])
@pytest.mark.parametrize(
    "layer", [layers.Conv2D(4, 5), layers.DepthwiseConv2D(5), layers.AveragePooling2D(5)]
)
def test_a_window_larger_than_the_image_is_refused(layer, image):
    with pytest.raises(ValueError, match=r"spans 5 pixels.*Received: (height|width)=3"):
        layer(keras.Input(image))
