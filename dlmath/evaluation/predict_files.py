"""Predict the class of image files, one answer for each file whatever happens to the others.

Where the run has a light form of its model, neither TensorFlow nor Keras is loaded.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.pillow_images import read_image
from dlmath.data.trees import is_image, is_junk
from dlmath.errors import DataError, UserError, did_you_mean
from dlmath.evaluation.tables import number_or_none, probability_columns
from dlmath.light.classifier import LightClassifier, has_light_form
from dlmath.light.decider import Answers, Decider
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run

RUNTIMES = ("auto", "light", "keras")
BATCH_SIZE = 64  # images that are decoded at a time, so that a folder of any size fits in memory


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file, or why it says nothing.

    Attributes:
        file: The path as it was given or found.
        decision: The class; None with an error.
        probabilities: By class.
        positive: Whether it is the positive class; None for more than two classes.
        distance: From the training images, see `dlmath.light.distance`; None where the run has
            none fitted, or it is not a number.
        unusual: Whether that is more than the run's validation images keep to.
        abstains: Whether the answer is not to be relied on: unsure, or the image unusual. None
            where the run has no rule for either.
        error: Why there is no decision; None if there is one.
    """

    file: str
    decision: str | None = None
    probabilities: dict[str, float] | None = None
    positive: bool | None = None
    distance: float | None = None
    unusual: bool | None = None
    abstains: bool | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return an entry of the list that `predict --json` prints."""
        if self.error is not None:
            return {"file": self.file, "error": self.error}
        return {
            "file": self.file,
            "class": self.decision,
            "probabilities": self.probabilities,
            "positive": self.positive,
            "distance": self.distance,
            "unusual": self.unusual,
            "abstains": self.abstains,
        }


def predict(
    run: Run | str | Path | None,
    files: str | Path | Sequence[str | Path],
    *,
    runtime: str = "auto",
    reporter: Reporter = SILENT,
) -> list[Prediction]:
    """Return what a run's model says of each file, in the order given.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        files: PNG or JPEG files, and folders of them: those are searched to their depths, and
            their images taken in the order of their names.
        runtime: `light` for the light form of the model, which starts at once and whose
            probabilities are within 1e-4; `keras` for the model itself; `auto` for the light form
            where the run has one.
        reporter: Hears of the progress.

    Raises:
        UserError: There is no such runtime.
        RunError: There is no such run, or it has no light form and that is what was asked for.
        DataError: `files` is empty, or a folder holds no image.
    """
    paths = find_images(files)
    found = run if isinstance(run, Run) else Run.find(run)
    return predict_by(load_classifier(found, runtime), paths, reporter=reporter)


def find_images(files: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files themselves and the images in the folders; see `predict`.

    Raises:
        DataError: There are no files, or a folder holds no image.
    """
    given = [files] if isinstance(files, str | Path) else files
    paths: list[Path] = []
    for path in map(Path, given):
        paths += _images_in(path) if path.is_dir() else [path]
    if not paths:
        raise DataError("There is nothing to predict. Name an image file or a folder of them.")
    return paths


def load_classifier(run: Run, runtime: str = "auto") -> Decider:
    """Load what computes a run's probabilities; see `predict` for the runtimes."""
    if choose_runtime(run, runtime) == "light":
        return LightClassifier.load(run)
    from dlmath.evaluation.classifier import Classifier  # loads TensorFlow, which takes seconds

    return Classifier.load(run)


def choose_runtime(run: Run, runtime: str) -> str:
    """Return `light` or `keras`: what `runtime` comes to for this run.

    Raises:
        UserError: There is no such runtime.
    """
    if runtime not in RUNTIMES:
        raise UserError(
            f"`runtime` must be one of {', '.join(RUNTIMES)}.{did_you_mean(runtime, RUNTIMES)} "
            f"Received: runtime={runtime!r}"
        )
    if runtime != "auto":
        return runtime
    return "light" if has_light_form(run) else "keras"


def predict_by(
    classifier: Decider, paths: Sequence[Path], *, reporter: Reporter = SILENT
) -> list[Prediction]:
    """Return what a loaded classifier says of each file."""
    predictions: list[Prediction] = []
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        for first in range(0, len(paths), BATCH_SIZE):
            batch = paths[first : first + BATCH_SIZE]
            images = list(pool.map(partial(_read, size=classifier.image_size), batch))
            predictions += _predict_batch(classifier, batch, images)
            reporter.progress("predicting", len(predictions), len(paths))
    return predictions


def csv_fields(classes: Sequence[str]) -> list[str]:
    """Return the header of `predict --csv`."""
    reliance = ["distance", "unusual", "abstains"]
    return ["file", "class", "positive", *probability_columns(classes), *reliance, "error"]


def csv_row(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as a row under `csv_fields`; what does not apply is left out."""
    probabilities = prediction.probabilities or {}
    return {
        "file": prediction.file,
        "class": prediction.decision,
        "positive": _lower(prediction.positive),
        **dict(zip(probability_columns(list(probabilities)), probabilities.values(), strict=True)),
        "distance": prediction.distance,
        "unusual": _lower(prediction.unusual),
        "abstains": _lower(prediction.abstains),
        "error": prediction.error,
    }


def _lower(known: bool | None) -> str | None:
    return None if known is None else str(known).lower()


def _images_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if _is_image(path, folder))
    if not found:
        raise DataError(f"There is no JPEG or PNG image in {folder}. Name an image file.")
    return found


def _is_image(path: Path, folder: Path) -> bool:
    names = path.relative_to(folder).parts
    # macOS leaves a "._x.jpeg" beside or in __MACOSX/ for each x.jpeg: no image at all.
    is_hidden = any(name.startswith(".") or is_junk(name) for name in names)
    return not is_hidden and path.is_file() and is_image(path)


def _read(path: Path, size: int) -> np.ndarray | str:
    """Return the image, or the reason why there is none."""
    try:
        return read_image(path, str(path), size)
    except DataError as error:
        return str(error)


def _predict_batch(
    classifier: Decider, paths: Sequence[Path], images: Sequence[np.ndarray | str]
) -> Iterator[Prediction]:
    readable = [image for image in images if not isinstance(image, str)]
    shape = (-1, classifier.image_size, classifier.image_size, 3)
    answers = classifier.answer(np.array(readable, np.uint8).reshape(shape))
    rows = iter(range(len(readable)))
    for path, image in zip(paths, images, strict=True):
        if isinstance(image, str):
            yield Prediction(str(path), error=image)
        else:
            yield _predict_one(classifier, path, _row(answers, next(rows)))


def _row(answers: Answers, row: int) -> Answers:
    """Return what is said of one image."""
    one = slice(row, row + 1)
    distances = answers.distances
    return Answers(answers.probabilities[one], None if distances is None else distances[one])


def _predict_one(classifier: Decider, path: Path, answer: Answers) -> Prediction:
    probabilities, distances = answer
    if not np.isfinite(probabilities).all():
        return Prediction(str(path), error=f"{path}: the model gives NaN; train it again")
    decided = int(classifier.decide(probabilities)[0])
    positive = classifier.positive_index
    unusual, abstains = classifier.unusual(distances), classifier.abstains(*answer)
    return Prediction(
        file=str(path),
        decision=classifier.classes[decided],
        probabilities=dict(zip(classifier.classes, map(float, probabilities[0]), strict=True)),
        positive=None if positive is None else decided == positive,
        distance=None if distances is None else number_or_none(distances[0]),
        unusual=None if unusual is None else bool(unusual[0]),
        abstains=None if abstains is None else bool(abstains[0]),
    )
