"""Displays of a notebook: an experiment with its sabotage, and an erratum with its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dlmath.errors import UserError, VerificationError
from dlmath.maths.errata import ERRATA, Erratum
from dlmath.maths.experiment_base import Check, Result
from dlmath.maths.papers import PAPERS, Source
from dlmath.maths.registry import find


@dataclass(frozen=True)
class Shown:
    """Paragraphs, and under headings values with their bounds; as text and as HTML.

    Attributes:
        title: One line.
        paragraphs: (heading, text) pairs.
        tables: (heading, checks) pairs.
    """

    title: str
    paragraphs: tuple[tuple[str, str], ...]
    tables: tuple[tuple[str, Sequence[Check]], ...]

    def __repr__(self) -> str:
        lines = [self.title]
        lines += [f"{heading}: {text}" if heading else text for heading, text in self.paragraphs]
        for heading, checks in self.tables:
            lines.append(heading)
            lines += ["  " + "  ".join(_cells(check)) for check in checks]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{escape(self.title)}</strong></p>"]
        for heading, text in self.paragraphs:
            lead = f"<em>{escape(heading)}:</em> " if heading else ""
            parts.append(f"<p>{lead}{escape(text)}</p>")
        for heading, checks in self.tables:
            rows = "".join(_row(check) for check in checks)
            head = f"<tr><th colspan='3' style='text-align:left'>{escape(heading)}</th></tr>"
            parts.append(f"<table>{head}{rows}</table>")
        return "".join(parts)


def trial(name: str) -> Shown:
    """Run an experiment as it is stated, then with a hypothesis violated, and show both.

    Raises:
        UserError: There is no experiment of that name.
        VerificationError: It does not hold, or its sabotage does not turn the verdict.
    """
    one = find(name)
    stated = one.run()
    broken = one.run(**one.sabotage.arguments)
    if broken.holds or not stated.holds:
        raise VerificationError(
            f"{name} {_verdict(stated)} as stated, and {_verdict(broken)} where {one.sabotage.why}."
        )
    return Shown(
        f"{one.title} ({one.sources[0].place}; {one.name})",
        (*map(_quoted, one.sources), ("Put to the test", one.statement)),
        (
            ("As stated: holds", stated.checks),
            (f"Sabotage, {one.sabotage.why}: fails", broken.checks),
        ),
    )


def erratum(paper: str, line: int) -> Shown:
    """Show what a paper says at a line, where it errs, and what is right.

    Args:
        paper: A key of `PAPERS`, such as `murari`.
        line: Of the paper's text file, from 1.

    Raises:
        UserError: No erratum is known there.
        VerificationError: A value is not what the erratum says it is.
    """
    one = _erratum_at(paper, line)
    if not all(check.holds for check in one.checks):
        raise VerificationError(f"What is said of {one.source.place} does not compute.")
    return Shown(
        f"Erratum: {one.source.place}",
        (
            _quoted(one.source),
            ("It says", one.said),
            ("But", one.counterexample),
            ("Right", one.corrected),
        ),
        (("Computed", one.checks),) if one.checks else (),
    )


def _erratum_at(paper: str, line: int) -> Erratum:
    for one in ERRATA:
        if (one.source.paper, one.source.line) == (paper, line):
            return one
    known = [str(one.source.line) for one in ERRATA if one.source.paper == paper]
    if not known:
        raise UserError(f"`paper` must be one of {', '.join(PAPERS)}. Received: paper={paper!r}.")
    raise UserError(
        f"No erratum of {PAPERS[paper].author} is known at line {line}. "
        f"There are errata at {', '.join(known)}."
    )


def _quoted(source: Source) -> tuple[str, str]:
    """Return where a statement stands, and the paper's sentence."""
    return source.place, f"“{source.quote}”"


def _verdict(result: Result) -> str:
    return "holds" if result.holds else "fails"


def _cells(check: Check) -> tuple[str, str, str]:
    relation = {"<=": "≤", ">=": "≥"}[check.relation]
    figures = f"{check.value:.4g} {relation} {check.bound:.4g}"
    return check.name, figures, "yes" if check.holds else "no"


def _row(check: Check) -> str:
    name, figures, holds = _cells(check)
    weight = "normal" if check.holds else "bold"
    return (
        f"<tr><td style='text-align:left'>{escape(name)}</td><td>{escape(figures)}</td>"
        f"<td style='font-weight:{weight}'>{holds}</td></tr>"
    )
