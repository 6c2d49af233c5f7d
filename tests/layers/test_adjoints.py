"""<A x, y> = <x, A* y>, to rounding, for every linear part that a layer exposes."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath import layers
from dlmath.gradcheck import CASES
from dlmath.gradcheck.cases import LayerCase
from dlmath.layers.linear_map import Diagonal, inner
from dlmath.layers.windows import Patches, Window

AFFINE = {
    "Dense",
    "Conv2D",
    "DepthwiseConv2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "Flatten",
    "ZeroPadding2D",
    "BatchNormalization",
}
CASES_OF_AFFINE = [case for case in CASES if isinstance(case, LayerCase) and case.kind in AFFINE]


def assert_adjoint(linear, x_shape, seed=0):
    rng = np.random.default_rng(seed)
    x = tf.constant(rng.normal(size=x_shape))
    image = linear(x)
    y = tf.constant(rng.normal(size=image.shape))
    left, right = float(inner(image, y)), float(inner(x, linear.adjoint(y)))
    # Both are sums of at most some thousand products of order 1.
    scale = float(tf.norm(image) * tf.norm(y)) + 1e-300
    assert abs(left - right) <= 1e-14 * scale


@pytest.mark.parametrize("case", CASES_OF_AFFINE, ids=lambda case: case.name)
def test_the_exposed_linear_part_is_that_of_the_layer_and_has_its_adjoint(case):
    layer = case.layer(dtype="float64")
    layer.build(case.shape)
    linear = layer.linear_part(case.shape)
    assert_adjoint(linear, case.shape)
    x = tf.constant(np.random.default_rng(1).normal(size=case.shape))
    np.testing.assert_allclose(linear(x), layer(x) - layer(tf.zeros_like(x)), atol=1e-13)


def test_a_layer_that_is_not_affine_says_so():
    with pytest.raises(NotImplementedError, match="ReLU is not affine"):
        layers.ReLU().linear_part((2, 3))


windows = st.builds(
    Window,
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(["valid", "same"]),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)


@settings(max_examples=40)
@given(window=windows, height=st.integers(10, 14), width=st.integers(10, 14))
def test_col2im_is_the_adjoint_of_im2col(window, height, width):
    shape = (2, height, width, 3)
    assert_adjoint(Patches(window, shape), shape)


def test_a_diagonal_map_is_its_own_adjoint():
    assert_adjoint(Diagonal(tf.constant(np.random.default_rng(2).normal(size=5))), (4, 5))
