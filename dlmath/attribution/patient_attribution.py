"""Patient influence: the prediction of an image without each training patient in turn.

A solved head is a smooth function of its training patients: the head without one of them is a
Newton step away (`dlmath.linear_head.influence`), so the answers for all patients need no training.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.attribution.solved_run import SolvedRun, load_solved_run
from dlmath.data.image_search import find_images
from dlmath.data.lost_data import read_with_doubts
from dlmath.errors import DataError
from dlmath.inference.decision_rule import decide_binary
from dlmath.linear_head import Influence, laplace, patient_influence
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run


@dataclass(frozen=True)
class PatientInfluence:
    """Influence of one training patient on a prediction.

    Attributes:
        patient: As the split names it.
        images: Number of the patient's training images, by class.
        without: Probability of the class without this patient in training.
        change: Change of the log-odds of that class then; near 0 and 1 probabilities hardly move.
    """

    patient: str
    images: dict[str, int]
    without: float
    change: float


@dataclass(frozen=True)
class WhyPatients:
    """The training patients that influence the prediction of one image most.

    Attributes:
        file: The image.
        about: The class of the probabilities: the positive one, or the most probable.
        probability: Probability that the model gives the class.
        low: Lower end of the 95 % interval of that probability, for what the training patients
            leave open about the head (Laplace, patients independent).
        high: Its upper end.
        threshold: From which probability on the class is decided; None for more than two classes.
        patients: Those whose absence changes the log-odds most, the greatest change first.
        doubts: Reasons not to rely on the picture itself, a sentence each.
    """

    file: str
    about: str
    probability: float
    low: float
    high: float
    threshold: float | None
    patients: tuple[PatientInfluence, ...]
    doubts: tuple[str, ...] = ()

    @property
    def is_settled(self) -> bool | None:
        """Return whether both ends of the interval decide alike; None for more than two classes."""
        if self.threshold is None:
            return None
        low, high = decide_binary(np.array([self.low, self.high]), self.threshold)
        return bool(low == high)

    def as_json(self) -> dict[str, Any]:
        """Return everything, for `--json`."""
        return {
            "file": self.file,
            "class": self.about,
            "probability": self.probability,
            "interval": [self.low, self.high],
            "threshold": self.threshold,
            "settled": self.is_settled,
            "doubts": list(self.doubts),
            "patients": [
                {
                    "patient": one.patient,
                    "images": one.images,
                    "probability_without": one.without,
                    "change_of_log_odds": one.change,
                }
                for one in self.patients
            ],
        }


def why_patients(
    run: Run | str | Path | None,
    files: str | Path | Sequence[str | Path],
    top: int = 5,
    *,
    reporter: Reporter = SILENT,
) -> list[WhyPatients]:
    """Return for each image the training patients that influence its prediction most.

    The probability without a patient is that of one Newton step from the head of all patients;
    `docs/convex_head.md` has its error against real retraining. The interval is about the head
    for features that are taken as given; it counts patients, not images, as independent.

    Args:
        run: A run whose head was solved, its folder or name; None for the newest finished one.
        files: Image files, folders of them, and patterns.
        top: How many patients to return for each, at least 1.
        reporter: Receives the progress.

    Raises:
        RunError: The run's head was trained by steps, or its data are gone.
        DataError: An image cannot be read.
    """
    if top < 1:
        raise DataError(f"Show at least one patient. Received: top={top}")
    given = find_images(files)
    run = run if isinstance(run, Run) else Run.find(run)
    size = run.recipe.image_size
    pictures = [read_with_doubts(file, str(file), size) for file in given]
    pixels = np.stack([picture.pixels for picture in pictures])
    solved = load_solved_run(run, "Naming the patients behind a prediction", reporter)
    features = solved.network.make_runner()(pixels)
    data = solved.data
    arrays = (data.features, data.targets, data.weights)
    influence = patient_influence(solved.fit, *arrays, data.groups, features)
    influence = influence.scaled(solved.scaling)
    posterior = laplace(solved.fit, *arrays, data.groups)
    uncertain = posterior.predict(features, scaling=solved.scaling)
    images = _images_of_patients(solved)
    threshold = run.manifest["threshold"]["value"] if run.recipe.is_binary else None
    answers = []
    for row, file in enumerate(given):
        about = _class_of_interest(run, influence.probabilities[row])
        answers.append(
            WhyPatients(
                str(file),
                run.recipe.classes[about],
                float(influence.probabilities[row, about]),
                float(uncertain.low[row, about]),
                float(uncertain.high[row, about]),
                threshold,
                _patient_influences(influence, row, about, images)[:top],
                pictures[row].doubts,
            )
        )
    return answers


def _patient_influences(
    influence: Influence, row: int, about: int, images: dict[str, Counter[str]]
) -> tuple[PatientInfluence, ...]:
    changes = influence.changes[row, :, about]
    without = influence.probabilities_without[row, :, about]
    return tuple(
        PatientInfluence(
            str(influence.patients[number]),
            dict(images[str(influence.patients[number])]),
            float(without[number]),
            float(changes[number]),
        )
        for number in np.argsort(-np.abs(changes), kind="stable")
    )


def _class_of_interest(run: Run, probabilities: np.ndarray) -> int:
    recipe = run.recipe
    if recipe.is_binary:
        return recipe.classes.index(recipe.positive_class)
    return int(probabilities.argmax())


def _images_of_patients(solved: SolvedRun) -> dict[str, Counter[str]]:
    """Count the training images of each patient by class."""
    images: dict[str, Counter[str]] = {}
    for example in solved.features.train.examples:
        name = example.patient or example.file
        images.setdefault(name, Counter())[example.label] += 1
    return images
