"""Whose images the files of a source are: the one reading that every command goes by.

Where data name a patient, in a column `patient` or a DICOM tag, that is the patient. Other images
are read from their names: by rules that were given, by those of a run where they fit, or by a
guess. What makes the patients doubtful is said wherever they are counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal

from dlmath.data.class_folders import ImageFile
from dlmath.data.listing import counted, listed
from dlmath.data.patient_doubts import doubts
from dlmath.data.patient_guess import Guess, guess_patient_rules
from dlmath.data.patients import patient_count, patient_of
from dlmath.errors import DataError
from dlmath.names import composed
from dlmath.recipe import Recipe
from dlmath.runs import Run

# How patients were found: the data name them all; by rules that were given, or by a guess; not at
# all, since `none` was given, or since the names do not say.
Origin = Literal["named", "given", "guessed", "none", "unknown"]


_MIXED = (
    "The data name the patients of {} only, and those of the others are guessed from the file "
    "names: one patient may count under two names, on both sides of a split. Name them all."
)


@dataclass(frozen=True, slots=True)
class PatientReading:
    """The patient of every image of a source, and how it was found.

    Attributes:
        patients: (N,) of each image; None where not known.
        rules: By which names were read, as in `Recipe.patient_rules`; empty if by none.
        origin: How the patients were found.
        named: How many images the data themselves name the patient of.
        guess: What was guessed, where the patients are guessed.
        unread: Files that the given rules do not read.
    """

    patients: tuple[str | None, ...] = ()
    rules: tuple[str, ...] = ()
    origin: Origin = "unknown"
    named: int = 0
    guess: Guess | None = None
    unread: tuple[str, ...] = ()

    @property
    def count(self) -> int | None:
        """Number of patients; None where not every image's is known."""
        return patient_count(self.patients)

    @property
    def doubts(self) -> tuple[str, ...]:
        """The reasons why these may not be the patients, a sentence each."""
        mixed = (_MIXED.format(counted(self.named, "image")),) if self.guess and self.named else ()
        return (*mixed, *doubts(self.patients))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for readers of results: that patients are guessed, and the doubts."""
        return (*([_said(self.guess)] if self.guess else ()), *self.doubts)

    def as_json(self) -> dict[str, Any]:
        """Return what manifests and summaries say of the patients."""
        return {
            "count": self.count,
            "origin": self.origin,
            "rules": list(self.rules),
            "doubts": list(self.doubts),
        }

    def require_all_read(self) -> None:
        """Refuse names that given rules do not read.

        Raises:
            DataError: Which. To take such a file for a patient of its own would be a guess, and a
                wrong one leaks.
        """
        if self.unread:
            raise DataError(
                f"No patient rule reads {counted(len(self.unread), 'file name')}: "
                f"{listed(self.unread)}. Received: patient_rules={list(self.rules)}. Change "
                "`patient_rules` in the recipe, or name each patient in a CSV with the columns "
                "file,class,patient."
            )


def read_patients(
    found: Sequence[ImageFile],
    rules: Sequence[str] | None = None,
    likely: Sequence[str] = (),
) -> PatientReading:
    """Return whose the images are.

    Args:
        found: The images, as `list_files` lists them.
        rules: Of a recipe or of --patients; empty where patients are not known; None to find out.
        likely: Where `rules` is None: those of a run, which hold if they read every name. Names of
            another hospital need not follow them.
    """
    by_name = [item.patient is None and item.named for item in found]
    files = [item.file for item in compress(found, by_name)]
    named = sum(item.patient is not None for item in found)
    origin, used, guess = _rules(files, rules, likely, any_named=bool(named))
    read = [patient_of(file, used) for file in files]
    unread = [file for file, patient in zip(files, read, strict=True) if patient is None]
    return PatientReading(
        patients=tuple(_merged(found, by_name, read)),
        rules=used,
        origin=origin,
        named=named,
        guess=guess,
        unread=tuple(unread) if used else (),
    )


def rules_for(
    run: Run, given: Sequence[str] | None = None
) -> tuple[Sequence[str] | None, Sequence[str]]:
    """Return `rules` and `likely` of `read_patients` for other images than a run's own.

    Args:
        run: That is asked about the images.
        given: By --patients, which wins over the run.
    """
    if given is not None:
        return given, ()
    origin = (run.manifest.get("patients") or {}).get("origin")
    if origin == "none":
        return (), ()
    # What was a guess for the run's own images is no rule for others: they are guessed at, aloud.
    return None, () if origin == "guessed" else run.recipe.patient_rules


def patients_known(recipe: Recipe, manifest: Mapping[str, Any]) -> bool:
    """Return whether the patient of every image of a run is known, by its recipe and manifest."""
    recorded = manifest.get("patients")
    # Runs of before did not record it: their rules read every name, or stopped the training.
    return bool(recipe.patient_rules) if recorded is None else recorded["count"] is not None


def _rules(
    files: Sequence[str], rules: Sequence[str] | None, likely: Sequence[str], *, any_named: bool
) -> tuple[Origin, tuple[str, ...], Guess | None]:
    if not files:
        return ("named" if any_named else "unknown"), tuple(rules or ()), None
    if rules is not None:
        return ("given" if rules else "none"), tuple(rules), None
    if likely and all(patient_of(file, likely) for file in files):
        return "given", tuple(likely), None
    guess = guess_patient_rules(files)
    return ("guessed", guess.rules, guess) if guess else ("unknown", (), None)


def _merged(
    found: Sequence[ImageFile], by_name: Sequence[bool], read: Sequence[str | None]
) -> Iterator[str | None]:
    names = iter(read)
    for item, is_read in zip(found, by_name, strict=True):
        patient = next(names) if is_read else item.patient
        yield None if patient is None else composed(patient)


def _said(guess: Guess) -> str:
    return (
        f"The patients are guessed from the file names: {guess}. If that is wrong, say how to read "
        "them (--patients REGEX), or that each image is a patient of its own (--patients none)."
    )
