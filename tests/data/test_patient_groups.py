"""Who counts as one patient: those who share a file, through however many others."""

from collections import defaultdict
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.patient_groups import joined_patients, patient_key
from dlmath.data.sources import ImageRecord

drawn = st.lists(st.tuples(st.none() | st.integers(0, 30), st.integers(0, 40)), max_size=60).map(
    lambda rows: [
        ImageRecord(f"{number}.png", Path("x"), "a", None, patient and f"p{patient}", f"sha{sha}")
        for number, (patient, sha) in enumerate(rows)
    ]
)


def connected(examples):
    """Return the sets of files that a walk over shared patients and shared contents reaches."""
    neighbours = defaultdict(set)
    for one in examples:
        for key in (patient_key(one), f"content {one.sha256}"):
            neighbours[one.file].add(key)
            neighbours[key].add(one.file)
    sets, seen = set(), set()
    for one in examples:
        reached, waiting = set(), [one.file]
        while waiting:
            if (node := waiting.pop()) not in reached:
                reached.add(node)
                waiting += neighbours[node]
        if not reached & seen:
            sets.add(frozenset(reached & {e.file for e in examples}))
        seen |= reached
    return sets


@given(examples=drawn)
def test_patients_are_joined_as_far_as_shared_files_reach(examples):
    patient_of = joined_patients(examples)
    files = defaultdict(set)
    for file, patient in patient_of.items():
        files[patient].add(file)
    assert {frozenset(own) for own in files.values()} == connected(examples)


@given(examples=drawn, order=st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(examples, order):
    shuffled = list(examples)
    order.shuffle(shuffled)
    assert joined_patients(shuffled) == joined_patients(examples)


@given(examples=drawn)
def test_who_shares_nothing_keeps_the_own_key(examples):
    patient_of = joined_patients(examples)
    contents = [example.sha256 for example in examples]
    for example in examples:
        own = [e.sha256 for e in examples if patient_key(e) == patient_key(example)]
        if all(contents.count(sha256) == 1 for sha256 in own):
            assert patient_of[example.file] == patient_key(example)
