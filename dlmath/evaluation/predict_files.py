"""Predict the class of image files, one answer for each file whatever happens to the others."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.pixels import read_image
from dlmath.data.trees import is_image_name
from dlmath.errors import DataError
from dlmath.evaluation.classifier import Classifier
from dlmath.evaluation.probabilities import BATCH_SIZE
from dlmath.evaluation.tables import probability_columns
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file, or why it says nothing.

    Attributes:
        file: The path as it was given or found.
        decision: The class; None with an error.
        probabilities: By class.
        positive: Whether it is the positive class; None for more than two classes.
        error: Why there is no decision; None if there is one.
    """

    file: str
    decision: str | None = None
    probabilities: dict[str, float] | None = None
    positive: bool | None = None
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
        }


def predict(
    run: Run | str | Path | None,
    files: str | Path | Sequence[str | Path],
    *,
    reporter: Reporter = SILENT,
) -> list[Prediction]:
    """Return what a run's model says of each file, in the order given.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        files: PNG or JPEG files, and folders of them: those are searched to their depths, and
            their images taken in the order of their names.
        reporter: Hears of the progress.

    Raises:
        RunError: There is no such run.
        DataError: `files` is empty, or a folder holds no image.
    """
    paths = _expand([files] if isinstance(files, str | Path) else files)
    classifier = Classifier.load(run if isinstance(run, Run) else Run.find(run))
    predictions: list[Prediction] = []
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        # A batch at a time, so that a folder of any size fits in memory.
        for first in range(0, len(paths), BATCH_SIZE):
            batch = paths[first : first + BATCH_SIZE]
            images = list(pool.map(partial(_read, size=classifier.image_size), batch))
            predictions += _predict_batch(classifier, batch, images)
            reporter.progress("predicting", len(predictions), len(paths))
    return predictions


def csv_fields(classes: Sequence[str]) -> list[str]:
    """Return the header of `predict --csv`."""
    return ["file", "class", "positive", *probability_columns(classes), "error"]


def csv_row(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as a row under `csv_fields`; what does not apply is left out."""
    probabilities = prediction.probabilities or {}
    positive = prediction.positive
    return {
        "file": prediction.file,
        "class": prediction.decision,
        "positive": None if positive is None else str(positive).lower(),
        **dict(zip(probability_columns(list(probabilities)), probabilities.values(), strict=True)),
        "error": prediction.error,
    }


def _expand(given: Sequence[str | Path]) -> list[Path]:
    paths: list[Path] = []
    for path in map(Path, given):
        paths += _images_in(path) if path.is_dir() else [path]
    if not paths:
        raise DataError("There is nothing to predict. Name an image file or a folder of them.")
    return paths


def _images_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if _is_image(path, folder))
    if not found:
        raise DataError(f"There is no JPEG or PNG image in {folder}. Name an image file.")
    return found


def _is_image(path: Path, folder: Path) -> bool:
    names = path.relative_to(folder).parts
    # macOS leaves a "._x.jpeg" beside or in __MACOSX/ for each x.jpeg: no image at all.
    is_hidden = any(name.startswith(".") or name == "__MACOSX" for name in names)
    return is_image_name(path.name) and not is_hidden and path.is_file()


def _read(path: Path, size: int) -> np.ndarray | str:
    """Return the image, or the reason why there is none."""
    try:
        return read_image(path, str(path), size)
    except DataError as error:
        return str(error)


def _predict_batch(
    classifier: Classifier, paths: Sequence[Path], images: Sequence[np.ndarray | str]
) -> Iterator[Prediction]:
    readable = [image for image in images if not isinstance(image, str)]
    shape = (-1, classifier.image_size, classifier.image_size, 3)
    rows = iter(classifier.probabilities(np.array(readable, np.uint8).reshape(shape)))
    for path, image in zip(paths, images, strict=True):
        if isinstance(image, str):
            yield Prediction(str(path), error=image)
        else:
            yield _predict_one(classifier, path, next(rows))


def _predict_one(classifier: Classifier, path: Path, row: np.ndarray) -> Prediction:
    if not np.isfinite(row).all():
        return Prediction(str(path), error=f"{path}: the model gives NaN; train it again")
    decided = int(classifier.decide(row[None])[0])
    positive = classifier.positive_index
    return Prediction(
        file=str(path),
        decision=classifier.classes[decided],
        probabilities=dict(zip(classifier.classes, map(float, row), strict=True)),
        positive=None if positive is None else decided == positive,
    )
