"""`dlmath explain`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.predict import split_run
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from dlmath.explain import WhyPatients


def explain(
    arguments: Annotated[
        list[str],
        typer.Argument(
            help="PNG and JPEG files. One that is a run is RUN; by default the newest finished.",
            metavar="[RUN] IMAGE...",
            show_default=False,
        ),
    ],
    by_patients: Annotated[
        bool,
        typer.Option(
            "--why-patients",
            help="Name the training patients on which each prediction leans, and what it would "
            "be without them. Needs a head that was solved exactly (train --tune head).",
        ),
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="How many patients to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say why the model answers as it does.

    Example: dlmath explain runs/pneumonia-20260101T120000Z film.jpeg --why-patients
    """
    if not by_patients:
        raise UserError("Say what to explain. There is: --why-patients")
    run, images = split_run(arguments)
    load_tensorflow()
    from rich.console import Console

    from dlmath.cli.progress import reporter
    from dlmath.explain import why_patients

    with reporter() as report:
        answers = why_patients(run, images, top, reporter=report)
    if as_json:
        typer.echo(json.dumps([a.as_json() for a in answers], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for answer in answers:
        console.print(_table(answer))


def _table(answer: "WhyPatients") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    title = (
        f"{answer.file}: {answer.about} {answer.probability:.3f} "
        f"[{answer.low:.3f}, {answer.high:.3f}]"
    )
    table = Table(title=escape(title), title_justify="left", box=None)
    table.add_column("without patient")
    table.add_column("its training images")
    table.add_column("probability", justify="right")
    table.add_column("log-odds", justify="right")
    for one in answer.patients:
        images = ", ".join(f"{count} {name}" for name, count in one.images.items())
        table.add_row(
            escape(one.patient), escape(images), f"{one.without:.3f}", f"{one.change:+.3f}"
        )
    return table
