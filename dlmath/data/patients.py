"""Whose image it is, read from the file's name.

Images of one patient resemble one another more than their class: with some of them in training
and others in the test part, a network is praised for knowing a patient again.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from dlmath.data.listing import counted, listed
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


def patients_of(files: Sequence[str], rules: Sequence[str]) -> list[str | None]:
    """Return the patient of each of `files`; without rules nobody is known, and all are None.

    Raises:
        DataError: There are rules and none of them reads some name. To take such a file for a
            patient of its own would be a guess, and a wrong one leaks.
    """
    patients = [patient_of(file, rules) for file in files]
    unread = [file for file, patient in zip(files, patients, strict=True) if patient is None]
    if rules and unread:
        raise DataError(
            f"No patient rule reads {counted(len(unread), 'file name')}: {listed(unread)}. "
            f"Received: patient_rules={list(rules)}. Change `patient_rules` in the recipe, or name "
            "each patient in a CSV with the columns file,class,patient."
        )
    return patients
