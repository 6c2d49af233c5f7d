import numpy as np
import pytest

from dlmath import layers


def test_padding_is_given_as_one_number_as_two_or_as_four():
    x = np.ones((1, 2, 3, 1))
    assert layers.ZeroPadding2D(1)(x).shape == (1, 4, 5, 1)
    assert layers.ZeroPadding2D((1, 2))(x).shape == (1, 4, 7, 1)
    y = layers.ZeroPadding2D(((1, 0), (0, 2)))(x)[0, :, :, 0]
    np.testing.assert_array_equal(y, [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize("padding", [-1, (1, 2, 3), ((1, 2), (3, -4))])
def test_bad_padding_is_refused(padding):
    with pytest.raises(ValueError, match="`padding` must be"):
        layers.ZeroPadding2D(padding)


def test_flatten_keeps_the_order_of_the_numbers():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(layers.Flatten()(x), x.reshape(2, 12))
