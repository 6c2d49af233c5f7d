"""`dlmath evaluate`."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dlmath.cli.startup import load_tensorflow
from dlmath.runs import Run

if TYPE_CHECKING:
    from dlmath.evaluation import Evaluation


def evaluate(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run's folder or name; by default the newest finished one.",
            metavar="[RUN]",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Other images than the run's: a folder, a zip, a CSV or tfds:NAME. May be "
            "repeated. Without parts on disk all of them are taken.",
            metavar="PATH",
        ),
    ] = None,
    split: Annotated[
        Literal["test", "validation", "all"], typer.Option(help="Which part of the images.")
    ] = "test",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Measure a run, each metric with its 95 % interval.

    Example: dlmath evaluate runs/pneumonia-20260101T120000Z --json
    """
    found = Run.find(run)
    load_tensorflow()
    import dlmath
    from dlmath.cli.progress import reporter

    with reporter() as report:
        evaluation = dlmath.evaluate(found, data or None, split, reporter=report)
    if as_json:
        typer.echo(json.dumps(evaluation.as_json(), indent=2, ensure_ascii=False))
    else:
        _show(found, evaluation)


def _show(run: Run, evaluation: "Evaluation") -> None:
    """Print the figures for people to read."""
    from rich.console import Console

    console = Console(highlight=False)
    # soft_wrap: a line that goes to a file is not cut to the width of no terminal.
    console.print(_headline(run, evaluation), markup=False, soft_wrap=True)
    console.print(_metrics_table(evaluation))
    console.print(_confusion_table(evaluation))
    for warning in evaluation.warnings:
        console.print(f"Warning: {warning}", markup=False, soft_wrap=True)


def _headline(run: Run, evaluation: "Evaluation") -> str:
    images = "1 image" if evaluation.n == 1 else f"{evaluation.n:,} images"
    patients = ""
    if evaluation.patients is not None:
        noun = "patient" if evaluation.patients == 1 else "patients"
        patients = f" of {evaluation.patients:,} {noun}"
    lines = [f"{run.name}: {evaluation.task}, {evaluation.split}, {images}{patients}"]
    if evaluation.threshold is None:
        lines.append("The most probable class is decided; metrics are means over the classes.")
    else:
        lines.append(
            f"Positive is {evaluation.positive_class}, decided at a probability of at least "
            f"{evaluation.threshold.value:.4f} (chosen on {evaluation.threshold.chosen_on})."
        )
    return "\n".join(lines)


def _metrics_table(evaluation: "Evaluation") -> object:
    from rich.table import Table

    table = Table("metric")
    table.add_column("value", justify="right")
    table.add_column("95 % interval")
    for name, figure in evaluation.metrics.items():
        value = "undefined" if figure.value is None else f"{figure.value:.3f}"
        interval = "-"
        if figure.low is not None and figure.high is not None:
            interval = f"{figure.low:.3f} to {figure.high:.3f}"
        table.add_row(name, value, interval)
    return table


def _confusion_table(evaluation: "Evaluation") -> object:
    from rich.table import Table
    from rich.text import Text

    # Text, so that brackets in the name of a class are not taken for markup.
    table = Table("truth \\ decision")
    for name in evaluation.classes:
        table.add_column(Text(name), justify="right")
    for name, counts in zip(evaluation.classes, evaluation.confusion, strict=True):
        table.add_row(Text(name), *(f"{count:,}" for count in counts))
    return table
