"""The learning curve in patients."""

import numpy as np
import pytest

from dlmath.errors import DataError
from dlmath.linear_head import LearningCurve, learning_curve
from dlmath.linear_head.auc_curve import _parts
from dlmath.linear_head.power_law import PowerLaws


def patients_and_rows(patients: int, seed: int) -> tuple[np.ndarray, ...]:
    """Three rows a patient of 30 features, of which the class shifts a few."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, 3)
    features = rng.normal(size=(3 * patients, 30))
    features[:, :5] += 0.45 * labels[:, None]
    return features, np.eye(2)[labels], np.repeat(np.arange(patients), 3)


@pytest.fixture(scope="module")
def curve() -> LearningCurve:
    features, targets, groups = patients_and_rows(320, 0)
    held_out = patients_and_rows(500, 1)
    return learning_curve(features, targets, np.ones(960), groups, *held_out, l2=0.02)


def test_more_patients_do_better(curve: LearningCurve) -> None:
    values = [point.auc for point in curve.points]

    assert curve.points[0].count == 20
    assert curve.points[-1].count == 320
    assert values == sorted(values)
    assert all(point.low < point.auc < point.high for point in curve.points)


def test_the_extrapolation_is_held_against_what_was_measured(curve: LearningCurve) -> None:
    errors = [each.predicted - each.observed for each in curve.held_back]

    assert all(each.fitted_to < each.count for each in curve.held_back)
    assert len(curve.held_back) == 6
    assert curve.error == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert curve.error < 0.02


def test_it_foretells_ten_times_as_many_patients(curve: LearningCurve) -> None:
    features, targets, groups = patients_and_rows(3200, 2)
    held_out = patients_and_rows(500, 1)
    ten_times = learning_curve(
        features, targets, np.ones(9600), groups, *held_out, l2=0.002, sizes=4, repeats=2
    )

    predicted = curve.predict(3200)

    assert predicted.low <= ten_times.points[-1].auc <= predicted.high


def test_what_was_measured_can_be_asked_for(curve: LearningCurve) -> None:
    wanted = curve.points[4]

    needed = curve.needed(wanted.auc)

    assert needed.count == pytest.approx(wanted.count, rel=0.3)
    assert needed.low is not None
    assert curve.points[0].count <= needed.low <= wanted.count
    assert needed.high is None or needed.high >= wanted.count
    assert f"reached already with about {needed.count:,} of the 320 training" in needed.message


def test_images_are_counted_where_no_patient_is_known() -> None:
    features, targets, groups = patients_and_rows(90, 0)
    held_out = patients_and_rows(60, 1)

    curve = learning_curve(
        features, targets, np.ones(270), groups, *held_out, l2=0.1, sizes=4, repeats=2, unit="image"
    )

    assert " images" in curve.needed(0.9).message
    assert "patient" not in curve.needed(0.9).message
    with pytest.raises(
        DataError, match=r"at least 40 training images.* Received: 30 images.*Add i"
    ):
        learning_curve(
            features[:90], targets[:90], np.ones(90), groups[:90], *held_out, l2=0.1, unit="image"
        )


@pytest.mark.parametrize("target", [0.5, 1.0, 97.0])
def test_a_target_out_of_range_is_named(target: float) -> None:
    law = PowerLaws(np.array([0.95]), np.array([0.5]), np.array([0.5]))

    with pytest.raises(ValueError, match="between 0.5 and 1"):
        LearningCurve((), law, law, (), error=0.0).needed(target)


def test_training_sets_grow_by_whole_patients_with_classes_in_proportion() -> None:
    groups = np.repeat(np.arange(100), 3)
    targets = np.eye(2)[(groups % 5 == 0).astype(int)]
    counts = np.array([20, 50, 100])

    parts = {(size, repeat): rows for size, repeat, rows in _parts(targets, groups, counts, 2, 0)}

    assert set(parts) == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)}
    for (size, repeat), rows in parts.items():
        assert len(set(groups[rows])) == counts[size]
        assert len(rows) == 3 * counts[size]
        assert targets[rows, 1].mean() == pytest.approx(0.2, abs=0.06)
        if size == 1:
            assert set(parts[0, repeat]) < set(rows)
    assert set(parts[0, 0]) != set(parts[0, 1])


def test_too_few_patients_are_refused() -> None:
    features, targets, groups = patients_and_rows(30, 0)

    with pytest.raises(DataError, match="at least 40 training patients"):
        learning_curve(features, targets, np.ones(90), groups, features, targets, groups, l2=0.1)


def test_three_classes_are_scored_each_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    features = rng.normal(size=(150, 4)) + 2 * np.eye(3, 4)[labels]
    targets, groups = np.eye(3)[labels], np.arange(150)

    curve = learning_curve(
        features, targets, np.ones(150), groups, features, targets, groups, l2=0.1, sizes=4
    )

    assert 0.8 < curve.points[-1].auc <= 1
