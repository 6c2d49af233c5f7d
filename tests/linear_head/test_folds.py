"""Folds of patients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import DataError
from dlmath.linear_head.folds import patient_folds


@settings(max_examples=50, deadline=None)
@given(
    patients=st.integers(8, 60),
    classes=st.integers(2, 4),
    folds=st.integers(2, 6),
    seed=st.integers(0, 2**16),
)
def test_no_patient_is_on_both_sides(patients: int, classes: int, folds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 9, patients))
    targets = np.eye(classes)[(groups % classes)]

    fold = patient_folds(groups, targets, folds, seed)

    of_patient = {group: set(fold[groups == group]) for group in groups}
    assert all(len(numbers) == 1 for numbers in of_patient.values())
    assert set(fold) == set(range(min(folds, patients // classes)))
    for number in set(fold):  # every class is met on both sides
        assert (targets[fold == number].sum(axis=0) > 0).all()
        assert (targets[fold != number].sum(axis=0) > 0).all()


def test_classes_are_in_proportion() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(500), rng.integers(1, 9, 500))
    targets = np.eye(2)[(rng.random(500) < 0.2).astype(int)[groups]]

    fold = patient_folds(groups, targets, 5, 0)

    counts = np.array([targets[fold == number].sum(axis=0) for number in range(5)])
    np.testing.assert_allclose(counts / targets.sum(axis=0), 0.2, atol=0.005)


def test_folds_depend_on_patients_and_seed_alone() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 3).astype(str)
    targets = np.eye(2)[np.repeat(np.arange(40) % 2, 3)]
    rows = rng.permutation(120)

    fold = patient_folds(groups, targets, 5, 1)

    np.testing.assert_array_equal(patient_folds(groups[rows], targets[rows], 5, 1), fold[rows])
    assert (patient_folds(groups, targets, 5, 2) != fold).any()


def test_a_class_that_no_patient_has_most_of_can_be_folded() -> None:
    """Ten patients, each with three images of one class and one of the other."""
    labels = np.tile([0, 0, 0, 1], 10)
    fold = patient_folds(np.repeat(np.arange(10), 4), np.eye(2)[labels], 5, 0)
    assert sorted(np.bincount(fold[labels == 1])) == [2] * 5


def test_a_class_of_one_patient_is_refused() -> None:
    smooth = 0.9 * np.eye(2)[[0, 0, 0, 1, 1]] + 0.05
    with pytest.raises(DataError, match=r"class number 1 \(from 0\) with 1"):
        patient_folds(np.array([0, 1, 2, 3, 3]), smooth, 5, 0)
