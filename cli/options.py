"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from dlmath.cli.completion import run_names, task_names
from dlmath.models.recipes import TASKS

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
TaskArgument = Annotated[
    str,
    typer.Argument(
        help=f"Whose images: {', '.join(TASKS)}.", metavar="TASK", autocompletion=task_names
    ),
]
FinishedRun = Annotated[
    str | None,
    typer.Argument(
        help="A finished run's folder or name; by default the newest finished one.",
        metavar="[RUN]",
        autocompletion=run_names,
        show_default=False,
    ),
]
