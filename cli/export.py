"""`dlmath export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from dlmath.cli.startup import load_tensorflow
from dlmath.runs import Run


def export(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run's folder or name; by default the newest finished one.",
            metavar="[RUN]",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        Literal["saved_model", "keras"],
        typer.Option(
            help="saved_model takes encoded images or pixels and needs TensorFlow alone; keras "
            "is one file for Keras."
        ),
    ] = "saved_model",
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder to put it in, by default the run's exports/.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export a run in a format that is proven first.

    The export is loaded in a fresh process and compared with the model on images of the run. Its
    path is the only line on stdout.

    Example: dlmath export runs/malaria-20260101T120000Z --format saved_model
    """
    found = Run.find(run)
    load_tensorflow()
    import dlmath
    from dlmath.cli.progress import reporter

    with reporter() as report:
        path = dlmath.export(found, format, out, reporter=report)
    typer.echo(str(path))
