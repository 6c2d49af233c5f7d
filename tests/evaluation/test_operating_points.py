"""Points of the ROC curve against scikit-learn's curve."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.evaluation.operating_points import LEVELS, measure_operating_points, point_statistics
from dlmath.seeds import generator


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 20, 10**6]))
def test_they_are_points_of_the_curve(seed, levels):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([[0, 1], rng.integers(0, 2, 40)])
    probability = rng.integers(0, levels + 1, 42) / levels
    weights = np.stack([np.ones(42), rng.integers(1, 4, 42)])

    found = point_statistics(truth == 1, probability)(weights)

    for row, weight in enumerate(weights):
        false_alarms, hits, _ = sk.roc_curve(
            truth, probability, sample_weight=weight, drop_intermediate=False
        )
        for level in LEVELS:
            name = f"{100 * level:.0f}"
            at_specificity = hits[1 - false_alarms >= level - 1e-9].max()
            at_sensitivity = (1 - false_alarms)[hits >= level - 1e-9].max()
            assert found[f"sensitivity_at_specificity_{name}"][row] == pytest.approx(at_specificity)
            assert found[f"specificity_at_sensitivity_{name}"][row] == pytest.approx(at_sensitivity)


def test_one_class_has_no_points():
    found = point_statistics(np.ones(4, bool), np.arange(4) / 4)(np.ones((1, 4)))

    assert all(np.isnan(value).all() for value in found.values())


def test_the_interval_holds_the_value():
    rng = np.random.default_rng(0)
    positive = np.arange(200) % 2 == 1
    probability = 1 / (1 + np.exp(-rng.normal(2 * positive - 1)))

    for metric in measure_operating_points(
        positive, probability, np.arange(200), generator("test")
    ).values():
        assert 0 < metric.low <= metric.value <= metric.high < 1


def test_classes_that_do_not_overlap_are_not_certain():
    positive = np.arange(400) < 200
    found = measure_operating_points(
        positive, positive * 0.8 + 0.1, np.arange(400), generator("points")
    )

    for point in found.values():
        assert point.value == point.high == 1
        # 200 of 200, and the threshold lies somewhere between the classes.
        assert point.low == pytest.approx(0.025 ** (1 / 200), abs=0.002)


def test_too_few_images_to_know_the_threshold_leave_the_figure_open():
    """With 40 negatives none is above the true threshold of 95 % in 13 % of samples."""
    positive = np.arange(80) < 40
    found = measure_operating_points(
        positive, positive * 0.8 + 0.1, np.arange(80), generator("points")
    )

    assert found["sensitivity_at_specificity_95"].low == 0
    assert found["sensitivity_at_specificity_90"].low > 0.85


def test_one_patient_has_points_without_intervals():
    positive = np.arange(20) < 10
    found = measure_operating_points(
        positive, positive * 0.8 + 0.1, np.zeros(20, int), generator("x")
    )

    assert {(one.value, one.low, one.high) for one in found.values()} == {(1.0, None, None)}
