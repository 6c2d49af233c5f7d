"""Metrics of patients: one prediction for each, and how their images fare."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmath.errors import DataError

RULES = ("mean", "any")


@dataclass(frozen=True, eq=False)
class PatientLevel:
    """Scores and truth of P patients.

    Attributes:
        rule: How images make a patient: one of `RULES`.
        patients: P names, sorted.
        images: (P,) how many each has.
        positive: (P,) bool: whether any image of the patient is of the positive class.
        probability: (P,) of the positive class, to be held against the images' threshold.
    """

    rule: str
    patients: tuple[str, ...]
    images: np.ndarray
    positive: np.ndarray
    probability: np.ndarray


def measure_patient_level(
    positive: np.ndarray, probability: np.ndarray, patients: Sequence[str], rule: str = "mean"
) -> PatientLevel:
    """Return one truth and one probability for each patient of a binary task.

    A patient is positive if any of their images is: in a blood smear of an infected patient most
    cells are healthy. By the rule `mean` a patient's probability is the mean over their images, and
    by `any` the highest, so that a patient is decided positive if any image is. Where images are
    many, as cells are, `any` raises false alarms with their number; where a patient's images all
    show the same, `mean` averages the noise out.

    Metrics of patients are those of images with a patient in the place of an image, each a cluster
    of its own. The threshold remains the images': none was chosen for patients.

    Args:
        positive: (N,) bool, of the images.
        probability: (N,), of the positive class, in [0, 1].
        patients: N names.
        rule: mean or any.

    Raises:
        DataError: There is no such rule.
    """
    if rule not in RULES:
        raise DataError(
            f"A patient's images are joined by one of {', '.join(RULES)}. Received: rule={rule!r}"
        )
    names, patient_of = np.unique(np.asarray(patients, str), return_inverse=True)
    images = np.bincount(patient_of)
    highest = np.zeros(len(names))
    np.maximum.at(highest, patient_of, probability)
    return PatientLevel(
        rule=rule,
        patients=tuple(names.tolist()),
        images=images,
        positive=np.bincount(patient_of, positive) > 0,
        probability=(np.bincount(patient_of, probability) / images if rule == "mean" else highest),
    )


@dataclass(frozen=True)
class PatientFigures:
    """Metrics of a classifier on the images of one patient.

    Attributes:
        patient: The name.
        images: How many.
        wrong: How many are decided wrongly.
        log_loss: Mean over the images.
    """

    patient: str
    images: int
    wrong: int
    log_loss: float


def patients_worst_first(
    truth: np.ndarray, decision: np.ndarray, probabilities: np.ndarray, patients: Sequence[str]
) -> list[PatientFigures]:
    """Return all patients, those with the most images decided wrongly first, then by log loss.

    There are no intervals: one patient's images are not a sample of anything else.

    Args:
        truth: (N,) class indices.
        decision: (N,) class indices.
        probabilities: (N, K).
        patients: N names.
    """
    names, patient_of = np.unique(np.asarray(patients, str), return_inverse=True)
    images = np.bincount(patient_of)
    wrong = np.bincount(patient_of, truth != decision).astype(int)
    of_truth = np.clip(probabilities[np.arange(len(truth)), truth], np.finfo(float).eps, 1)
    loss = np.bincount(patient_of, -np.log(of_truth)) / images
    order = np.lexsort((-loss, -wrong))
    return [
        PatientFigures(str(names[row]), int(images[row]), int(wrong[row]), float(loss[row]))
        for row in order
    ]
