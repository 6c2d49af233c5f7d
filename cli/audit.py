"""`dlmath data audit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath import models
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.cli.recipe_options import (
    ColumnsOption,
    PatientsOption,
    named_columns,
    patient_rules,
    reading_options,
)
from dlmath.cli.startup import load_tensorflow
from dlmath.cli.targets import check_task_spelling
from dlmath.errors import DataError
from dlmath.runs import Run
from dlmath.terminal_text import command, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.audit import Audit, Finding
    from dlmath.data.sources import Source
    from dlmath.recipe import Recipe
    from dlmath.recipe.table_columns import ColumnNames

_COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}
_GROUPS_SHOWN = 3
_FILES_SHOWN = 2  # of a group


def audit(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK|PATH",
            help="A task, for the data at hand, or a folder, zip, CSV or tfds:NAME; with --run, "
            "that run's data unless given.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Also rank the labels that a run's features contradict.", metavar="RUN"),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(help="Second readings of the labels: file,review.", metavar="CSV"),
    ] = None,
    patients: PatientsOption = None,
    columns: ColumnsOption = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with thumbnails.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a data set, before training.

    Damaged files, traps of folders, leaks between parts and patients, shortcuts that give the
    class away without the picture or without its middle, disputed labels, shift. Exits with 2 if
    it finds an error.

    Example: dlmath data audit ./my_images --html audit.html
    """
    from dlmath.audit import audit_data, write_page
    from dlmath.cli.progress import reporter
    from dlmath.data.patient_reading import rules_for

    found_run = Run.find(run) if run else None
    sources, recipe = _subject(target, found_run)
    rules: Sequence[str] | None = patient_rules(patients)
    likely: Sequence[str] = ()
    if found_run and target is not None:  # not the run's own images
        rules, likely = rules_for(found_run, rules)
    elif rules is None and recipe:
        rules = recipe.patient_rules
    with reporter() as report:
        audited = audit_data(
            sources,
            classes=recipe.classes if recipe else (),
            patient_rules=rules,
            likely_rules=likely,
            columns=_columns(recipe, found_run, target, named_columns(columns)),
            review=review,
            region=recipe.region if recipe else None,
            reporter=report,
        )
    if found_run:
        audited = audited.with_findings(_likely_label_errors(found_run))
    if html:
        write_page(audited, html)
        ERR.line(f"The page: {html}")
    if as_json:
        OUT.document(audited.as_json())
    else:
        _print(audited)
    if audited.counts["error"]:
        raise typer.Exit(2)
    if target is not None and not as_json:
        again = reading_options(patients, columns)
        ERR.next_step(command("dlmath", "train", target, *again))


def _columns(
    recipe: "Recipe | None", run: Run | None, target: str | None, given: tuple[str, ...] | None
) -> "ColumnNames":
    """Return how a CSV names its columns: as the user says, or as the run's own does."""
    from dlmath.data.run_data import columns_for
    from dlmath.recipe.table_columns import column_names

    if run and target is None and given is not None:
        raise DataError(
            "The columns of a run's own CSV are those of its recipe. Leave --columns out, or name "
            f"another CSV. Received: columns={list(given)}"
        )
    if run:
        return columns_for(run, given)
    return column_names(given or (recipe.columns if recipe else ()))


def _subject(target: str | None, run: Run | None) -> "tuple[Sequence[Source], Recipe | None]":
    """Return what to read, and the recipe that describes it if one is known."""
    from dlmath.data.locate import find_data

    if run:
        return ([target] if target else run.sources), run.recipe
    if target is None:
        raise DataError(
            "What shall be audited? Name a task, a folder, a zip or a CSV: "
            "dlmath data audit ./my_images; or a run: dlmath data audit --run RUN"
        )
    if recipe := models.RECIPES.get(target):
        return find_data(target), recipe
    check_task_spelling(target)
    return [target], None


def _likely_label_errors(run: Run) -> "list[Finding]":
    load_tensorflow()
    from dlmath.attribution import label_error_findings
    from dlmath.cli.progress import reporter

    with reporter() as report:
        return label_error_findings(run, reporter=report)


def _print(audited: "Audit") -> None:
    from rich.markup import escape
    from rich.padding import Padding
    from rich.text import Text

    drawn = " (drawn, not real)" if audited.phantom else ""
    patients = "" if audited.patients is None else f" of {audited.patients:,} patients"
    OUT.line(
        f"{', '.join(audited.sources)}{drawn}: {len(audited.examples):,} images{patients}",
    )
    for finding in audited.findings:
        colour = _COLOURS[finding.severity]
        OUT.styled(f"[{colour}]{finding.severity}[/] [bold]{escape(finding.kind)}[/]")
        OUT.show(Padding(Text(visible(finding.message)), (0, 0, 0, 2)))
        for line in _some_files(finding):
            # Not wrapped: a name is to be copied.
            OUT.line(f"    {line}")
        if finding.advice and finding.severity != "note":
            OUT.show(Padding(Text(visible(finding.advice), "italic"), (0, 0, 0, 2)))
    OUT.line(audited.summary)


def _some_files(finding: "Finding") -> list[str]:
    """The first groups of files, a line each."""
    lines = [_shortened(group) for group in finding.groups[:_GROUPS_SHOWN]]
    if len(finding.groups) > _GROUPS_SHOWN:
        lines.append(f"and {len(finding.groups) - _GROUPS_SHOWN:,} more: --json or --html")
    return lines


def _shortened(group: "Sequence[str]") -> str:
    more = f" and {len(group) - _FILES_SHOWN:,} more" if len(group) > _FILES_SHOWN else ""
    return ", ".join(group[:_FILES_SHOWN]) + more
