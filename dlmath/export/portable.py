"""What lies beside a network in a portable format: its decisions, and programs that use it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmath.export.receiver import programs
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.exported import DISTANCE, METADATA
from dlmath.runs import write_bytes, write_json, write_text


def write_beside(folder: Path, rule: DecisionRule, metadata: Mapping[str, Any]) -> None:
    """Write `metadata.json`, `distance.npz` where there is a distance, and the two programs."""
    write_json(folder / METADATA, dict(metadata))
    if rule.distance is not None:
        write_bytes(folder / DISTANCE, rule.distance.to_bytes())
    for name, source in programs().items():
        write_text(folder / name, source)
