import numpy as np

from dlmath import seeds
from dlmath.maths.style import Filters, gram, recoloured, style_gradient, style_loss

RNG = seeds.generator("test", "style")
FILTERS = Filters(RNG.normal(size=(4, 1, 3, 3)))
IMAGE = RNG.normal(size=(7, 6))


def test_one_pixel_wraps_around():
    image = np.zeros((4, 4))
    image[0, 0] = 1.0
    kernels = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    np.testing.assert_array_equal(
        Filters(kernels).before(image)[0],
        [[1, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]],
    )


def test_backward_is_the_adjoint_where_all_units_are_on():
    upstream = RNG.normal(size=(4, 42))
    on = Filters(np.abs(FILTERS.kernels))
    image = np.abs(IMAGE)
    other = RNG.normal(size=IMAGE.shape)
    through = on.before(other).reshape(4, -1)  # the convolution is linear, ReLU the identity here
    np.testing.assert_allclose(
        np.sum(upstream * through), np.sum(on.backward(image, upstream) * other)
    )


def test_units_that_are_off_pass_nothing():
    off = Filters(-np.abs(FILTERS.kernels))
    assert not off.backward(np.abs(IMAGE), np.ones((4, 42))).any()


def test_the_style_loss_is_that_of_the_paper():
    features, target = FILTERS.features(IMAGE), np.eye(4)
    entries = [
        (sum(features[i, k] * features[j, k] for k in range(42)) - (i == j)) ** 2
        for i in range(4)
        for j in range(4)
    ]
    assert np.isclose(style_loss(features, target), sum(entries) / (4 * 4**2 * 42**2))


def test_its_gradient_is_zero_at_the_target_and_only_there():
    features, target = FILTERS.features(IMAGE), gram(RNG.normal(size=(4, 42)))
    assert style_loss(recoloured(features, target), target) < 1e-24
    assert np.abs(style_gradient(recoloured(features, target), target)).max() < 1e-12
    assert np.abs(style_gradient(features, target)).max() > 1e-6
