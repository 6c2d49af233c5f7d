"""Groups of images that a split keeps together: those of one patient, and copies of a file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from dlmath.data.sources import ImageRecord


def patient_key(example: ImageRecord) -> str:
    """Return what tells the example's patient from all others; without one, its own content."""
    return f"sha256:{example.sha256}" if example.patient is None else f"patient:{example.patient}"


def joined_patients(examples: Sequence[ImageRecord]) -> dict[str, str]:
    """Return the patient of each file, by `ImageRecord.file`; who share a file count as one.

    Byte-identical files under two patients' names would put one image on both sides of a split.
    Such patients, and those that share another file with one of them, go by the smallest of their
    keys, whatever the order of the files.
    """
    leader: dict[str, str] = {}  # a forest: each key points to a smaller one, or to itself

    def lead(key: str) -> str:
        while (above := leader.setdefault(key, key)) != key:
            leader[key] = leader[above]  # halving the path keeps the trees flat
            key = above
        return key

    seen: dict[str, str] = {}
    for example in examples:
        key = patient_key(example)
        first, second = sorted((lead(key), lead(seen.setdefault(example.sha256, key))))
        leader[second] = first
    return {example.file: lead(patient_key(example)) for example in examples}


def group_by_patient(
    examples: Iterable[ImageRecord], patient_of: Mapping[str, str]
) -> dict[str, list[ImageRecord]]:
    """Return the examples of each patient, as `joined_patients` names them."""
    patients = defaultdict(list)
    for example in examples:
        patients[patient_of[example.file]].append(example)
    return dict(patients)


def take(by_patient: dict[str, list[ImageRecord]], patients: Iterable[str]) -> list[ImageRecord]:
    """Remove `patients` and return their examples."""
    taken = [by_patient.pop(patient) for patient in set(patients) & by_patient.keys()]
    return [example for own in taken for example in own]


def classes_of(by_patient: Mapping[str, Iterable[ImageRecord]]) -> dict[str, frozenset[str]]:
    """Return the classes that each patient has images of."""
    return {
        patient: frozenset(example.label for example in own) for patient, own in by_patient.items()
    }


def by_file(examples: Iterable[ImageRecord]) -> tuple[ImageRecord, ...]:
    """Return the examples sorted by file."""
    return tuple(sorted(examples, key=lambda example: example.file))
