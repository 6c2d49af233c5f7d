"""Findings of an audit, each with a severity, the files that it is about, and advice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding of an audit.

    Attributes:
        kind: Name of the finding, in lower case with dashes, such as `identical-across-splits`.
        severity: An error makes results wrong or stops a training; a warning may; a note does not.
        message: One sentence with the values.
        advice: What to do about it, one sentence; blank where nothing is to be done.
        groups: The files it is about, by their names in the dataset. Each group belongs
            together, such as the copies of one image; single files are groups of one.
        figures: Numbers behind the message, fit for JSON.
    """

    kind: str
    severity: Severity
    message: str
    advice: str = ""
    groups: tuple[tuple[str, ...], ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file named, in order."""
        return tuple(file for group in self.groups for file in group)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the finding that `dataclasses.asdict` and JSON made the document of."""
        groups = tuple(tuple(group) for group in document["groups"])
        return cls(**{**document, "groups": groups})


def single(files: list[str] | tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return groups of one file each."""
    return tuple((file,) for file in files)
