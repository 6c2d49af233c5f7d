"""Prediction of the class from numbers of an image, for patients that the model has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from dlmath.audit.image_stats import ImageStats
from dlmath.audit.out_of_fold import best_told, can_be_folded, patient_numbers
from dlmath.data.patients import unit_of
from dlmath.data.sources import ImageRecord


@dataclass(frozen=True, eq=False)
class SoundImages:
    """The N images of an audit that could be read, with the classes that occur among them.

    Attributes:
        examples: The images.
        stats: Their statistics.
        classes: Names of the K classes that occur.
        labels: (N,) 0 to K - 1.
        groups: (N,) numbers of patients.
    """

    examples: tuple[ImageRecord, ...]
    stats: tuple[ImageStats, ...]
    classes: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(
        cls, examples: Sequence[ImageRecord], stats: Sequence[ImageStats], classes: Sequence[str]
    ) -> Self:
        """Return the images without a fault."""
        pairs = [(e, f) for e, f in zip(examples, stats, strict=True) if f.fault is None]
        sound = tuple(example for example, _ in pairs)
        numbers = np.array([classes.index(example.label) for example in sound], int)
        present, labels = np.unique(numbers, return_inverse=True)
        names = tuple(classes[number] for number in present)
        return cls(sound, tuple(f for _, f in pairs), names, labels, patient_numbers(sound))

    @property
    def can_be_told(self) -> bool:
        """Whether there are two classes, each of two patients or more."""
        return can_be_folded(self.labels, self.groups)

    @cached_property
    def unit(self) -> str:
        """What is counted: patient, or image where a patient is not known."""
        return unit_of(example.patient for example in self.examples)

    @property
    def counts(self) -> dict[str, int | None]:
        """Number of images, and of patients where they are known, for a finding's figures."""
        patients = len(np.unique(self.groups)) if self.unit == "patient" else None
        return {"images": len(self.examples), "patients": patients}

    def predict_class(self, columns: np.ndarray) -> dict[str, Any]:
        """Return the class, of those that occur, that the columns (N, D) tell best, and its AUC.

        The AUC has an interval by patient: keys class, auc, low, high.
        """
        best, found = best_told(columns, self.labels, self.groups)
        interval = {"auc": found.value, "low": found.low, "high": found.high}
        return {"class": self.classes[best], **interval}
