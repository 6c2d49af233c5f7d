"""The verdict of one check: ok, a warning, a fault, or not applicable."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Word = Literal["ok", "warning", "fault", "not applicable"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check.

    Attributes:
        word: A fault makes metrics wrong or answers unusable; a warning may.
        found: One sentence with the metrics.
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
    """Return the verdict of a check that passed."""
    return Verdict("ok", found)


def warning(found: str, advice: str) -> Verdict:
    """Return a warning: results may be wrong."""
    return Verdict("warning", found, advice)


def fault(found: str, advice: str) -> Verdict:
    """Return a fault: results are wrong."""
    return Verdict("fault", found, advice)


def not_applicable(why: str) -> Verdict:
    """Return the verdict of a check that does not apply, with the reason."""
    return Verdict("not applicable", why)
