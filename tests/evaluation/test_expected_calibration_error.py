"""The calibration error without its bias: what is calibrated has an interval that holds 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from dlmath.evaluation.calibration import probability_metrics
from dlmath.evaluation.expected_calibration_error import calibration_error


def drawn(seed, n=400, temperature=1.0, shift=0.0):
    """Return truth (N,), and probabilities (N, 2) that are calibrated at 1 and 0."""
    random = np.random.default_rng(seed)
    true = expit(random.normal(0, 2, n))
    claimed = expit(logit(true) * temperature + shift)
    return (random.random(n) < true).astype(int), np.column_stack([1 - claimed, claimed])


def test_calibrated_probabilities_have_an_interval_that_holds_0():
    held = 0
    for seed in range(40):
        truth, both = drawn(seed)
        found = calibration_error(truth, both, np.arange(400))
        plain = probability_metrics(truth, both, np.ones((1, 400)))["ece"][0]
        held += found.low == 0
        assert found.value < plain
    # With a true error of 0 the lower end is above it in 2.5 % of samples.
    assert held >= 36


@pytest.mark.parametrize(("temperature", "shift"), [(2.0, 0.0), (1.0, 1.0)])
def test_the_interval_holds_the_error_of_the_population(temperature, shift):
    random = np.random.default_rng(0)
    true = expit(random.normal(0, 2, 400_000))
    claimed = expit(logit(true) * temperature + shift)
    error = np.abs(claimed - true).mean()  # of one sign in each bin, but for the middle one
    held = 0
    for seed in range(40):
        truth, both = drawn(seed, 400, temperature, shift)
        found = calibration_error(truth, both, np.arange(400))
        held += found.low <= error <= found.high
    assert held >= 35  # 1.5 % by chance at a coverage of 95 %


def test_many_images_leave_little_but_the_error_itself():
    truth, both = drawn(0, 50_000, shift=1.0)

    found = calibration_error(truth, both, np.arange(50_000))

    plain = probability_metrics(truth, both, np.ones((1, 50_000)))["ece"][0]
    assert found.value == pytest.approx(plain, abs=0.002)
    assert found.high - found.low < 0.02


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 80))
def test_the_estimate_lies_in_its_interval(seed, n):
    truth, both = drawn(seed, n)

    found = calibration_error(truth, both, np.arange(n))

    assert 0 <= found.low <= found.value <= found.high <= 1


def test_copies_of_a_patients_images_say_nothing_new():
    truth, both = drawn(3, 150, shift=1.0)

    once = calibration_error(truth, both, np.arange(150))
    copied = calibration_error(np.repeat(truth, 4), np.repeat(both, 4, axis=0), np.arange(600) // 4)

    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.15)


def test_a_single_patient_has_no_interval():
    truth, both = drawn(0, 30)

    assert calibration_error(truth, both, np.zeros(30, int)).low is None


def test_weights_are_those_of_the_images():
    truth, both = drawn(1, 300, shift=1.0)
    weights = np.random.default_rng(0).integers(0, 3, 300).astype(float)

    weighted = calibration_error(truth, both, np.arange(300), weights)

    plain = probability_metrics(truth, both, weights[np.newaxis])["ece"][0]
    assert weighted.value == pytest.approx(plain, abs=0.03)
