"""BCa against SciPy's, and where it has to hold where SciPy's does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit
from scipy.stats import bootstrap, gamma

from dlmath.stats.bca import bca_interval


def drawn_means(values, replicates=20_000):
    rng = np.random.default_rng(0)
    return values[rng.integers(len(values), size=(replicates, len(values)))].mean(axis=1)


def left_out_means(values):
    return (values.sum() - values) / (len(values) - 1)


def test_many_patients_give_scipys_interval():
    values = np.random.default_rng(1).exponential(size=400)
    reference = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval

    found = bca_interval(values.mean(), drawn_means(values), left_out_means(values))

    width = reference.high - reference.low
    # 20,000 replicates of each leave about 1 % of the width; 400 patients widen it by 0.3 %.
    assert found == pytest.approx((reference.low, reference.high), abs=0.03 * width)


def test_a_skewed_statistic_gets_a_skewed_interval():
    """The mean of exponentials has an exact interval: n mean / truth is Gamma(n)."""
    values = np.random.default_rng(3).exponential(size=60)
    exact = 60 * values.mean() / gamma(60).ppf([0.975, 0.025])
    percentile = np.quantile(drawn_means(values), [0.025, 0.975])

    low, high = bca_interval(values.mean(), drawn_means(values), left_out_means(values))

    def skew(low, high):
        return (high - values.mean()) / (values.mean() - low)

    assert skew(*percentile) < skew(low, high)
    assert skew(low, high) == pytest.approx(skew(*exact), rel=0.1)


def test_few_patients_widen_it_as_students_distribution_does():
    """A symmetric statistic leaves the quantiles at the expanded levels."""
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    quantiles = ndtri((np.arange(200_000) + 0.5) / 200_000)

    low, high = bca_interval(0.0, quantiles, left_out_means(values))

    # Leaving out the value in the middle moves nothing: four patients matter.
    expected = np.sqrt(4 / 3) * stdtrit(3, 0.975)
    assert (low, high) == pytest.approx((-expected, expected), rel=0.01)


@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=30),
    st.lists(st.floats(-10, 10), min_size=2, max_size=10),
    st.floats(-10, 10),
)
def test_it_lies_within_the_replicates_whatever_they_are(drawn, left_out, value):
    low, high = bca_interval(value, np.array(drawn), np.array(left_out))

    assert min(drawn) <= low <= high <= max(drawn)


def test_patients_without_whom_it_is_undefined_are_passed_over():
    drawn = np.linspace(0, 1, 101)

    found = bca_interval(0.5, drawn, np.array([np.nan, 0.4, 0.5, 0.6]))

    assert found == bca_interval(0.5, drawn, np.array([0.4, 0.5, 0.6]))
