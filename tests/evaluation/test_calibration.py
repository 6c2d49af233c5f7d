import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlmath.evaluation.calibration import (
    brier_decomposition,
    equal_mass_bins,
    probability_metrics,
)


def drawn(seed, n, levels=10**9):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    probability = rng.integers(0, levels + 1, n) / levels
    return positive, probability, rng.integers(0, 4, (3, n)).astype(float)


def of_binary(positive, probability, weights):
    both = np.column_stack([1 - probability, probability])
    return probability_metrics(positive.astype(int), both, weights)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 80), st.sampled_from([2, 7, 10**9]))
def test_the_parts_of_the_brier_score_sum_to_it_exactly(seed, n, levels):
    positive, probability, weights = drawn(seed, n, levels)
    weights[:, 0] += 1  # none of the replicates is empty

    parts = brier_decomposition(positive, probability, weights)

    total = parts["brier_reliability"] - parts["brier_resolution"] + parts["brier_uncertainty"]
    brier = of_binary(positive, probability, weights)["brier"]
    np.testing.assert_allclose(total + parts["brier_within_bins"], brier, atol=1e-12)
    assert min(parts["brier_reliability"].min(), parts["brier_resolution"].min()) >= 0


def test_few_distinct_probabilities_leave_nothing_within_the_bins():
    # Brier's own case, for which Murphy's three parts sum to the score: 0.2 and 0.8, 20 each.
    probability = np.repeat([0.2, 0.8], 20)
    positive = np.concatenate(
        [np.repeat([True, False], [10, 10]), np.repeat([True, False], [12, 8])]
    )

    parts = brier_decomposition(positive, probability, np.ones((1, 40)))

    assert parts["brier_reliability"][0] == pytest.approx((0.3**2 + 0.2**2) / 2)
    assert parts["brier_resolution"][0] == pytest.approx(0.05**2)
    assert parts["brier_uncertainty"][0] == pytest.approx(0.55 * 0.45)
    assert parts["brier_within_bins"][0] == pytest.approx(0, abs=1e-15)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 80))
def test_the_greatest_error_of_a_bin_is_above_the_mean_one(seed, n):
    positive, probability, weights = drawn(seed, n)
    weights[:, 0] += 1

    metrics = of_binary(positive, probability, weights)

    assert np.all(metrics["mce"] >= metrics["ece"] - 1e-12)
    assert np.all(metrics["mce"] <= 1 + 1e-12)


def test_the_greatest_error_is_that_of_the_worst_bin():
    probability = np.repeat([0.2, 0.8], 20)
    positive = np.concatenate(
        [np.repeat([True, False], [10, 10]), np.repeat([True, False], [12, 8])]
    )

    metrics = of_binary(positive, probability, np.ones((1, 40)))

    assert metrics["mce"][0] == pytest.approx(0.3)
    assert metrics["ece"][0] == pytest.approx((0.3 + 0.2) / 2)


def test_a_bin_that_a_replicate_leaves_empty_has_no_part_in_it():
    probability, positive = np.array([0.1, 0.9]), np.array([True, True])

    metrics = of_binary(positive, probability, np.array([[0.0, 1.0]]))

    assert metrics["mce"][0] == pytest.approx(0.1)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 200), st.integers(2, 20))
@example(seed=0, n=181, bins=18)  # quantiles in floating point put an edge on the wrong side
def test_bins_hold_equal_numbers(seed, n, bins):
    probability = np.random.default_rng(seed).permutation(n) / n

    members = equal_mass_bins(probability, bins)

    np.testing.assert_array_equal(members.sum(axis=1), 1)
    assert np.ptp(members.sum(axis=0)) <= 1
    np.testing.assert_array_equal(np.diff(members[np.argsort(probability)].argmax(axis=1)) >= 0, 1)


def test_equal_probabilities_share_a_bin():
    members = equal_mass_bins(np.array([0.1, 0.5, 0.5, 0.5, 0.5, 0.9]), 3)

    np.testing.assert_array_equal(members.argmax(axis=1), [0, 1, 1, 1, 1, 2])


@pytest.mark.parametrize(("images", "bins"), [(1, 1), (19, 1), (20, 2), (149, 14), (10_000, 15)])
def test_a_bin_is_of_ten_images_at_least(images, bins):
    assert equal_mass_bins(np.arange(images) / images).shape == (images, bins)
