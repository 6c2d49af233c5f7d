"""What a check found: rows of figures, a verdict, a table and a JSON document."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# The oracles in the order of the columns; `taylor` is a slope, the others are relative errors.
ORACLES = ("tape", "keras", "differences", "taylor", "adjoint", "second_order", "extremes")


@dataclass(frozen=True)
class Row:
    """The figures of one gradient of one layer.

    Args:
        layer: Name of the case.
        gradient: Name of the tensor x of dL/dx.
        figures: A figure for each oracle; None where it does not apply (no reference; a function
            that is affine along the direction has no Taylor slope).
        failed: The oracles that the gradient failed.
        worst_extreme: The extreme with the largest error.
    """

    layer: str
    gradient: str
    figures: dict[str, float | None]
    failed: tuple[str, ...]
    worst_extreme: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as plain values; an infinite error is the word "infinite"."""
        figures = {oracle: _plain(self.figures.get(oracle)) for oracle in ORACLES}
        return {
            "layer": self.layer,
            "gradient": self.gradient,
            **figures,
            "worst_extreme": self.worst_extreme,
            "failed": list(self.failed),
        }


@dataclass(frozen=True)
class Report:
    """The rows of a check, and how long it took."""

    rows: tuple[Row, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether there was something to check, and all of it passed."""
        return bool(self.rows) and not any(row.failed for row in self.rows)

    def failures(self) -> list[str]:
        """One line for each gradient that failed, naming the oracles."""
        return [
            f"{row.layer} dL/d{row.gradient}: " + ", ".join(row.failed)
            for row in self.rows
            if row.failed
        ]

    def as_json(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold."""
        return {
            "passed": self.passed,
            "seconds": round(self.seconds, 2),
            "rows": [row.as_json() for row in self.rows],
        }

    def cells(self) -> Iterable[list[str]]:
        """The rows as text, one cell for the layer, the gradient, each oracle and the verdict."""
        previous = None
        for row in self.rows:
            figures = [_text(oracle, row.figures.get(oracle)) for oracle in ORACLES]
            verdict = "failed" if row.failed else "ok"
            yield [
                "" if row.layer == previous else row.layer,
                f"dL/d{row.gradient}",
                *figures,
                verdict,
            ]
            previous = row.layer


def _plain(figure: float | None) -> float | str | None:
    return "infinite" if figure is not None and math.isinf(figure) else figure


def _text(oracle: str, figure: float | None) -> str:
    if oracle == "taylor":
        return "affine" if figure is None else f"{figure:.2f}"
    return "-" if figure is None else f"{figure:.0e}"
