"""What a folder of somebody's own images seems to hold, before any of them is read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlmath.data.patient_reading import PatientReading, read_patients
from dlmath.data.sources import Source, list_files
from dlmath.reporting import SILENT, Reporter


@dataclass(frozen=True, slots=True)
class Survey:
    """Classes, counts and whose the images are.

    Attributes:
        images: How many of each class, in alphabetical order.
        parts: How many in each part on disk; empty where there are none.
        patients: Of all images, and how that was found.
    """

    images: Mapping[str, int]
    parts: Mapping[str, int]
    patients: PatientReading

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
    patient_rules: Sequence[str] | None = None,
    reporter: Reporter = SILENT,
) -> Survey:
    """List the images of the sources and count them.

    Args:
        paths: As for `read_sources`.
        patient_rules: See `read_patients`.
        reporter: Receives the progress.

    Raises:
        DataError: A source is missing, damaged or without images; or given rules do not read some
            name.
    """
    found = list_files(paths, reporter=reporter).found
    # Several spellings of a class count as one, by the first in the alphabet: see `spelling_of`.
    spelling = {item.label.casefold(): item.label for item in sorted(found, reverse=True)}
    images = Counter(spelling[item.label.casefold()] for item in found)
    patients = read_patients(found, patient_rules)
    patients.require_all_read()
    return Survey(
        images=dict(sorted(images.items())),
        parts=dict(sorted(Counter(item.part for item in found if item.part).items())),
        patients=patients,
    )
