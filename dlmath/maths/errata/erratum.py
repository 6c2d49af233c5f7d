"""An erratum of a paper: what it says, a counterexample in code, what is right."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dlmath.maths.experiment_base import Check
from dlmath.maths.papers import Source


@dataclass(frozen=True)
class Erratum:
    """A slip of a paper.

    Attributes:
        source: Where.
        said: What is printed, in words.
        counterexample: A case in which it is wrong.
        corrected: What is right instead.
        compute: Shows both: values of what is printed that miss their bound's other side, and
            values of the correction that meet it. None for a matter of history, of
            reference or of indices, where reading the line shows it.
    """

    source: Source
    said: str
    counterexample: str
    corrected: str
    compute: Callable[[], tuple[Check, ...]] | None = None

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The counterexample and the correction, computed on first use; all must hold."""
        return self.compute() if self.compute else ()

    def as_json(self) -> dict[str, Any]:
        """Return plain values, with the checks computed."""
        return {
            "source": self.source.as_json(),
            "said": self.said,
            "counterexample": self.counterexample,
            "corrected": self.corrected,
            "checks": [check.as_json() for check in self.checks],
        }
