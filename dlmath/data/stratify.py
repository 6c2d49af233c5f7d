"""Stratified cuts of patients into parts that hold the classes in equal proportions.

Each stratum, the patients with one set of classes, is put in the order of a hash of (seed,
patient) and cut into contiguous blocks. The cut depends on nothing but the seed and the patients:
not on the machine or the order of the files. Another file of a known patient moves no one whose
classes stay the same, and a new patient moves at most one other per cut of the stratum.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from dlmath.data.listing import counted, listed
from dlmath.errors import DataError

Labels = frozenset[str]


def cut_patients(
    labels_of: Mapping[str, Labels],
    fractions: Mapping[str, float],
    *,
    rest: str,
    seed: int,
) -> dict[str, list[str]]:
    """Cut patients into the parts that `fractions` names, and the part `rest` of what remains.

    In every stratum each part is within one patient of its share. Strata of a few patients may
    round to none; a class that is then missing from a part is given to it by the part that can
    best spare a patient.

    Args:
        labels_of: The classes that each patient has images of.
        fractions: The share of each part; they add to less than 1.
        rest: The name of the last part.
        seed: Another seed gives another cut.

    Raises:
        DataError: A class has fewer patients than there are parts.
    """
    names = [*fractions, rest]
    _require_enough(labels_of.values(), names)
    strata: dict[Labels, list[str]] = defaultdict(list)
    for patient in _in_order(labels_of, seed):
        strata[labels_of[patient]].append(patient)
    parts: dict[str, list[str]] = {name: [] for name in names}
    for stratum in strata.values():
        bounds = _bounds(len(stratum), list(fractions.values()))
        for name, (start, end) in zip(names, pairwise(bounds), strict=True):
            parts[name] += stratum[start:end]
    parts = {name: _in_order(patients, seed) for name, patients in parts.items()}
    _complete(parts, labels_of)
    return parts


def _in_order(patients: Iterable[str], seed: int) -> list[str]:
    def digest(patient: str) -> bytes:
        return hashlib.sha256(repr((seed, patient)).encode()).digest()

    return sorted(patients, key=digest)


def _bounds(number: int, fractions: Sequence[float]) -> list[int]:
    """Return where to cut `number` patients: 0, then the end of each part.

    Rounding the cumulative shares keeps each part within one patient of its own, and moves no
    cut by more than one when a patient is added.
    """
    shares = [math.fsum(fractions[:end]) for end in range(len(fractions) + 1)]
    return [*(math.floor(number * share + 0.5) for share in shares), number]


def _require_enough(labels_of_each: Iterable[Labels], names: Sequence[str]) -> None:
    patients = Counter(label for labels in labels_of_each for label in labels)
    for label, number in sorted(patients.items()):
        if number < len(names):
            raise DataError(
                f"The class {label!r} has {counted(number, 'patient')} to share between "
                f"{listed(names)}, and needs at least {len(names)}, one for each (an image "
                "whose patient is not known counts as one). Add images of further patients."
            )


def _complete(parts: Mapping[str, list[str]], labels_of: Mapping[str, Labels]) -> None:
    """Give each part every class, moving patients from parts that keep all of theirs."""
    every_label = sorted(frozenset().union(*labels_of.values()))
    for name, patients in parts.items():
        for label in every_label:
            if not _with(label, patients, labels_of):
                donor, patient = _spare(label, name, parts, labels_of)
                parts[donor].remove(patient)
                patients.append(patient)


def _spare(
    label: str, wanting: str, parts: Mapping[str, list[str]], labels_of: Mapping[str, Labels]
) -> tuple[str, str]:
    """Return a part and its patient to move; the part with most patients of `label` comes first."""
    richest_first = sorted(parts, key=lambda name: -len(_with(label, parts[name], labels_of)))
    for name in richest_first:
        for patient in _with(label, parts[name], labels_of):
            if all(len(_with(other, parts[name], labels_of)) > 1 for other in labels_of[patient]):
                return name, patient
    raise DataError(
        f"The patients cannot be shared so that {', '.join(parts)} each hold every class: none "
        f"with {label!r} can be spared for {wanting}. Add images of further patients."
    )


def _with(label: str, patients: Iterable[str], labels_of: Mapping[str, Labels]) -> list[str]:
    return [patient for patient in patients if label in labels_of[patient]]
