"""The report of a check: rows of errors, a verdict, a table and a JSON document."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# The oracles, in the order of the columns, under the independent kinds of evidence that they are
# readings of. `taylor` is a slope, `float32` an error over what rounding explains, and the others
# are relative errors.
EVIDENCE: dict[str, tuple[str, ...]] = {
    "adjoint of this forward": ("tape", "differences", "taylor", "adjoint"),
    "reference": ("reference",),
    "second order and extremes": ("second_order", "extremes", "float32", "calls"),
}
ORACLES = tuple(oracle for readings in EVIDENCE.values() for oracle in readings)

# What a gradient failed instead of the oracles: the form of its own, or of a whole pass.
FORM, WHOLE = ("form",), ("passes",)


@dataclass(frozen=True)
class Row:
    """The errors of one gradient of one layer.

    Args:
        layer: Name of the case.
        gradient: Name of the tensor x of dL/dx.
        errors: An error for each oracle; None where it does not apply (no reference; a function
            that is affine along the direction has no Taylor slope).
        failed: The oracles that the gradient failed; `form` or `passes` where none of them
            could judge it, or any of the layer.
        where: For the oracles that try several inputs or calls, where the error is largest.
        problem: What its author did, in words, where the form of a pass is wrong.
    """

    layer: str
    gradient: str
    errors: dict[str, float | None]
    failed: tuple[str, ...]
    where: dict[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def worst_extreme(self) -> str | None:
        """The extreme with the largest error."""
        return self.where.get("extremes")

    def as_json(self) -> dict[str, Any]:
        """The row as plain values; an infinite error is the word "infinite"."""
        errors = {oracle: _plain(self.errors.get(oracle)) for oracle in ORACLES}
        return {
            "layer": self.layer,
            "gradient": self.gradient,
            **errors,
            "where": dict(self.where),
            "failed": list(self.failed),
            "problem": self.problem,
        }

    def said(self) -> str:
        """Return what the gradient failed, in words."""
        return self.problem or ", ".join(
            f"{oracle} ({self.where[oracle]})" if self.where.get(oracle) else oracle
            for oracle in self.failed
        )


@dataclass(frozen=True)
class Report:
    """The rows of a check, how long it took, and what it could not look at.

    Args:
        rows: A row for each gradient.
        seconds: Duration.
        notes: What limits the verdict, a sentence each: a layer that was checked without a
            reference, an argument that was not tried.
    """

    rows: tuple[Row, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether there was something to check, and all of it passed."""
        return bool(self.rows) and not any(row.failed for row in self.rows)

    def failures(self) -> list[str]:
        """One line for each gradient that failed, naming the oracles, or the slip.

        A slip that spoils all gradients of a layer has one line.
        """
        lines = []
        for row in self.rows:
            if row.problem is not None and row.failed == WHOLE:
                lines.append(f"{row.layer}: {row.problem}")
            elif row.failed:
                lines.append(f"{row.layer} dL/d{row.gradient}: {row.said()}")
        return list(dict.fromkeys(lines))

    def as_json(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold."""
        return {
            "passed": self.passed,
            "seconds": round(self.seconds, 2),
            "notes": list(self.notes),
            "rows": [row.as_json() for row in self.rows],
        }

    def cells(self) -> Iterable[list[str]]:
        """The rows as text, one cell for the layer, the gradient, each oracle and the verdict."""
        previous = None
        for row in self.rows:
            errors = [_text(oracle, row.errors) for oracle in ORACLES]
            verdict = "failed" if row.failed else "ok"
            yield [
                "" if row.layer == previous else row.layer,
                f"dL/d{row.gradient}",
                *errors,
                verdict,
            ]
            previous = row.layer


def _plain(error: float | None) -> float | str | None:
    return "infinite" if error is not None and math.isinf(error) else error


def _text(oracle: str, errors: dict[str, float | None]) -> str:
    error = errors.get(oracle)
    if oracle == "taylor" and oracle in errors:
        return "affine" if error is None else f"{error:.2f}"
    return "-" if error is None else f"{error:.0e}"
