"""Folds share no patient, hold the classes in proportion, and stay put as data are added."""

import dataclasses
import itertools
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.folds import split_folds
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.errors import DataError

STRATA = ["a", "b", "ab"]
# So many patients in each stratum that rounding leaves no fold without a class.
sizes = st.lists(st.integers(10, 40), min_size=len(STRATA), max_size=len(STRATA))
folds = st.integers(2, 10)
seeds = st.integers(0, 2**31 - 1)


def example(file, label, patient, part=None, sha256=None):
    return ImageRecord(file, Path("/data") / file, label, part, patient, sha256 or f"sha of {file}")


def people(sizes, part=None):
    """Patients of each stratum, with one or two images of each of their classes."""
    return [
        example(f"{patient}-{label}{image}.png", label, patient, part)
        for labels, size in zip(STRATA, sizes, strict=True)
        for patient in (f"{part or ''}{labels}{index}" for index in range(size))
        for label in labels
        for image in range(1 + size % 2)
    ]


def dataset(examples):
    return Dataset(tuple(examples), ("a", "b"), {}, ("data",), False, ())


def fold_of(examples, number, seed):
    cut = split_folds(dataset(examples), number, seed)
    return {e.patient: index for index, fold in enumerate(cut.folds) for e in fold}


@given(sizes=sizes, number=folds, seed=seeds)
def test_every_image_is_in_one_fold_and_no_patient_in_two(sizes, number, seed):
    examples = people(sizes)
    cut = split_folds(dataset(examples), number, seed)
    assert len(cut.folds) == number
    assert sorted(e.file for fold in cut.folds for e in fold) == sorted(e.file for e in examples)
    patients = [{e.patient for e in fold} for fold in cut.folds]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(patients, 2))
    assert cut.test == cut.left_out == ()


@given(sizes=sizes, number=folds, seed=seeds)
def test_each_fold_of_a_stratum_is_within_one_patient_of_its_share(sizes, number, seed):
    fold = fold_of(people(sizes), number, seed)
    for labels, size in zip(STRATA, sizes, strict=True):
        filled = Counter(fold[f"{labels}{index}"] for index in range(size))
        assert all(abs(filled[index] - size / number) < 1 for index in range(number))


@given(sizes=sizes, number=folds, seed=seeds, order=st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(sizes, number, seed, order):
    examples = people(sizes)
    order.shuffle(examples)
    shuffled = split_folds(dataset(examples), number, seed)
    assert shuffled == split_folds(dataset(people(sizes)), number, seed)


@given(sizes=sizes, number=folds, seed=seeds, patient=st.data())
def test_another_file_of_a_known_patient_moves_nobody(sizes, number, seed, patient):
    examples = people(sizes)
    one = patient.draw(st.sampled_from(examples))
    more = dataclasses.replace(one, file="zz.png", sha256="another")
    assert fold_of([*examples, more], number, seed) == fold_of(examples, number, seed)


@given(sizes=sizes, number=folds, seed=seeds, labels=st.sampled_from(STRATA))
def test_a_new_patient_moves_at_most_one_other_per_cut_of_the_stratum(sizes, number, seed, labels):
    examples = people(sizes)
    new = [example(f"new-{label}.png", label, "new") for label in labels]
    before, after = fold_of(examples, number, seed), fold_of([*examples, *new], number, seed)
    moved = [patient for patient in before if after[patient] != before[patient]]
    assert all(patient.rstrip("0123456789") == labels for patient in moved)
    # A cut lies between two neighbouring folds, and is passed by one patient at most.
    passed = Counter(frozenset((before[patient], after[patient])) for patient in moved)
    assert all(max(cut) - min(cut) == 1 and times == 1 for cut, times in passed.items())


@given(sizes=sizes, number=folds, seed=seeds)
def test_the_test_part_on_disk_and_its_patients_stay_out(sizes, number, seed):
    test = [example(f"t{index}.png", "ab"[index % 2], f"t{index}", "test") for index in range(4)]
    further = [example("further.png", "a", "t0", "train")]
    copy = [example("copy.png", "a", "copier", "train", test[1].sha256)]
    validation = people([10, 10, 10], "validation")
    cut = split_folds(dataset([*people(sizes), *test, *further, *copy, *validation]), number, seed)
    assert cut.test == tuple(test)
    assert cut.left_out == (*copy, *further)
    in_folds = {e.file for fold in cut.folds for e in fold}
    assert in_folds == {e.file for e in (*people(sizes), *validation)}


def test_patients_who_share_a_file_are_in_one_fold():
    copies = [example(f"copy{index}.png", "a", f"c{index}", None, "same") for index in range(6)]
    for seed in range(10):
        fold = fold_of([*people([10, 10, 10]), *copies], 5, seed)
        assert len({fold[e.patient] for e in copies}) == 1


def test_a_class_with_fewer_patients_than_folds_cannot_be_folded():
    examples = people([10, 3, 0])
    with pytest.raises(DataError, match=r"'b' has 3 patients .*fold 1, .*fold 4, and needs at lea"):
        split_folds(dataset(examples), 4, 0)
    for fold in split_folds(dataset(examples), 3, 0).folds:
        assert {e.label for e in fold} == {"a", "b"}


def test_one_fold_is_no_cross_validation():
    with pytest.raises(DataError, match="folds=1"):
        split_folds(dataset(people([10, 10, 10])), 1, 0)


def test_folds_are_the_same_on_every_machine_and_in_every_version():
    patients = defaultdict(set)
    for patient, fold in fold_of(people([7, 0, 6]), 3, 7).items():
        patients[fold].add(patient)
    assert patients == {
        0: {"a1", "a4", "ab0", "ab3"},
        1: {"a0", "a2", "a5", "ab2", "ab5"},
        2: {"a3", "a6", "ab1", "ab4"},
    }
