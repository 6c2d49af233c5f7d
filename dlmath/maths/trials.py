"""Displays of a notebook: an experiment with its sabotage, and an erratum with its values."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dlmath.charts import Chart
from dlmath.errors import CheckFailedError, UserError
from dlmath.maths.errata import ERRATA, Erratum
from dlmath.maths.experiment_base import Check, Experiment, Result
from dlmath.maths.formulas import quoted_html, typeset
from dlmath.maths.papers import PAPERS, Source
from dlmath.maths.plots import standalone
from dlmath.maths.registry import find


@dataclass(frozen=True)
class Shown:
    """Paragraphs, under headings values with their bounds, and charts; as text and as HTML.

    Attributes:
        title: One line.
        quotes: Where the papers say so; each sentence is shown.
        paragraphs: (heading, text) pairs.
        tables: (heading, checks) pairs.
        charts: (heading, chart) pairs, which stand side by side.
    """

    title: str
    quotes: tuple[Source, ...]
    paragraphs: tuple[tuple[str, str], ...]
    tables: tuple[tuple[str, Sequence[Check]], ...]
    charts: tuple[tuple[str, Chart], ...] = ()

    def __repr__(self) -> str:
        lines = [self.title]
        lines += [f"{one.place}: “{one.quote}”" for one in self.quotes]
        lines += [f"{heading}: {text}" for heading, text in self.paragraphs]
        for heading, checks in self.tables:
            lines.append(heading)
            lines += ["  " + "  ".join(_cells(check)) for check in checks]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{typeset(self.title)}</strong></p>"]
        parts += [f"<p><em>{one.place}:</em> “{quoted_html(one.quote)}”</p>" for one in self.quotes]
        parts += [
            f"<p><em>{heading}:</em> {typeset(text)}</p>" for heading, text in self.paragraphs
        ]
        for heading, checks in self.tables:
            rows = "".join(_row(check) for check in checks)
            head = f"<tr><th colspan='3' style='text-align:left'>{typeset(heading)}</th></tr>"
            parts.append(f"<table>{head}{rows}</table>")
        return "".join([*parts, *(_figure(heading, chart) for heading, chart in self.charts)])


def trial(name: str) -> Shown:
    """Run an experiment as it is stated, then with a hypothesis violated, and show both.

    Raises:
        UserError: There is no experiment of that name.
        CheckFailedError: It does not hold, or its sabotage does not turn the verdict.
    """
    return both_verdicts(find(name))


def both_verdicts(one: Experiment) -> Shown:
    """Show an experiment as it is stated, and with a hypothesis violated.

    Raises:
        CheckFailedError: It does not hold, or its sabotage does not turn the verdict.
    """
    stated = one.run()
    broken = one.run(**one.sabotage.arguments)
    if broken.holds or not stated.holds:
        raise CheckFailedError(
            f"{one.name} {_verdict(stated)} as stated, and {_verdict(broken)} where "
            f"{one.sabotage.why}."
        )
    headings = "As stated: holds", f"Sabotage, {one.sabotage.why}: fails"
    return Shown(
        f"{one.title} ({one.sources[0].place}; {one.name})",
        one.sources,
        (("Put to the test", one.statement),),
        tuple(zip(headings, (stated.checks, broken.checks), strict=True)),
        tuple(zip(("as stated", "with the sabotage"), (stated.chart, broken.chart), strict=True)),
    )


def erratum(paper: str, line: int) -> Shown:
    """Show what a paper says at a line, where it errs or may seem to, and what is right.

    Args:
        paper: A key of `PAPERS`, such as `murari`.
        line: Of the paper's text file, from 1.

    Raises:
        UserError: No erratum is known there.
        CheckFailedError: A value is not what the erratum says it is.
    """
    return shown_erratum(_erratum_at(paper, line))


def shown_erratum(one: Erratum) -> Shown:
    """Show an erratum with its values.

    Raises:
        CheckFailedError: A value is not what the erratum says it is.
    """
    if not all(check.holds for check in one.checks):
        raise CheckFailedError(f"What is said of {one.source.place} does not compute.")
    paragraphs = [("It says", one.said), ("But", one.counterexample), ("Right", one.corrected)]
    if one.reference:
        paragraphs.append(("See", one.reference))
    return Shown(
        one.title,
        (one.source,),
        tuple(paragraphs),
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
        f"<tr><td style='text-align:left'>{typeset(name)}</td><td>{escape(figures)}</td>"
        f"<td style='font-weight:{weight}'>{holds}</td></tr>"
    )


def _figure(heading: str, chart: Chart) -> str:
    """Return a chart as an image, whose style sheet cannot reach the page around it."""
    data = b64encode(standalone(chart).encode()).decode()
    return (
        "<figure style='display:inline-block;width:min(48%,26rem);margin:0.5em 1%;"
        f"vertical-align:top'><img alt='{escape(chart.title)}' style='width:100%' "
        f"src='data:image/svg+xml;base64,{data}'>"
        f"<figcaption>{typeset(chart.title)}, {heading}</figcaption></figure>"
    )
