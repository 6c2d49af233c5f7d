import numpy as np
import pytest

from dlmath.drift.prevalence import estimate, mixed
from dlmath.drift.sketch import Sketch


@pytest.fixture
def classes(gaussian_rule, draw_reference):
    """The layout, and the means of the numbers of either class."""
    sketch = Sketch.of(gaussian_rule)
    drawn = draw_reference(1, 1000)
    rows = drawn.rows(sketch)
    means = (rows[drawn.labels == label].mean(axis=0, keepdims=True) for label in (0, 1))
    return sketch.layout, *means


def test_the_share_in_a_mixture_is_found(classes):
    layout, none, one = classes
    shares = np.array([0.0, 0.1, 0.5, 0.9, 1.0])

    found = estimate(layout, none, one, mixed(none, one, shares))

    np.testing.assert_allclose(found, shares, atol=0.01)


def test_a_mixture_has_the_numbers_of_both(classes):
    _, none, one = classes

    (half,) = mixed(none, one, np.array([0.5]))

    np.testing.assert_allclose(half, (none[0] + one[0]) / 2)
