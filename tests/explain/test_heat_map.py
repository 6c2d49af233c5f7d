import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.explain.heat_map import HeatMap, enlarge, random_map
from dlmath.seeds import generator


@given(seed=st.integers(0, 2**31 - 1), scale=st.floats(1e-6, 1e6))
def test_heat_is_the_positive_part_between_0_and_1(seed, scale):
    values = (scale * np.random.default_rng(seed).normal(size=(9, 9))).astype(np.float32)
    heat = HeatMap(values, 9).heat

    assert heat.min() == 0
    assert heat.max() == 1
    assert ((heat > 0) == (values > 0)).all()
    order = np.argsort(values, axis=None)
    assert (np.diff(heat.ravel()[order]) >= 0).all()


@pytest.mark.parametrize("level", [-1.0, 0.0, 2.0])
def test_a_map_without_a_place_that_stands_out_is_empty(level):
    found = HeatMap(np.full((4, 4), level, np.float32), 4)

    assert found.is_empty
    assert 0 <= found.heat.min() <= found.heat.max() <= 1


def test_one_place_is_enough():
    values = np.full((100, 100), -1, np.float32)
    values[3, 4] = 1e-3
    found = HeatMap(values, 100)

    assert not found.is_empty
    assert found.heat[3, 4] == 1  # though less than half a per cent of the pixels are warm


def test_enlarging_keeps_places_and_the_range():
    coarse = np.zeros((4, 4), np.float32)
    coarse[1, 2] = 1
    fine = enlarge(coarse, 32)

    assert np.unravel_index(fine.argmax(), fine.shape)[0] // 8 == 1
    assert np.unravel_index(fine.argmax(), fine.shape)[1] // 8 == 2
    assert 0 <= fine.min() <= fine.max() <= 1


def test_random_maps_are_as_coarse_as_asked_for_and_follow_their_seed():
    first, again, other = (random_map(4, 32, generator("m", seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)
    fine = random_map(32, 32, generator("m", 1))
    assert np.abs(np.diff(first.values)).mean() < np.abs(np.diff(fine.values)).mean() / 2
