from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.carried_split import carry_over
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.errors import DataError

FRACTIONS = {"seed": 0, "validation_fraction": 0.2, "test_fraction": 0.2}


def example(patient, number=0, part=None, sha=None, label=None):
    label = label or ("a" if patient % 2 else "b")
    file = f"{label}/p{patient}_{number}.png"
    content = sha or f"{patient}-{number}"
    return ImageRecord(file, Path(file), label, part, f"p{patient}", content)


def dataset(examples):
    return Dataset(
        tuple(examples), sources=(), classes=("a", "b"), warnings=(), passed_over={}, phantom=False
    )


def row(example, part):
    return {"sha256": example.sha256, "patient": example.patient or "", "split": part}


def part_of(split, wanted):
    parts = ("train", "validation", "test", "left_out")
    return next(name for name in parts if wanted in split.part(name))


@given(
    before=st.dictionaries(
        st.integers(0, 30), st.sampled_from(["train", "validation", "test"]), min_size=1
    ),
    numbers=st.sets(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1),
)
def test_no_patient_changes_sides(before, numbers):
    rows = [row(example(patient), part) for patient, part in before.items()]
    examples = [example(patient, number) for patient, number in sorted(numbers)]
    try:
        split = carry_over(dataset(examples), rows, **FRACTIONS)
    except DataError:  # too few new patients for a split of their own
        return
    for one in examples:
        known = before.get(int(one.patient[1:]))
        assert known in (None, part_of(split, one))
    sides = [{e.patient for e in split.part(name)} for name in ("train", "validation", "test")]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    parts = [split.part(name) for name in ("train", "validation", "test", "left_out")]
    assert sorted(e.file for own in parts for e in own) == sorted(e.file for e in examples)


def test_new_patients_are_split_as_ever():
    old = [example(patient) for patient in range(6)]
    new = [example(patient) for patient in range(10, 40)]
    rows = [row(one, ("train", "validation", "test")[i // 2]) for i, one in enumerate(old)]
    split = carry_over(dataset([*old, *new]), rows, **FRACTIONS)
    for name in ("train", "validation", "test"):
        known = sum(one in old for one in split.part(name))
        assert known == 2
        assert len(split.part(name)) > known


def test_what_the_weights_have_seen_is_never_tested_on():
    old = [example(patient) for patient in range(6)]
    rows = [row(one, ("train", "validation", "test")[i // 2]) for i, one in enumerate(old)]
    on_disk = example(0, number=1, part="test")  # of a patient that was trained on
    copy = example(50, sha=old[4].sha256)  # of a tested image, under another name
    beside = example(50, number=1)
    joined = example(51, sha=old[0].sha256)  # of one that was trained on
    joins = example(51, number=1, sha=copy.sha256)
    split = carry_over(dataset([*old, on_disk, copy, beside, joined, joins]), rows, **FRACTIONS)
    assert part_of(split, on_disk) == "left_out"
    assert part_of(split, copy) == "test"
    assert part_of(split, beside) == "test"
    assert part_of(split, joined) == "left_out"
    assert part_of(split, old[0]) == "left_out"
    assert any("left out" in warning for warning in split.warnings)


def test_a_few_new_patients_are_trained_on():
    old = [example(patient) for patient in range(6)]
    rows = [row(one, ("train", "validation", "test")[i // 2]) for i, one in enumerate(old)]
    few = [example(10), example(11)]
    split = carry_over(dataset([*old, *few]), rows, **FRACTIONS)
    assert {part_of(split, one) for one in few} == {"train"}
    with pytest.raises(DataError):  # by themselves they can neither be validated nor tested on
        carry_over(dataset(few), rows, **FRACTIONS)
