"""An exported classifier as its receiver runs it: LiteRT or ONNX Runtime, and NumPy.

Exports carry a copy of this code, cut out by `dlmath.export.bundle`, so that they answer alike with
dlmath and without it.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from dlmath.errors import RunError
from dlmath.inference.decider import Abstention, Answers, Decider, Threshold
from dlmath.inference.distance import FeatureDistance
from dlmath.reporting import Progress

METADATA = "metadata.json"
DISTANCE = "distance.npz"
LITERT, ONNX = "model.tflite", "model.onnx"
EXPORT_VERSION = 1  # of metadata.json

_AT_A_TIME = 8  # images: a runtime keeps room for the activations of all of them

# Pixels float32 (n, S, S, 3) to `probabilities` (n, K) and, where there is a distance, `features`.
Compute = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Exported(Decider):
    """An exported network with what turns its probabilities into decisions.

    Attributes:
        compute: The network.
    """

    compute: Compute

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the folder of a LiteRT or ONNX export.

        Raises:
            RunError: A file is missing or damaged, or its runtime is not installed.
        """
        metadata = read_metadata(folder / METADATA)
        path = folder / DISTANCE
        distance = FeatureDistance.from_bytes(path.read_bytes()) if path.is_file() else None
        is_litert = (folder / LITERT).is_file()
        network = _litert(folder / LITERT) if is_litert else _onnx(folder / ONNX)
        return cls(**decision_of(metadata), distance=distance, compute=network)

    def answer(self, pixels: np.ndarray, progress: Progress | None = None) -> Answers:
        """Return what it says of pixels (N, size, size, 3) in 0..255."""
        probabilities = np.empty((len(pixels), len(self.classes)))
        distances = features = None
        if self.distance is not None:
            distances = np.empty(len(pixels))
            features = np.empty((len(pixels), self.distance.means.shape[1]), np.float32)
        for first in range(0, len(pixels), _AT_A_TIME):
            rows = slice(first, first + _AT_A_TIME)
            outputs = self.compute(pixels[rows].astype(np.float32))
            probabilities[rows] = outputs["probabilities"]
            if self.distance is not None and distances is not None and features is not None:
                features[rows] = outputs["features"]
                distances[rows] = self.distance(features[rows].astype(np.float64))
            if progress:
                progress(min(rows.stop, len(pixels)), len(pixels))
        return Answers(probabilities, distances, features)


def kind_of_export(path: Path) -> str | None:
    """Return `saved_model`, `keras`, `litert` or `onnx`; None where it is no export."""
    if path.suffix == ".keras" and path.is_file():
        return "keras"
    marks = {"saved_model": "saved_model.pb", "litert": LITERT, "onnx": ONNX}
    return next((kind for kind, mark in marks.items() if (path / mark).is_file()), None)


def read_metadata(path: Path) -> dict[str, Any]:
    """Read what an export says of itself.

    Raises:
        RunError: It cannot be read, or is of a version that this code does not know.
    """
    try:
        metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = metadata["export_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} does not describe an export ({error}). Write it again with: dlmath export RUN"
        ) from error
    if found != EXPORT_VERSION:
        raise RunError(
            f"{path} is of another version. Received: export_version={found!r}, expected "
            f"{EXPORT_VERSION}. Export the run again."
        )
    return metadata


def decision_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `Decider` from an export's metadata."""
    threshold = metadata["threshold"]
    return {
        "classes": tuple(metadata["classes"]),
        "image_size": int(metadata["image_size"]),
        "positive_class": metadata["positive_class"],
        "threshold": threshold and Threshold(threshold["value"], threshold["chosen_on"]),
        "abstention": Abstention(**metadata["abstention"]),
    }


def _litert(path: Path) -> Compute:
    """Return what runs a LiteRT file. Its outputs have numbers: probabilities, then features."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise RunError(
            f"LiteRT is not installed or does not load here: {error}. Install it with: "
            "pip install ai-edge-litert"
        ) from error
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
        interpreter.allocate_tensors()  # here, where damage has a name and chatter its place
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{path} is damaged: {error}. Export the run again.") from error
    given = interpreter.get_input_details()[0]["index"]
    outputs = sorted(interpreter.get_output_details(), key=lambda detail: detail["name"])
    names = ("probabilities", "features")[: len(outputs)]

    def compute(pixels: np.ndarray) -> dict[str, np.ndarray]:
        interpreter.resize_tensor_input(given, pixels.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given, pixels)
        interpreter.invoke()
        found = [interpreter.get_tensor(detail["index"]) for detail in outputs]
        return dict(zip(names, found, strict=True))

    return compute


def _onnx(path: Path) -> Compute:
    try:
        import onnxruntime
    except ImportError as error:
        raise RunError(
            f"ONNX Runtime is not installed or does not load here: {error}. Install it with: "
            "pip install 'dlmath[export]', or where there is no dlmath: pip install onnxruntime"
        ) from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # ONNX Runtime has a class of its own for each way in which a file can be wrong.
    except Exception as error:
        raise RunError(f"{path} cannot be run: {error}. Export the run again.") from error
    names = [output.name for output in session.get_outputs()]
    return lambda pixels: dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))
