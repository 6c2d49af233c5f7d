"""Predict the class of image files, each independently of faults in the others.

Where the run has a light form of its model, neither TensorFlow nor Keras is loaded.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from dlmath.data.image_search import find_images
from dlmath.data.lost_data import Picture, read_with_doubts
from dlmath.errors import DataError, RunError
from dlmath.given_paths import given_path
from dlmath.inference.classifier import Classifier
from dlmath.inference.outcome import Prediction, predict_one
from dlmath.inference.prevalence import Shift, check_prevalence
from dlmath.inference.runtimes import export_metadata, kind_of_export, load_classifier
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run

BATCH_SIZE = 64  # images that are decoded at a time, so that a folder of any size fits in memory


def predict(
    run: Run | str | Path | None,
    files: str | Path | Sequence[str | Path],
    *,
    runtime: str = "auto",
    prevalence: float | None = None,
    trust: bool = False,
    reporter: Reporter = SILENT,
) -> list[Prediction]:
    """Return the prediction of a run's model for each file, in the order given.

    Args:
        run: A run, its folder, its name under `runs/`, or what `dlmath.export` made of one; None
            for the newest finished run.
        files: Image files, folders of them, and patterns; see `search_images`.
        runtime: `light` for the light form of the model, which starts at once and whose
            probabilities are within 1e-4; `keras` for the model itself; `auto` for the light form
            where the run has one. An export has a runtime of its own.
        prevalence: Also give the probability of the positive class where this share of the
            patients has the disease, other than in training. Decisions stay what they are.
        trust: Whether a SavedModel may be run: it is a program, and may do what its maker wants.
        reporter: Receives the progress.

    Raises:
        UserError: There is no such runtime, or no such prevalence.
        RunError: There is no such run, or it has no light form and that is what was asked for; or
            an export is damaged, or not trusted.
        DataError: `files` is empty, or a folder holds no image, or a pattern fits nothing.

    Example:
        >>> import dlmath
        >>> [*_, last] = dlmath.predict("runs/example", "cells/Uninfected")
        >>> sorted(last.probabilities)
        ['Parasitized', 'Uninfected']
        >>> last.decision in last.probabilities
        True
    """
    paths = find_images(files)
    model = find_model(run)
    shift = None if prevalence is None else find_shift(model, prevalence)
    classifier = load_classifier(model, runtime, trust=trust)
    return predict_by(classifier, paths, shift=shift, reporter=reporter)


def find_model(given: Run | str | Path | None) -> Run | Path:
    """Return the run that is meant, or the path of an export.

    Raises:
        RunError: There is no such run.
    """
    if isinstance(given, Run):
        return given
    if given is not None and kind_of_export(path := given_path(given)) is not None:
        return path
    return Run.find(given)


def find_shift(model: Run | Path, prevalence: float) -> Shift:
    """Return the shift to a prevalence from that which a model was trained on.

    Raises:
        DataError: There is no such prevalence, or more than two classes.
        RunError: The export does not say what it was trained on.
    """
    if isinstance(model, Run):
        return Shift.of(model, prevalence)
    metadata = export_metadata(model)
    check_prevalence(prevalence)
    if metadata["trained_prevalence"] is None:
        raise RunError(f"{model} does not say what it was trained on. Leave --prevalence out.")
    return Shift(metadata["positive_class"], metadata["trained_prevalence"], prevalence)


def predict_by(
    classifier: Classifier,
    paths: Sequence[Path],
    *,
    shift: Shift | None = None,
    reporter: Reporter = SILENT,
) -> list[Prediction]:
    """Return the predictions of a loaded classifier for files."""
    predictions: list[Prediction] = []
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        for first in range(0, len(paths), BATCH_SIZE):
            batch = paths[first : first + BATCH_SIZE]
            images = list(pool.map(partial(_read, size=classifier.image_size), batch))
            said = _predict_batch(classifier, batch, images)
            predictions += [shift(one) for one in said] if shift else said
            reporter.progress("predicting", len(predictions), len(paths))
    return predictions


def _read(path: Path, size: int) -> Picture | str:
    """Return the image, or the reason why there is none."""
    try:
        return read_with_doubts(path, str(path), size)
    except DataError as error:
        return str(error)


def _predict_batch(
    classifier: Classifier, paths: Sequence[Path], images: Sequence[Picture | str]
) -> Iterator[Prediction]:
    readable = [image.pixels for image in images if not isinstance(image, str)]
    shape = (-1, classifier.image_size, classifier.image_size, 3)
    outputs = classifier.predict(np.array(readable, np.uint8).reshape(shape))
    rows = iter(range(len(readable)))
    for path, image in zip(paths, images, strict=True):
        if isinstance(image, str):
            yield Prediction(str(path), error=image)
        else:
            yield predict_one(classifier, path, outputs.row(next(rows)), image.doubts)
