"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from dlmath.cli.completion import run_names

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
FinishedRun = Annotated[
    str | None,
    typer.Argument(
        help="A finished run's folder or name; by default the newest finished one.",
        metavar="[RUN]",
        autocompletion=run_names,
        show_default=False,
    ),
]
