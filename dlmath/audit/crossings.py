"""What copies of one image cross: parts of the split, classes, patients, or nothing at all."""

from collections.abc import Iterator, Sequence

from dlmath.audit.findings import Finding, Severity
from dlmath.data.listing import counted
from dlmath.data.sources import Example

Group = Sequence[Example]


def crosses_parts(group: Group) -> bool:
    """Whether some of the examples are in one part and some in another."""
    return len({example.part for example in group} - {None}) > 1


def crosses_classes(group: Group) -> bool:
    """Whether the examples are of more than one class."""
    return len({example.label for example in group}) > 1


def crosses_patients(group: Group) -> bool:
    """Whether the examples are of more than one patient, as far as patients are known."""
    return len({example.patient for example in group} - {None}) > 1


def copy_findings(groups: Sequence[Group], *, kind: str, what: str) -> Iterator[Finding]:
    """Say of groups of copies what they cross, the worst first.

    A group that crosses parts and classes is in both findings.

    Args:
        groups: Of two or more examples each.
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
