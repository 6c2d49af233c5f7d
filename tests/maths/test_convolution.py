import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter, uniform_filter
from scipy.signal import correlate2d

from dlmath import seeds
from dlmath.maths.convolution import average_pool, convolve, max_pool, output_size, pad

IMAGES = seeds.generator("test", "images").normal(size=(2, 9, 8))
KERNELS = seeds.generator("test", "kernels").normal(size=(3, 2, 3, 3))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_it_is_scipys_correlation_summed_over_the_channels(stride):
    expected = [
        sum(correlate2d(image, kernel, "valid") for image, kernel in zip(IMAGES, one, strict=True))
        for one in KERNELS
    ]
    np.testing.assert_allclose(
        convolve(IMAGES, KERNELS, stride), np.array(expected)[:, ::stride, ::stride]
    )


@given(
    size=st.integers(3, 12),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 4),
    room=st.integers(0, 2),
)
def test_the_size_is_what_the_formula_says(size, kernel, stride, room):
    images = pad(np.ones((1, size, size + 1)), room)
    shape = convolve(images, np.ones((1, 1, kernel, kernel)), stride).shape
    assert shape == (
        1,
        output_size(size, kernel, stride, room),
        output_size(size + 1, kernel, stride, room),
    )


def test_pooling_is_scipys_filter_at_the_places_of_the_windows():
    inside = (slice(None), slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(
        max_pool(IMAGES, 3, 2), maximum_filter(IMAGES, (1, 3, 3))[inside][:, ::2, ::2]
    )
    np.testing.assert_allclose(
        average_pool(IMAGES, 3, 1), uniform_filter(IMAGES, (1, 3, 3))[inside]
    )
