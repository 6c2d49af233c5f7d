"""Whose image it is, read from the file's name.

Images of one patient resemble one another more than their class: with some of them in training
and others in the test part, a network is praised for knowing a patient again.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from dlmath.errors import DataError


def patient_of(file: str, rules: Sequence[str]) -> str | None:
    """Return the patient that the first fitting rule reads, or None if none of them fits.

    Args:
        file: A file's name; folders before it do not count.
        rules: Regular expressions with a group `patient`, searched in the base name.
    """
    name = PurePosixPath(file).name
    for rule in rules:
        if (match := re.search(rule, name)) and match["patient"]:
            return match["patient"]
    return None


def rule_from(text: str) -> str:
    r"""Return a patient rule as a user wrote it, with the group that a rule needs.

    Without a group named `patient`, the first plain group is it, and without any the whole
    expression: `person\d+` and `^(\d+)_` say enough.

    Raises:
        DataError: The text is no regular expression.
    """
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise DataError(
            f"Patients are read by a regular expression: {error}. Received: {text!r}. For names "
            "such as 0042_left.png: --patients '^(\\d+)_'; where each image is a patient of its "
            "own: --patients none"
        ) from error
    if "patient" in compiled.groupindex:
        return text
    # The first bracket that opens a group: neither escaped nor in a set, and without a `?`.
    brackets = re.finditer(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(\((?!\?))", text)
    opening = next((bracket for bracket in brackets if bracket[1]), None)
    if opening is None:
        return f"(?P<patient>{text})"
    return f"{text[: opening.end()]}?P<patient>{text[opening.end() :]}"


def patient_count(patients: Iterable[str | None]) -> int | None:
    """Return how many patients images are of; None where that is not known of every image."""
    names = set(patients)
    return None if None in names or not names else len(names)


def unit_of(patients: Iterable[str | None]) -> str:
    """Return what metrics rest on: `patient`, or `image` where not every one's patient is known."""
    return "image" if patient_count(patients) is None else "patient"
