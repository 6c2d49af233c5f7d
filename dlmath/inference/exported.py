"""The decision rule of an export, as its metadata keep it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .decision_rule import Abstention, Threshold
from .export_files import DISTANCE, read_metadata
from .ood_score import OodScore


def stored_fields(metadata: Path) -> dict[str, Any]:
    """Return the fields of `DecisionRule` from an export's metadata and the score next to them.

    Raises:
        RunError: The metadata cannot be read, or are of another version.
    """
    fields, path = decision_of(read_metadata(metadata)), metadata.parent / DISTANCE
    ood_score = OodScore.from_bytes(path.read_bytes()) if path.is_file() else None
    return {**fields, "ood_score": ood_score}


def decision_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `DecisionRule` from an export's metadata."""
    threshold, limits = metadata["threshold"], metadata["abstention"]
    return {
        "classes": tuple(metadata["classes"]),
        "image_size": int(metadata["image_size"]),
        "positive_class": metadata["positive_class"],
        "threshold": threshold and Threshold(threshold["value"], threshold["chosen_on"]),
        "abstention": Abstention(
            confidence=limits["confidence"],
            ood_score=limits.get("ood_score", limits.get("distance")),  # its earlier name
        ),
    }
