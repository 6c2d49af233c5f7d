"""The files of an export next to its network: their names, and `metadata.json`."""

import json
from pathlib import Path
from typing import Any

from ..errors import RunError

LITERT, ONNX = "model.tflite", "model.onnx"
METADATA = "metadata.json"
DISTANCE = "distance.npz"
SAVED_MODEL_METADATA = Path("assets.extra", "dlmath.json")  # TensorFlow's place for it
EXPORT_VERSION = 1  # of metadata.json


def read_metadata(path: Path) -> dict[str, Any]:
    """Read the metadata of an export.

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
