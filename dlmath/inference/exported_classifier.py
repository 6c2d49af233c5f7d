"""Open an export again, to predict with it as with the run that it was made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.errors import RunError
from dlmath.inference.decider import Answers, Decider
from dlmath.inference.distance import FeatureDistance
from dlmath.inference.exported import (
    DISTANCE,
    METADATA,
    Exported,
    decision_of,
    kind_of_export,
    read_metadata,
)
from dlmath.reporting import Progress

_AT_A_TIME = 32
_NOTE = Path("assets.extra", "dlmath.json")  # of a SavedModel; see `dlmath.export.saved_model`


def open_export(path: Path, *, trust: bool = False) -> Decider:
    """Return what decides in an export: a LiteRT or ONNX folder, a `.keras` file, a SavedModel.

    Args:
        path: As `dlmath.export` returns it.
        trust: Whether a SavedModel may be run. It is a program: it can read and write files.

    Raises:
        RunError: It is no export, is damaged, or is a SavedModel that is not trusted.
        WeightsError: A `.keras` file holds what no trained network holds.
    """
    kind = kind_of_export(path)
    if kind == "saved_model":
        return _saved_model(path, trust)
    if kind == "keras":
        return _keras(path)
    if kind is None:
        raise RunError(f"{path} is no export. Write one with: dlmath export RUN")
    return Exported.load(path)


def export_metadata(path: Path) -> dict[str, Any]:
    """Return what an export says of itself; nothing of it is run.

    Raises:
        RunError: It says nothing, or is damaged.
    """
    kind = kind_of_export(path)
    if kind == "saved_model":
        return read_metadata(path / _NOTE)
    if kind == "keras":
        from dlmath.inference.keras_file import read_note
        from dlmath.models.keras_archive import read_bounded

        return read_note(read_bounded(path), path)[0]
    return read_metadata(path / METADATA)


def _keras(path: Path) -> Decider:
    from dlmath import models
    from dlmath.inference.keras_classifier import Classifier
    from dlmath.inference.keras_file import read_note
    from dlmath.models.keras_archive import read_bounded

    metadata, distance = read_note(read_bounded(path), path)
    return Classifier(**decision_of(metadata), distance=distance, model=models.load(path))


def _saved_model(path: Path, trust: bool) -> Decider:
    if not trust:
        raise RunError(
            f"{path} is a SavedModel, which is a program: it can read and write files when it "
            "runs. Where you know who made it, pass --trust; or name the run, or its export as "
            "litert, onnx or keras."
        )
    import tensorflow as tf

    metadata = read_metadata(path / _NOTE)
    file = path / _NOTE.parent / DISTANCE
    distance = FeatureDistance.from_bytes(file.read_bytes()) if file.is_file() else None
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serve_pixels"]
    # TensorFlow has several classes of errors for what a damaged file can do to it.
    except Exception as error:
        raise RunError(
            f"Cannot load {path}: {str(error).splitlines()[0]}. Export the run again."
        ) from error
    fields = decision_of(metadata)
    return SavedModel(**fields, distance=distance, loaded=loaded, signature=signature)


@dataclass(frozen=True, eq=False)
class SavedModel(Decider):
    """A loaded SavedModel.

    Attributes:
        loaded: Owns the variables of the signature.
        signature: `serve_pixels`.
    """

    loaded: Any
    signature: Any

    def answer(self, pixels: np.ndarray, progress: Progress | None = None) -> Answers:
        """Return what it says of pixels (N, size, size, 3) in 0..255; without features."""
        import tensorflow as tf

        probabilities = np.empty((len(pixels), len(self.classes)))
        distances = None if self.distance is None else np.empty(len(pixels))
        for first in range(0, len(pixels), _AT_A_TIME):
            rows = slice(first, first + _AT_A_TIME)
            outputs = self.signature(pixels=tf.constant(pixels[rows], tf.float32))
            probabilities[rows] = outputs["probabilities"].numpy()
            if distances is not None:
                distances[rows] = outputs["distance"].numpy()
            if progress:
                progress(min(rows.stop, len(pixels)), len(pixels))
        return Answers(probabilities, distances)
