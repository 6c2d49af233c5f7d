"""What an export says of itself: how it decides, and what it was made from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmath.errors import RunError
from dlmath.inference.decision_rule import Abstention, Threshold
from dlmath.inference.distance import FeatureDistance
from dlmath.inference.runtimes import kind_of_export

METADATA = "metadata.json"
DISTANCE = "distance.npz"
SAVED_MODEL_METADATA = Path("assets.extra", "dlmath.json")  # where a SavedModel keeps its maker's
EXPORT_VERSION = 1  # of metadata.json


def export_metadata(path: Path) -> dict[str, Any]:
    """Return what an export says of itself; nothing of it is run.

    Raises:
        RunError: It says nothing, or is damaged.
    """
    kind = kind_of_export(path)
    if kind == "saved_model":
        return read_metadata(path / SAVED_MODEL_METADATA)
    if kind == "keras":
        from dlmath.models.keras_archive import read_bounded, read_note

        return read_note(read_bounded(path), path)
    return read_metadata(path / METADATA)


def stored_fields(metadata: Path) -> dict[str, Any]:
    """Return the fields of `DecisionRule` from an export's metadata and the distance next to them.

    Raises:
        RunError: The metadata cannot be read, or are of another version.
    """
    fields, path = decision_of(read_metadata(metadata)), metadata.parent / DISTANCE
    distance = FeatureDistance.from_bytes(path.read_bytes()) if path.is_file() else None
    return {**fields, "distance": distance}


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
    """Return the fields of `DecisionRule` from an export's metadata."""
    threshold = metadata["threshold"]
    return {
        "classes": tuple(metadata["classes"]),
        "image_size": int(metadata["image_size"]),
        "positive_class": metadata["positive_class"],
        "threshold": threshold and Threshold(threshold["value"], threshold["chosen_on"]),
        "abstention": Abstention(**metadata["abstention"]),
    }
