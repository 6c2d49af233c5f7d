"""Leaks: identical images, and patients on both sides of a split.

Identical images are found by the hash of their upright pixels, so that another file format or other
metadata hide none. Copies that were edited: `dlmath.audit.near_duplicates`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from dlmath.audit.crossings import Group, copy_findings, crosses_parts
from dlmath.audit.facts import Facts
from dlmath.audit.findings import Finding
from dlmath.data.listing import counted
from dlmath.data.sources import Example

# The kind of pneumonia in Kermany's names, as `person1_bacteria_2.jpeg`. The kinds seem to be
# numbered apart: an equal number with another kind is probably another child.
_KIND = re.compile(r"^person\d+_(?P<kind>[a-z]+)_", re.IGNORECASE)
# In which part a patient stays who is in several.
_PRECEDENCE = ("test", "validation", "train")


def check_leaks(examples: Sequence[Example], facts: Sequence[Facts]) -> list[Finding]:
    """Find identical images and patients on both sides.

    Args:
        examples: The N examples. They are checked by their `part`: as found on disk, or that of
            the split to come.
        facts: What `gather_facts` found out about them.
    """
    same = identical_groups(examples, facts)
    return [
        *copy_findings(same, kind="identical", what="identical images"),
        *_patients_on_both_sides(examples),
    ]


def identical_groups(examples: Sequence[Example], facts: Sequence[Facts]) -> list[list[Example]]:
    """Return the groups of two or more examples that are one image, in the order of the examples.

    A file that cannot be decoded is compared by its bytes, unless it has none.
    """
    groups = defaultdict(list)
    for example, fact in zip(examples, facts, strict=True):
        if fact.size and (key := fact.pixel_hash or example.sha256):
            groups[key].append(example)
    return [group for group in groups.values() if len(group) > 1]


def _patients_on_both_sides(examples: Sequence[Example]) -> Iterator[Finding]:
    of_patient = defaultdict(list)
    for example in examples:
        if example.patient is not None:
            of_patient[example.patient].append(example)
    torn = {patient: own for patient, own in of_patient.items() if crosses_parts(own)}
    if surely := {patient: own for patient, own in torn.items() if _kind_recurs(own)}:
        yield Finding(
            kind="patients-across-splits",
            severity="error",
            message=f"{_are_on_both_sides(surely)}: a model may know them again. {_cost(surely)}",
            advice="Results on these parts as they stand would be too good. Move the images, or "
            "let dlmath split: it leaves them out.",
            **_evidence(surely),
        )
    if perhaps := {patient: own for patient, own in torn.items() if patient not in surely}:
        yield Finding(
            kind="patient-numbers-across-splits",
            severity="warning",
            message=f"{_are_on_both_sides(perhaps)} by number, but with another kind of disease "
            f"there: probably they are other patients. To be strict: {_cost(perhaps)}",
            **_evidence(perhaps),
        )


def _kind_recurs(group: Sequence[Example]) -> bool:
    """Whether some kind of disease is in more than one part; names without a kind have one too."""
    parts_of = defaultdict(set)
    for example in group:
        match = _KIND.match(PurePosixPath(example.file).name)
        parts_of[match["kind"].lower() if match else None].add(example.part)
    return any(len(parts - {None}) > 1 for parts in parts_of.values())


def _are_on_both_sides(patients: Mapping[str, Group]) -> str:
    verb = "is" if len(patients) == 1 else "are"
    return f"{counted(len(patients), 'patient')} {verb} on both sides of the split"


def _cost(patients: Mapping[str, Group]) -> str:
    number = len(_left_out(patients))
    return f"{counted(number, 'image')} outside the test part will be left out."


def _evidence(patients: Mapping[str, Group]) -> dict[str, Any]:
    groups = tuple(tuple(example.file for example in own) for own in patients.values())
    figures = {"patients": len(patients), "left_out": len(_left_out(patients))}
    return {"groups": groups, "figures": figures}


def _left_out(patients: Mapping[str, Group]) -> list[Example]:
    """Return what `dlmath.data.splits` leaves out: a patient stays in one part only."""
    return [
        example
        for own in patients.values()
        for example in own
        if example.part != min((e.part for e in own if e.part), key=_PRECEDENCE.index)
    ]
