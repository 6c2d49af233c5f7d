"""Names of columns, and numbers as tables and documents hold them."""

import math
from collections.abc import Sequence


def probability_columns(classes: Sequence[str]) -> list[str]:
    """Return the name of each class's column of probabilities."""
    return [f"probability_{name}" for name in classes]


def number_or_none(value: float | None) -> float | None:
    """Return a finite number, or None: JSON has no form for other numbers."""
    return None if value is None or not math.isfinite(value) else float(value)
