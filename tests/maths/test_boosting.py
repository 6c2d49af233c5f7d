import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.maths.boosting import (
    Stage,
    boost,
    box_sums,
    feature_values,
    haar_features,
    integral_images,
    reached,
    stump_search,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_box_is_the_sum_of_its_pixels(data):
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    seed = data.draw(st.integers(0, 2**31))
    images = np.random.default_rng(seed).integers(-9, 10, (2, height, width))
    top, left = data.draw(st.integers(0, height)), data.draw(st.integers(0, width))
    down, right = data.draw(st.integers(0, height - top)), data.draw(st.integers(0, width - left))
    found = box_sums(integral_images(images, np.int64), (top, left, down, right))
    wanted = images[:, top : top + down, left : left + right].sum(axis=(1, 2))
    np.testing.assert_array_equal(found, wanted)


def test_the_features_of_a_small_window_are_counted_by_hand():
    # In a window of 2 x 2 with steps of 1: of two cells 2 + 2 narrow ones and 1 + 1 whole ones,
    # none of three, and one of four.
    features = haar_features(2, step=1)
    assert len(features) == 4 + 2 + 1
    image = np.array([[[1.0, 10.0], [100.0, 1000.0]]])
    assert sorted(feature_values(image, features)[0]) == sorted(
        [1 - 10, 100 - 1000, 101 - 1010, 1 - 100, 10 - 1000, 11 - 1100, 1 - 10 - 100 + 1000]
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 12), st.integers(1, 4))
def test_no_stump_has_less_error_than_the_one_found(seed, rows, width):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, (rows, width)).astype(float)  # with equal values
    labels = np.where(rng.random(rows) < 0.5, 1, -1)
    weights = rng.random(rows)
    weights /= weights.sum()
    stump = stump_search(values, labels)(weights)
    assert weights[stump(values) != labels].sum() == pytest.approx(stump.error, abs=1e-12)
    every = [
        weights[sign * np.where(values[:, f] > cut, 1, -1) != labels].sum()
        for f in range(width)
        for cut in (-1, 0.5, 1.5, 2.5)
        for sign in (1, -1)
    ]
    assert stump.error == pytest.approx(min(every), abs=1e-12)


def test_boosting_makes_what_no_stump_is():
    # Labels of an interval: three stumps vote for it, none is it.
    values = np.arange(9.0)[:, np.newaxis]
    labels = np.where((values[:, 0] >= 3) & (values[:, 0] < 6), 1, -1)
    boosted = boost(values, labels, 10)
    assert boosted.stumps[0].error == pytest.approx(1 / 3)
    np.testing.assert_array_equal(np.sign(boosted.scores(values)[-1]), labels)
    np.testing.assert_allclose(boosted.weights.sum(axis=1), 1)


def test_a_stump_that_is_right_ends_it():
    values = np.arange(4.0)[:, np.newaxis]
    boosted = boost(values, np.array([-1, -1, 1, 1]), 10)
    assert len(boosted.stumps) == 1
    assert np.isfinite(boosted.stumps[0].vote)


def test_windows_that_a_stage_rejects_come_to_no_later_one():
    values = np.arange(4.0)[:, np.newaxis]
    boosted = boost(values, np.array([-1, -1, 1, 1]), 1)
    [before, first, second] = reached([Stage(boosted, 0.0), Stage(boosted, -99.0)], values)
    assert before.tolist() == [True] * 4
    assert first.tolist() == second.tolist() == [False, False, True, True]
