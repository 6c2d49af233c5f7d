import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlmath.data.stratify import cut_patients
from dlmath.errors import DataError

FRACTIONS = {"test": 0.15, "validation": 0.15}
STRATA = [frozenset("a"), frozenset("b"), frozenset("ab"), frozenset("abc")]

# So many patients in each stratum that rounding leaves no part without one.
sizes = st.lists(st.integers(5, 60), min_size=len(STRATA), max_size=len(STRATA))
seeds = st.integers(0, 2**31 - 1)


def people(sizes):
    return {
        f"{number}-{index}": labels
        for number, (labels, size) in enumerate(zip(STRATA, sizes, strict=True))
        for index in range(size)
    }


def cut(labels_of, seed=0, fractions=FRACTIONS):
    return cut_patients(labels_of, fractions, rest="train", seed=seed)


def part_of(parts):
    return {patient: name for name, patients in parts.items() for patient in patients}


@given(sizes=sizes, seed=seeds)
def test_every_patient_is_in_one_part(sizes, seed):
    labels_of = people(sizes)
    parts = cut(labels_of, seed)
    assert sorted(p for part in parts.values() for p in part) == sorted(labels_of)


@given(
    sizes=sizes,
    seed=seeds,
    test=st.floats(0.1, 0.4),
    validation=st.floats(0.1, 0.4),
)
def test_each_part_of_a_stratum_is_within_one_patient_of_its_share(sizes, seed, test, validation):
    labels_of = people(sizes)
    fractions = {"test": test, "validation": validation}
    shares = {**fractions, "train": 1 - test - validation}
    parts = cut(labels_of, seed, fractions)
    for labels, size in zip(STRATA, sizes, strict=True):
        for name, share in shares.items():
            number = sum(labels_of[patient] == labels for patient in parts[name])
            assert abs(number - size * share) <= 1 + 1e-9


@given(sizes=sizes, seed=seeds, order=st.randoms(use_true_random=False))
def test_the_order_of_the_patients_does_not_matter(sizes, seed, order):
    labels_of = people(sizes)
    shuffled = list(labels_of.items())
    order.shuffle(shuffled)
    assert cut(dict(shuffled), seed) == cut(labels_of, seed)


@given(sizes=sizes, seed=seeds, stratum=st.sampled_from(range(len(STRATA))))
def test_a_new_patient_moves_at_most_one_other_per_cut_of_the_stratum(sizes, seed, stratum):
    labels_of = people(sizes)
    before = part_of(cut(labels_of, seed))
    after = part_of(cut({**labels_of, "new": STRATA[stratum]}, seed))
    moved = [patient for patient in labels_of if after[patient] != before[patient]]
    assert len(moved) <= len(FRACTIONS)
    assert all(labels_of[patient] == STRATA[stratum] for patient in moved)


def can_be_shared(labels):
    every = frozenset().union(*labels)
    return any(
        all(
            frozenset().union(*itertools.compress(labels, (p == part for p in parts))) == every
            for part in range(3)
        )
        for parts in itertools.product(range(3), repeat=len(labels))
    )


@given(
    labels=st.lists(st.sampled_from(STRATA[:3]), min_size=3, max_size=7).filter(
        lambda labels: frozenset().union(*labels) == {"a", "b"}
    ),
    seed=seeds,
)
def test_two_classes_are_in_every_part_whenever_that_can_be(labels, seed):
    labels_of = {str(index): own for index, own in enumerate(labels)}
    if not can_be_shared(labels):
        with pytest.raises(DataError, match="Add images of further patients"):
            cut(labels_of, seed)
        return
    for part in cut(labels_of, seed).values():
        assert frozenset().union(*(labels_of[patient] for patient in part)) == {"a", "b"}


@given(
    labels=st.lists(
        st.sampled_from(["a", "b", "c", "ab", "ac", "bc", "abc"]).map(frozenset),
        min_size=4,
        max_size=9,
    ),
    seed=seeds,
)
@example(labels=[frozenset(own) for own in ("bc", "abc", "ab", "ac")], seed=0)
def test_no_part_lacks_a_class_for_the_sake_of_another_part(labels, seed):
    labels_of = {f"p{index}": own for index, own in enumerate(labels)}
    try:
        parts = cut(labels_of, seed)
    except DataError:  # a patient is moved once only, so not all that could be shared is
        return
    for part in parts.values():
        assert frozenset().union(*(labels_of[p] for p in part)) == frozenset().union(*labels)


def test_a_missing_class_comes_from_the_part_that_has_most_of_it():
    labels_of = {f"p{index}": frozenset("a") for index in range(5)}
    # Rounded, the shares of 5 patients are 2, 0 and 3.
    parts = cut(labels_of, fractions={"test": 0.3, "validation": 0.15})
    assert {name: len(patients) for name, patients in parts.items()} == {
        "test": 2,
        "validation": 1,
        "train": 2,
    }


@pytest.mark.parametrize("number", range(3, 12))
def test_three_patients_of_each_class_are_enough(number):
    labels_of = {f"{label}{index}": frozenset(label) for label in "ab" for index in range(number)}
    for seed in range(20):
        parts = cut(labels_of, seed)
        for patients in parts.values():
            assert {patient[0] for patient in patients} == {"a", "b"}


def test_two_are_not():
    labels_of = {"1": frozenset("a"), "2": frozenset("a")}
    labels_of |= {f"b{index}": frozenset("b") for index in range(9)}
    with pytest.raises(DataError, match=r"'a' has 2 patients .*test, validation, train.*least 3"):
        cut(labels_of)


def test_another_seed_cuts_otherwise():
    labels_of = people([40, 40, 40, 40])
    assert cut(labels_of, 1) != cut(labels_of, 2)


def test_a_cut_is_the_same_on_every_machine_and_in_every_version():
    labels_of = {f"person{index}": frozenset("a") for index in range(8)}
    assert cut(labels_of, seed=7) == {
        "test": ["person1"],
        "validation": ["person3"],
        "train": ["person6", "person4", "person7", "person0", "person2", "person5"],
    }
