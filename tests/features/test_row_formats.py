import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlmath.features.row_formats import HALF, SINGLE, EightBits

CHANNELS = 3
SIZES = st.floats(-(2.0**60), 2.0**60, width=32)


@pytest.mark.parametrize("row_format", [SINGLE, HALF])
def test_plain_numbers_come_back(row_format):
    rows = np.array([[0.5, -2.0, 65504.0], [0.0, 1.0, -0.25]], np.float32)
    content = row_format.encode(rows)
    assert content.dtype == np.uint8
    assert content.shape == (2, row_format.row_bytes(3))
    np.testing.assert_array_equal(row_format.decode(content), rows)
    assert row_format.decode(content).dtype == row_format.dtype


def test_a_number_beyond_float16_is_infinite():
    assert np.isinf(HALF.decode(HALF.encode(np.full((1, 1), 7e4)))).all()


@given(arrays(np.float32, st.tuples(st.integers(1, 3), st.just(4 * CHANNELS)), elements=SIZES))
def test_eight_bits_are_off_by_half_a_step_of_the_channel_at_most(rows):
    form = EightBits(CHANNELS)
    content = form.encode(rows)
    assert content.shape == (len(rows), form.row_bytes(rows.shape[1]))
    x = rows.reshape(len(rows), -1, CHANNELS).astype(np.float64)
    found = form.decode(content).reshape(x.shape)
    span = np.ptp(x, axis=1, keepdims=True)
    largest = np.abs(x).max(axis=1, keepdims=True)
    # Half a step, and the rounding of float32 in lowest, in step and in their sum.
    assert (np.abs(found - x) <= span / 255 / 2 + 4 * np.finfo(np.float32).eps * largest).all()


def test_the_code_of_an_image_does_not_depend_on_the_others():
    random = np.random.default_rng(0)
    rows = random.normal(size=(5, 4 * CHANNELS)).astype(np.float32)
    form = EightBits(CHANNELS)
    np.testing.assert_array_equal(form.encode(rows)[2:3], form.encode(rows[2:3]))


def test_a_constant_channel_loses_nothing():
    rows = np.tile(np.array([3.7, 0.0, -1e20], np.float32), (2, 4))
    form = EightBits(CHANNELS)
    np.testing.assert_array_equal(form.decode(form.encode(rows)), rows)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(bad):
    """So that training refuses it, with the image's name."""
    rows = np.zeros((1, 4 * CHANNELS), np.float32)
    rows[0, 1] = bad
    found = EightBits(CHANNELS).decode(EightBits(CHANNELS).encode(rows)).reshape(-1, CHANNELS)
    assert not np.isfinite(found[:, 1]).any()
    np.testing.assert_array_equal(found[:, [0, 2]], 0)


def test_no_rows_give_none():
    form = EightBits(CHANNELS)
    assert form.decode(np.empty((0, form.row_bytes(12)), np.uint8)).shape == (0, 12)
