"""Leakage: copies of an image, or images of a patient, on both sides of a split.

Identical images are found by the hash of their upright pixels, so that another file format or other
metadata hide none. Copies that were edited: `dlmath.audit.near_duplicates`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from dlmath.audit.findings import Finding, Severity
from dlmath.audit.image_stats import ImageStats
from dlmath.data.listing import counted
from dlmath.data.sources import ImageRecord

Group = Sequence[ImageRecord]

# The kind of pneumonia in Kermany's names, as `person1_bacteria_2.jpeg`. The kinds seem to be
# numbered apart: an equal number with another kind is probably another child.
_KIND = re.compile(r"^person\d+_(?P<kind>[a-z]+)_", re.IGNORECASE)
# In which part a patient stays who is in several.
_PRECEDENCE = ("test", "validation", "train")


def check_leakage(examples: Sequence[ImageRecord], stats: Sequence[ImageStats]) -> list[Finding]:
    """Find identical images, and patients on both sides of the split.

    Args:
        examples: The N examples. They are checked by their `part`: as found on disk, or that of
            the split to come.
        stats: Statistics of the examples, from `scan_images`.
    """
    same = identical_groups(examples, stats)
    return [
        *copy_findings(same, kind="identical", what="identical images"),
        *_patients_on_both_sides(examples),
    ]


def identical_groups(
    examples: Sequence[ImageRecord], stats: Sequence[ImageStats]
) -> list[list[ImageRecord]]:
    """Return the groups of two or more examples that are one image, in the order of the examples.

    A file that cannot be decoded is compared by its bytes, unless it has none.
    """
    groups = defaultdict(list)
    for example, image in zip(examples, stats, strict=True):
        if image.size and (key := image.pixel_hash or example.sha256):
            groups[key].append(example)
    return [group for group in groups.values() if len(group) > 1]


def _patients_on_both_sides(examples: Sequence[ImageRecord]) -> Iterator[Finding]:
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


def _kind_recurs(group: Sequence[ImageRecord]) -> bool:
    """Return whether one kind of disease is in several parts; names without a kind share one."""
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


def _left_out(patients: Mapping[str, Group]) -> list[ImageRecord]:
    """Return what `dlmath.data.splits` leaves out: a patient stays in one part only."""
    return [
        example
        for own in patients.values()
        for example in own
        if example.part != min((e.part for e in own if e.part), key=_PRECEDENCE.index)
    ]


def crosses_parts(group: Group) -> bool:
    """Return whether some of the examples are in one part and some in another."""
    return len({example.part for example in group} - {None}) > 1


def crosses_classes(group: Group) -> bool:
    """Return whether the examples are of more than one class."""
    return len({example.label for example in group}) > 1


def crosses_patients(group: Group) -> bool:
    """Return whether the examples are of more than one patient, as far as patients are known."""
    return len({example.patient for example in group} - {None}) > 1


def copy_findings(groups: Sequence[Group], *, kind: str, what: str) -> Iterator[Finding]:
    """Report the groups of copies that cross parts, classes or patients, the worst first.

    A group that crosses parts and classes is in both findings.

    Args:
        groups: Groups of two or more examples each.
        kind: What the kinds of finding begin with, such as `identical`.
        what: What the members of a group are, as in "2 groups of `what`".
    """
    if across := [group for group in groups if crosses_parts(group)]:
        yield _finding(
            across,
            f"{kind}-across-splits",
            "error",
            f"{_groups_of(across, what)} across parts of the split: a model is tested on "
            "images that it was trained on.",
            "Remove the copies from training, or all but one of each group.",
        )
    if across := [group for group in groups if crosses_classes(group)]:
        yield _finding(
            across,
            f"{kind}-across-classes",
            "error",
            f"{_groups_of(across, what)} of more than one class: one label of each is wrong.",
            "Find out the right label and remove the other copy.",
        )
    inside = [group for group in groups if not (crosses_parts(group) or crosses_classes(group))]
    if across := [group for group in inside if crosses_patients(group)]:
        yield _finding(
            across,
            f"{kind}-across-patients",
            "warning",
            f"{_groups_of(across, what)} under more than one patient: a split by patient may "
            "separate them.",
            "Find out whose image it is, or keep one of each group.",
        )
    if rest := [group for group in inside if not crosses_patients(group)]:
        yield _finding(
            rest,
            kind,
            "note",
            f"{_groups_of(rest, what)} within one class and part: each copy counts once more.",
            "Keep one of each group.",
        )


def _finding(
    groups: Sequence[Group], kind: str, severity: Severity, message: str, advice: str
) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        message=message,
        advice=advice,
        groups=tuple(tuple(example.file for example in group) for group in groups),
        figures={"groups": len(groups), "images": sum(map(len, groups))},
    )


def _groups_of(groups: Sequence[Group], what: str) -> str:
    return f"{counted(len(groups), 'group')} of {what} ({counted(sum(map(len, groups)), 'file')})"
