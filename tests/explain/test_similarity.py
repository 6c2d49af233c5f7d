import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from dlmath.explain.similarity import rank_correlation, structural_similarity


def random_maps(seed, count=2, side=16):
    return np.random.default_rng(seed).random((count, side, side))


@given(seed=st.integers(0, 2**31 - 1))
def test_ssim_is_1_for_equal_maps_symmetric_and_at_most_1(seed):
    a, b = random_maps(seed)

    assert structural_similarity(a, a) == pytest.approx(1)
    assert structural_similarity(a, b) == pytest.approx(structural_similarity(b, a))
    assert -1 <= structural_similarity(a, b) < 0.9


def test_ssim_of_constant_maps_is_the_luminance_term():
    # Without variance only (2 ab + C1) / (a^2 + b^2 + C1) is left of eq. 13.
    a, b = np.full((12, 12), 0.2), np.full((12, 12), 0.6)

    assert structural_similarity(a, b) == pytest.approx((0.24 + 1e-4) / (0.4 + 1e-4))


@given(seed=st.integers(0, 2**31 - 1), levels=st.integers(2, 50))
def test_the_rank_correlation_is_scipys(seed, levels):
    a, b = np.round(random_maps(seed) * levels)  # rounded, so that there are ties

    expected = spearmanr(a.ravel(), b.ravel()).statistic
    assert rank_correlation(a, b) == pytest.approx(expected, abs=1e-12)


def test_a_constant_map_says_nothing_of_another():
    assert rank_correlation(np.ones((4, 4)), random_maps(0)[0]) == 0.0
