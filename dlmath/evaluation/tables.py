"""How probabilities are named in CSV files."""

from collections.abc import Sequence


def probability_columns(classes: Sequence[str]) -> list[str]:
    """Return the name of each class's column of probabilities."""
    return [f"probability_{name}" for name in classes]
