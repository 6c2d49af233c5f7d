"""What a folder of somebody's own images seems to hold, before any of them is read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dlmath.data.patient_guess import Guess, guess_patient_rules
from dlmath.data.placing import Progress
from dlmath.data.sources import Source, list_files


@dataclass(frozen=True, slots=True)
class Survey:
    """Classes, counts and the guess at the patients.

    Attributes:
        images: How many of each class, in alphabetical order.
        parts: How many in each part on disk; empty where there are none.
        guess: How the names seem to tell patients apart; None if they do not.
        named: How many images a CSV names the patient of.
    """

    images: Mapping[str, int]
    parts: Mapping[str, int]
    guess: Guess | None
    named: int

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes found."""
        return tuple(self.images)

    @property
    def imbalance(self) -> float:
        """How many images of the largest class come to one of the smallest."""
        return max(self.images.values()) / min(self.images.values())


def survey(
    paths: Sequence[Source],
    known_rules: Iterable[Sequence[str]] = (),
    progress: Progress | None = None,
) -> Survey:
    """List the images of the sources and count them.

    Args:
        paths: As for `read_sources`.
        known_rules: Patient rules to try before the general guesses.
        progress: Told of unpacking.

    Raises:
        DataError: A source is missing, damaged or without images.
    """
    found = list_files(paths, progress=progress).found
    # Several spellings of a class count as one, by the first in the alphabet: see `spelling_of`.
    spelling = {item.label.casefold(): item.label for item in sorted(found, reverse=True)}
    images = Counter(spelling[item.label.casefold()] for item in found)
    unnamed = [item.file for item in found if item.patient is None]
    return Survey(
        images=dict(sorted(images.items())),
        parts=dict(sorted(Counter(item.part for item in found if item.part).items())),
        guess=guess_patient_rules(unnamed, known_rules) if unnamed else None,
        named=len(found) - len(unnamed),
    )
