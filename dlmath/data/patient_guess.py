"""Guess the patient of each image, for data without patient rules.

A guess is safe where it is too coarse: images that it takes for one patient's stay on one side, and
nothing leaks. Where it is too fine the split is no worse than without it. So it is used, and said.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dlmath.data.patients import patient_of
from dlmath.models.recipes import RECIPES

# Tried in this order; several rules of one guess are tried on each name in turn.
_GUESSES = (
    (r"^(?P<patient>[A-Za-z]*\d+)[_ A-Za-z-]",),  # person12_3.jpeg, C33P1thinF.png, 0007-2.png
    (r"^(?P<patient>[A-Za-z]+[_-]?\d+)[_-]",),  # IM-0115-0001.jpeg, patient_03_left.png
    (r"^(?P<patient>[A-Za-z]*\d+)[_ A-Za-z-]", r"^(?P<patient>[A-Za-z]+[_-]?\d+)[_-]"),
    (r"^(?P<patient>.+)[_-]\d+\.[^.]+$",),  # anything before the last number
    (r"^(?P<patient>[^_]+)_",),  # smith_left.png
)
_FEWEST = 6  # patients: fewer could not fill three parts with two classes
_LARGEST_SHARE = 0.25  # of the images: a prefix that so many share names no patient


@dataclass(frozen=True, slots=True)
class Guess:
    """Rules that read a patient out of every name, and what they read.

    Attributes:
        rules: As in `Recipe.patient_rules`.
        patients: How many they tell apart.
        largest: How many images the one with most of them has.
        example: A file's name, and the patient read from it.
    """

    rules: tuple[str, ...]
    patients: int
    largest: int
    example: tuple[str, str]

    def __str__(self) -> str:
        name, patient = self.example
        return (
            f"{self.patients:,} patients, at most {self.largest:,} images each ({name} → {patient})"
        )


def guess_patient_rules(files: Sequence[str]) -> Guess | None:
    """Return the first rules that could tell patients apart, or None where no name does.

    They must read every name, tell apart at least six patients of whom none has more than a
    quarter of the images, and give some patient more than one image: else there is nothing to
    keep together. The rules of the tasks come first; they may give each patient one image.

    Args:
        files: Names of image files; folders before them do not count.
    """
    # Tried before the general ones, which read NORMAL2 as one patient.
    known = [recipe.patient_rules for recipe in RECIPES.values() if recipe.patient_rules]
    for rules in (*known, *_GUESSES):
        if guess := _judged(files, rules, may_be_single=rules in known):
            return guess
    return None


def _judged(files: Sequence[str], rules: tuple[str, ...], *, may_be_single: bool) -> Guess | None:
    images: Counter[str] = Counter()
    for file in files:
        patient = patient_of(file, rules)
        if patient is None:
            return None
        images[patient] += 1
    largest = max(images.values(), default=0)
    most = len(files) if may_be_single else len(files) - 1
    if not (_FEWEST <= len(images) <= most and largest <= _LARGEST_SHARE * len(files)):
        return None
    name = files[0].rpartition("/")[2]
    return Guess(rules, len(images), largest, (name, patient_of(name, rules) or ""))
