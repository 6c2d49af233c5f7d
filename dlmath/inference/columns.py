"""How figures are named and written in tables and documents."""

import math
from collections.abc import Sequence


def probability_columns(classes: Sequence[str]) -> list[str]:
    """Return the name of each class's column of probabilities."""
    return [f"probability_{name}" for name in classes]


def number_or_none(value: float | None) -> float | None:
    """Return what is written for a number: JSON has none for what is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)
