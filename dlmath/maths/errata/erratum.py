"""An erratum of a paper: what it says, a counterexample in code, what is right."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from dlmath.maths.experiment_base import Check, at_least, at_most
from dlmath.maths.papers import Source

MATHEMATICS, HISTORY, PRINT = "mathematics", "history", "print"
EXTRACTION, LOST_FORMULA, READING = "extraction", "lost formula", "reading"

KINDS = {
    MATHEMATICS: "an error of mathematics",
    HISTORY: "an error of history or attribution",
    PRINT: "a slip of print",
    EXTRACTION: "perhaps a slip of the extraction, not of the paper",
    LOST_FORMULA: "rests on a formula that the text has lost",
    READING: "right as it is meant, wrong as it may be read",
}
ERRORS = (MATHEMATICS, HISTORY, PRINT)  # the other kinds are remarks, and count as no errata

EXTRACTED = (
    "The papers were read as text files that were extracted from them. Tsemo's has lost all its "
    "formulas, and in the others a formula may have lost a sign. Where an entry may be a slip of "
    "the extraction, or rests on a lost formula, it is a remark and no erratum."
)


@dataclass(frozen=True)
class Comparison:
    """One measure of error, applied to what is printed and to what is right.

    What is right fails as a counterexample: the measure is the same, and `within < wrong_by`.

    Attributes:
        measure: What `error` measures, in words.
        error: Takes a claim and returns how far it is from the truth.
        printed: What the paper claims: a function, a number, a shape.
        right: What is right, of the same type.
        wrong_by: A lower bound of the error of what is printed.
        within: An upper bound of the error of what is right.
    """

    measure: str
    error: Callable[[Any], float]
    printed: Any
    right: Any
    wrong_by: float
    within: float = 0.0

    def __post_init__(self) -> None:
        if not self.within < self.wrong_by:
            raise ValueError(
                "`within` must be less than `wrong_by`, or what is right would pass as wrong. "
                f"Received: within={self.within}, wrong_by={self.wrong_by}."
            )

    def refuted(self, claim: Any) -> Check:
        """Return the check that a claim is wrong."""
        return at_least(f"printed: {self.measure}", self._measured(claim), self.wrong_by)

    def confirmed(self, claim: Any) -> Check:
        """Return the check that a claim is right."""
        return at_most(f"right: {self.measure}", self._measured(claim), self.within)

    def _measured(self, claim: Any) -> float:
        """Return the error of a claim, computed as an experiment is: one thread, no warnings."""
        with threadpool_limits(1, "blas"), np.errstate(all="ignore"):
            return self.error(claim)


@dataclass(frozen=True)
class Erratum:
    """A slip of a paper, or a remark on a line that may be taken for one.

    Attributes:
        source: Where.
        kind: A key of `KINDS`.
        said: What is printed, in words.
        counterexample: A case in which it is wrong.
        corrected: What is right instead.
        evidence: Comparisons that compute both.
        reference: The literature, where it decides: dates and attributions cannot be computed.
    """

    source: Source
    kind: str
    said: str
    counterexample: str
    corrected: str
    evidence: tuple[Comparison, ...] = ()
    reference: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"`kind` must be one of {', '.join(KINDS)}. Received: kind={self.kind!r}."
            )
        if not self.evidence and not (self.kind == HISTORY and self.reference):
            raise ValueError(
                "An erratum needs a comparison that computes it; one of history, a reference. "
                f"Received: {self.source.place}."
            )

    @property
    def is_error(self) -> bool:
        """Return whether it counts as an erratum, rather than as a remark."""
        return self.kind in ERRORS

    @property
    def title(self) -> str:
        """Whether it is an erratum or a remark, of which kind, and where."""
        name = "Erratum" if self.is_error else "Remark"
        return f"{name} ({KINDS[self.kind]}): {self.source.place}"

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The counterexample and the correction, computed on first use; all must hold."""
        return tuple(
            check
            for one in self.evidence
            for check in (one.refuted(one.printed), one.confirmed(one.right))
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain values, with the checks computed."""
        return {
            "source": self.source.as_json(),
            "kind": self.kind,
            "is_error": self.is_error,
            "said": self.said,
            "counterexample": self.counterexample,
            "corrected": self.corrected,
            "reference": self.reference,
            "checks": [check.as_json() for check in self.checks],
        }


def violations(claim: Callable[..., Any], cases: Iterable[tuple[Any, ...]]) -> float:
    """Return the number of cases for which a claim about them is false."""
    return float(sum(not claim(*case) for case in cases))
