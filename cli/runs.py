"""`dlmath runs`: what has been trained here."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.completion import run_names
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.errors import RunError
from dlmath.fold_runs import FoldRuns
from dlmath.number_text import SENTENCE, estimate_cells, estimate_text, value_text
from dlmath.runs import RUNS, Run, finished_runs, read_json
from dlmath.terminal_text import quoted

if TYPE_CHECKING:
    from dlmath.evaluation import Comparison

app = typer.Typer(no_args_is_help=True, help="List, show and compare runs.")


@app.command("list")
def list_runs() -> None:
    """List the finished runs under runs/, the oldest first."""
    from dlmath.cli.tables import Column, Table

    folds = [one for one in FoldRuns.all() if one.is_finished]
    runs = sorted(finished_runs(), key=lambda run: run.manifest["finished"])
    if not runs and not folds:
        ERR.line(
            f"No finished run under {RUNS}/. Make one with: dlmath train pneumonia --data phantom"
        )
        return
    table = Table(
        Column("run", whole=True),  # it is what is copied from here
        Column("task", optional=True),
        Column("finished (UTC)", whole=True),
        Column("val AUC", number=True),
        Column("test AUC (95 %)", whole=True),
        Column("backbone", optional=True),
    )
    for run in runs:
        table.add(*_row(run, run.name))
    for one in folds:
        table.add(*_row_of_folds(one))
        for run in one.runs:
            table.add(*_row(run, f"{one.name}/{run.name}"))
    OUT.show(table)
    ERR.next_step("dlmath runs show RUN")


def _row(run: Run, name: str) -> tuple[str, ...]:
    manifest = run.manifest
    finished = manifest.get("finished", "")[:16].replace("T", " ")
    value = manifest.get("best", {}).get("val_auc")
    auc = "" if value is None else value_text(value)
    return name, manifest["task"], finished, auc, _test_auc(run), run.recipe.backbone


def _row_of_folds(folds: FoldRuns) -> tuple[str, ...]:
    document, first = folds.metrics(), folds.runs[0]
    finished = max(run.manifest.get("finished", "") for run in folds.runs)
    auc = estimate_text(**document["pooled"]["metrics"]["auc"])
    return (
        folds.name,
        document["pooled"]["task"],
        finished[:16].replace("T", " "),
        f"{len(folds.runs)} folds",
        auc,
        first.recipe.backbone,
    )


@app.command()
def show(
    run: Annotated[
        str | None, typer.Argument(help="A run's folder or name.", autocompletion=run_names)
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Print its recipe.toml and manifest.json instead.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print recipe and manifest as one JSON document.")
    ] = False,
) -> None:
    """Show what a run is and what it is worth.

    Example: dlmath runs show runs/pneumonia-20260101T120000Z
    """
    from dlmath.cli.run_summary import show_run

    found = Run.find(run)
    recipe, manifest = found.recipe, found.manifest  # what is damaged is named, not shown
    if as_json:
        OUT.document({"recipe": recipe.as_dict(), "manifest": manifest})
    elif files:
        OUT.line(found.recipe_path.read_text(encoding="utf-8"))
        OUT.line(found.manifest_path.read_text(encoding="utf-8").rstrip())
    else:
        show_run(found)


@app.command()
def prune(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runs by folder or name; by default all finished ones.", autocompletion=run_names
        ),
    ] = None,
) -> None:
    """Remove the checkpoints of finished runs.

    A training does so itself at its end now. A run that is not finished keeps its own: it is
    resumed from them.
    """
    from dlmath.training.checkpoint_store import CheckpointStore

    folds = [run for one in FoldRuns.all() for run in one.runs if run.is_finished]
    chosen = [Run.find(one) for one in runs] if runs else [*finished_runs(), *folds]
    for run in chosen:
        if not run.is_finished:
            raise RunError(
                f"{run.folder} is not finished, and is resumed from its checkpoints. Finish it "
                f"first: dlmath train --resume {quoted(run.folder)}"
            )
        if freed := CheckpointStore(run.checkpoints).clear():
            OUT.line(f"{run.folder}: {freed / 2**20:,.0f} MiB")


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
    return estimate_text(**read_json(run.metrics_path)["metrics"]["auc"])
