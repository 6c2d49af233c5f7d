import math

from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.specification import REDUCTIONS, reduction

sides = st.integers(1, 9_000)


@given(height=sides, width=sides, size=st.integers(1, 1_000))
def test_the_reduction_is_the_largest_that_leaves_the_size(height, width, size):
    ratio = reduction(height, width, size)

    assert ratio in REDUCTIONS
    if ratio > 1:
        assert min(math.ceil(height / ratio), math.ceil(width / ratio)) >= size
    if ratio < max(REDUCTIONS):
        assert min(height, width) < 2 * ratio * size


@given(height=sides, width=sides)
def test_an_image_that_is_small_already_stays_whole(height, width):
    assert reduction(height, width, min(height, width) // 2 + 1) == 1
