"""`dlmath doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.completion import run_names
from dlmath.cli.options import Json
from dlmath.cli.output import OUT
from dlmath.cli.startup import load_tensorflow
from dlmath.data.listing import counted
from dlmath.errors import CheckFailedError
from dlmath.runs import Run

if TYPE_CHECKING:
    from dlmath.doctor import Examination

_MARKS = {"ok": "ok", "warning": "WARNING", "fault": "FAULT", "not applicable": "-"}


def doctor(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run's folder or name; without one, only the machine is examined.",
            metavar="[RUN]",
            autocompletion=run_names,
            show_default=False,
        ),
    ] = None,
    distributed: Annotated[
        bool,
        typer.Option(
            "--distributed", help="Also train on two virtual devices; takes some ten seconds."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find out what is wrong with this machine or with a run.

    Above all what fails silently. Each line says what was looked at, the verdict, and what to do.
    Exits with 4 on a fault.

    Example: dlmath doctor runs/malaria-20260101T120000Z
    """
    found = None if run is None else Run.find(run)
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.doctor import examine

    with reporter() as report:
        examination = examine(found, distributed=distributed, reporter=report)
    if as_json:
        OUT.document(examination.as_json())
    else:
        _show(examination)
    if examination.faults:
        names = ", ".join(line.check for line in examination.faults)
        number = counted(len(examination.faults), "check")
        raise CheckFailedError(f"{number} found a fault: {names}.")


def _show(examination: "Examination") -> None:
    """Print a line for each check, and what to do below those that need it."""
    width = max(len(line.check) for line in examination.lines)
    group = ""
    for line in examination.lines:
        if line.group != group:
            group = line.group
            OUT.line(group)
        mark = _MARKS[line.verdict.word]
        OUT.line(f"  {mark:7}  {line.check:{width}}  {line.verdict.found}")
        if line.verdict.advice:
            OUT.line(f"  {'':7}  {'':{width}}  -> {line.verdict.advice}")
    if examination.run is None:
        OUT.line("Name a run to examine it too: dlmath doctor RUN")
