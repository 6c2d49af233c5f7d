"""`dlmath data download`."""

from pathlib import Path
from typing import Annotated

import typer

from dlmath.cli.options import TaskArgument
from dlmath.cli.output import ERR, OUT
from dlmath.errors import UserError
from dlmath.terminal_text import command


def download(
    task: TaskArgument,
    archive: Annotated[
        Path | None,
        typer.Option(
            help="The official archive, already at hand: check and place it.", metavar="FILE"
        ),
    ] = None,
    mirror: Annotated[
        str | None, typer.Option(help="Another address of the official archive.", metavar="URL")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A folder, absent or empty; by default one where training finds the images.",
            metavar="DIR",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds without a byte after which to try again.")
    ] = 30.0,
    retries: Annotated[
        int, typer.Option(min=0, help="In a row, after which to give up; pauses double.")
    ] = 5,
) -> None:
    """Get the official archive of a task, and check it.

    Interrupted, the same command goes on where it stopped. The licence and what to cite are
    printed and kept next to the images.

    Example: dlmath data download malaria
    """
    if archive is not None and mirror is not None:
        raise UserError("Take either --archive FILE or --mirror URL. Received: both")
    # Imported here: what fetches takes longer to load than all of `dlmath --help`.
    from dlmath.cli.progress import reporter
    from dlmath.data.downloads import download as get
    from dlmath.data.locate import data_at_hand
    from dlmath.data.transfer import Patience

    patience = Patience(timeout=timeout, retries=retries)
    with reporter() as report:
        folder = get(
            task, out=out, mirror=mirror, archive=archive, patience=patience, reporter=report
        )
    at_hand = data_at_hand(task)
    is_found = at_hand is not None and at_hand.resolve() == folder.resolve()
    OUT.line(str(folder))
    where = [] if is_found else ["--data", folder]
    ERR.next_step(command("dlmath", "train", task, *where))
