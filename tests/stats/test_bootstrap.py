import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import gamma

from dlmath.seeds import generator
from dlmath.stats import bootstrap
from dlmath.stats.bootstrap import Estimate, bca_interval, estimate, replicate_weights


def mean_of(values):
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


@settings(max_examples=30)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(0, 99))
def test_images_of_one_patient_always_count_alike(raw, seed):
    clusters = np.unique(raw, return_inverse=True)[1]
    patients = clusters.max() + 1

    weights = np.concatenate(list(replicate_weights(clusters, 20, generator(seed))))

    assert weights.shape == (20, len(clusters))
    first_image = np.unique(clusters, return_index=True)[1]
    np.testing.assert_array_equal(weights, weights[:, first_image][:, clusters])
    np.testing.assert_array_equal(weights[:, first_image].sum(axis=1), patients)


def test_the_draws_do_not_depend_on_the_chunks(monkeypatch):
    clusters = np.arange(30)
    whole = np.concatenate(list(replicate_weights(clusters, 50, generator(1))))

    monkeypatch.setattr(bootstrap, "_CHUNK", 30 * 7)
    chunks = list(replicate_weights(clusters, 50, generator(1)))

    assert [len(chunk) for chunk in chunks] == [7] * 7 + [1]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_the_interval_of_a_mean_is_the_one_theory_gives():
    values = np.random.default_rng(0).normal(size=400)

    estimates, warnings = estimate(mean_of(values), np.arange(400), generator(0), 4_000)

    half = 1.96 * values.std() / np.sqrt(400)
    assert estimates["mean"].value == pytest.approx(values.mean())
    # 4,000 replicates leave a standard error of about 2.5 % on the ends.
    assert estimates["mean"].low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert estimates["mean"].high == pytest.approx(values.mean() + half, abs=0.1 * half)
    assert warnings == []


def test_patients_with_many_alike_images_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).normal(size=40), 25)

    by_image = estimate(mean_of(values), np.arange(1_000), generator(0))[0]["mean"]
    by_patient = estimate(mean_of(values), np.repeat(np.arange(40), 25), generator(0))[0]["mean"]

    # 25 copies of each value: the image-wise interval is sqrt(25) times too narrow.
    ratio = (by_patient.high - by_patient.low) / (by_image.high - by_image.low)
    assert ratio == pytest.approx(5, rel=0.15)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20.0)
    first = estimate(mean_of(values), np.arange(20), generator("a"))
    assert first == estimate(mean_of(values), np.arange(20), generator("a"))
    assert first != estimate(mean_of(values), np.arange(20), generator("b"))


def test_an_undefined_statistic_is_none_with_a_warning():
    estimates, warnings = estimate(
        lambda weights: {"auc": np.full(len(weights), np.nan)}, np.arange(5), generator(0)
    )

    assert estimates["auc"] == Estimate(None, None, None)
    assert warnings == ["Undefined, since they would divide by 0: auc."]


def test_replicates_without_a_value_are_left_out_with_a_warning():
    def share_of_first(weights):
        return {"share": np.where(weights[:, 0] > 0, 0.5, np.nan)}

    estimates, warnings = estimate(share_of_first, np.arange(10), generator(0))

    assert estimates["share"] == Estimate(0.5, 0.5, 0.5)
    assert len(warnings) == 1
    assert "share" in warnings[0]
    share = int(re.search(r"(\d+)% of the bootstrap", warnings[0])[1])
    assert share == pytest.approx(100 * 0.9**10, abs=3)  # 2,000 replicates leave a noise of 1


def test_one_patient_gives_a_value_without_an_interval():
    estimates, warnings = estimate(mean_of(np.arange(4.0)), np.zeros(4, int), generator(0))

    assert estimates["mean"] == Estimate(1.5, None, None)
    assert warnings == ["Too few patients for an interval of: mean."]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Estimate(0.9642, 0.941, 0.983), "0.964 (0.941 to 0.983)"),
        (Estimate(0.5, None, None), "0.500"),
        (Estimate(None, None, None), "undefined"),
    ],
)
def test_an_estimate_reads_well(figure, text):
    assert str(figure) == text


def drawn_means(values, replicates=20_000):
    rng = np.random.default_rng(0)
    return values[rng.integers(len(values), size=(replicates, len(values)))].mean(axis=1)


def left_out_means(values):
    return (values.sum() - values) / (len(values) - 1)


def test_many_patients_give_scipys_interval():
    values = np.random.default_rng(1).exponential(size=400)
    reference = scipy_bootstrap(
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
