"""`dlmath runs`: what has been trained here."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.completion import run_names
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.number_text import SENTENCE, SQUARE, estimate_cells, estimate_text, value_text
from dlmath.runs import RUNS, Run, finished_runs

if TYPE_CHECKING:
    from dlmath.evaluation import Comparison

app = typer.Typer(no_args_is_help=True, help="List, show and compare runs.")


@app.command("list")
def list_runs() -> None:
    """List the finished runs under runs/, the oldest first."""
    from rich.table import Table

    runs = sorted(finished_runs(), key=lambda run: run.manifest["finished"])
    if not runs:
        ERR.line(
            f"No finished run under {RUNS}/. Make one with: dlmath train pneumonia --data phantom"
        )
        return
    table = Table(box=None)
    table.add_column("run", no_wrap=True)  # whole in any terminal: it is what is copied from here
    for heading in ("task", "backbone", "finished (UTC)", "val AUC", "test AUC [95 %]"):
        table.add_column(heading, overflow="fold")
    for run in runs:
        manifest = run.manifest
        table.add_row(
            run.name,
            manifest["task"],
            run.recipe.backbone,
            manifest["finished"][:19].replace("T", " "),
            f"{manifest['best']['val_auc']:.3f}",
            _test_auc(run),
        )
    OUT.show(table)


@app.command()
def show(
    run: Annotated[
        str | None, typer.Argument(help="A run's folder or name.", autocompletion=run_names)
    ] = None,
) -> None:
    """Show what made a run: its recipe and its manifest."""
    found = Run.find(run)
    _ = found.recipe, found.manifest  # what is damaged is named, not shown as if it were whole
    OUT.line(found.recipe_path.read_text(encoding="utf-8"))
    OUT.line(found.manifest_path.read_text(encoding="utf-8").rstrip())


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A run's folder or name.", autocompletion=run_names)],
    second: Annotated[
        str,
        typer.Argument(
            help="Another, evaluated on the same test images.", autocompletion=run_names
        ),
    ],
    as_json: Json = False,
) -> None:
    """Hold two runs against each other on their test images.

    Example: dlmath runs compare runs/pneumonia-a runs/pneumonia-b
    """
    from dlmath.evaluation import compare_runs

    comparison = compare_runs(first, second)
    if as_json:
        OUT.document(comparison.as_json())
    else:
        _show_comparison(comparison)


def _show_comparison(comparison: "Comparison") -> None:
    from dlmath.cli.tables import Column, Table
    from dlmath.evaluation.composition import counts_text
    from dlmath.evaluation.metric_table import label_of

    patients = "" if comparison.patients is None else f" of {comparison.patients:,} patients"
    images = counts_text(comparison.by_class, comparison.positive_class)
    OUT.line(f"{comparison.n:,} test images ({images}){patients}")
    # Letters for the names, two of which leave a terminal of 80 columns no room for metrics.
    numbers = [Column(heading, number=True) for heading in ("A", "B", "A - B")]
    table = Table("metric", *numbers, Column("95 % interval", whole=True), lined=True)
    for letter, name in zip("AB", comparison.runs, strict=True):
        OUT.line(f"{letter} is {name}")
    for name, row in comparison.metrics.items():
        values = value_text(row.first), value_text(row.second)
        difference = estimate_cells(**asdict(row.difference), form="+.3f", missing="-")
        table.add(label_of(name), *values, *difference)
    OUT.show(table)
    for line in _tests(comparison):
        OUT.line(line)
    for warning in comparison.warnings:
        OUT.warning(warning)


def _tests(comparison: "Comparison") -> list[str]:
    lines = []
    unit = "image" if comparison.patients is None else "patient"
    if comparison.delong is not None:
        found = comparison.delong
        area = estimate_text(found.value, found.low, found.high, form="+.3f", style=SENTENCE)
        lines.append(f"AUC, A - B, paired DeLong test by {unit}: {area}, p = {found.p:.3g}")
    counts = comparison.mcnemar
    lines.append(
        f"Accuracy, exact McNemar test: only {comparison.runs[0]} is right on "
        f"{counts.only_first:,}, only {comparison.runs[1]} on {counts.only_second:,}; by {unit} "
        f"p = {counts.p_by_patient:.3g}"
        + (f" (were all images independent, {counts.p:.3g})" if unit == "patient" else "")
    )
    return lines


def _test_auc(run: Run) -> str:
    if not run.metrics_path.is_file():
        return "not evaluated"
    from dlmath.runs import read_json

    return estimate_text(**read_json(run.metrics_path)["metrics"]["auc"], style=SQUARE)
