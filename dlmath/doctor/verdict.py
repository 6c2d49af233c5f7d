"""What one check says: ok, a warning, a fault, or why it does not apply here."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Word = Literal["ok", "warning", "fault", "not applicable"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check.

    Attributes:
        word: A fault makes figures wrong or answers unusable; a warning may.
        found: One sentence with the figures.
        advice: What to do about it; blank where nothing is to be done.
    """

    word: Word
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Line:
    """A verdict under the name and the group of its check."""

    group: str
    check: str
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Return an entry of `doctor --json`."""
        words = asdict(self.verdict)
        return {"group": self.group, "check": self.check, "verdict": words.pop("word"), **words}


def ok(found: str) -> Verdict:
    """Return that all is well."""
    return Verdict("ok", found)


def warning(found: str, advice: str) -> Verdict:
    """Return what may make results wrong."""
    return Verdict("warning", found, advice)


def fault(found: str, advice: str) -> Verdict:
    """Return what makes results wrong."""
    return Verdict("fault", found, advice)


def not_applicable(why: str) -> Verdict:
    """Return why there is nothing to check."""
    return Verdict("not applicable", why)
