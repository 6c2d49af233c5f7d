"""Exact intervals of shares: SciPy's for single images, wider for images of the same patients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dlmath.stats.proportions import Share, f1_share, share_of_images

ALL = np.ones(60, bool)


def scipy_interval(hits: int, images: int) -> Share:
    found = binomtest(hits, images).proportion_ci(method="exact")
    return Share(hits / images, found.low, found.high)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_copies_of_one_image_count_once(numbers):
    hits, patients = numbers
    hit = np.repeat(np.arange(patients) < hits, 7)

    found = share_of_images(hit, np.ones_like(hit), np.repeat(np.arange(patients), 7))

    if patients > 1 and 0 < hits < patients:
        once = share_of_images(hit[::7], np.ones(patients, bool), np.arange(patients))
        # Student's distribution knows of 7 times the images on one side of the ratio only.
        assert found.low <= once.low + 1e-9
        assert found.high >= once.high - 1e-9
    else:
        assert found == pytest.approx(scipy_interval(hits, patients))


@pytest.mark.parametrize("hits", [0, 1, 20, 59, 60])
def test_single_images_give_the_interval_of_clopper_and_pearson(hits):
    found = share_of_images(np.arange(60) < hits, ALL, np.arange(60))

    # The variance by patients divides by n - 1: an effective size of 59 in place of 60.
    assert found == pytest.approx(scipy_interval(hits, 60), abs=0.002)


def test_images_that_differ_as_much_within_patients_as_between_count_each():
    hit = np.tile([True, True, True, False], 15)

    found = share_of_images(hit, ALL, np.repeat(np.arange(15), 4))

    assert found == pytest.approx(scipy_interval(45, 60))


def test_only_the_images_that_count_do():
    hit, counted = np.arange(60) < 20, np.arange(60) < 30

    found = share_of_images(hit, counted, np.arange(60))

    assert found == share_of_images(hit[:30], ALL[:30], np.arange(30))
    assert share_of_images(hit, ~ALL, np.arange(60)) is None


def test_one_large_patient_is_hardly_more_than_one():
    hit = np.ones(104, bool)
    patients = np.r_[np.zeros(100, int), 1, 2, 3, 4]

    found = share_of_images(hit, hit, patients)

    assert found.low < scipy_interval(2, 2).low + 0.05


def test_f1_follows_from_the_share_of_the_overlap():
    """F1 of tp = 3, fp = 1, fn = 2 is 6 / 9, and their share 3 / 6."""
    assert f1_share(Share(3 / 6, 0, 1)) == pytest.approx((6 / 9, 0, 1))
