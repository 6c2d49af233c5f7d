"""`dlmath serve`."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlmath.chatter import without_chatter
from dlmath.cli.completion import run_names
from dlmath.cli.output import ERR, OUT
from dlmath.errors import UserError
from dlmath.given_paths import given_path
from dlmath.inference.runtimes import kind_of_export
from dlmath.runs import Run

if TYPE_CHECKING:
    from dlmath.serving.limits import Limits

_EXTRA = ("fastapi", "multipart", "prometheus_client", "uvicorn")  # as they are imported


def serve(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A finished run, or an export of one; by default the newest finished run.",
            metavar="[RUN]",
            autocompletion=run_names,
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="Where to listen. Beyond this machine a token is asked for: DLMATH_TOKEN, or one "
            "that is printed."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any that is free.", min=0, max=65535)] = 7860,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            help="Another host name under which the server is reached, such as that of a proxy.",
            show_default=False,
        ),
    ] = None,
    api_only: Annotated[
        bool, typer.Option("--api-only", help="Serve the HTTP API without the page.")
    ] = False,
    max_batch: Annotated[
        int, typer.Option(help="Images that are computed together at most.", min=1, max=256)
    ] = 8,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a SavedModel, which is a program: know its maker.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Write one line for each request on stderr.")
    ] = False,
) -> None:
    """Serve a classifier, until Ctrl-C: a page and an HTTP API.

    Prints the address on stdout once requests are answered. Nothing that is sent is kept.

    Example: dlmath serve runs/malaria-20260101T120000Z --port 8000
    """
    _require(_EXTRA if api_only else (*_EXTRA, "gradio"))
    found = _find(model)  # before a port is taken
    from dlmath.serving.limits import Limits
    from dlmath.serving.server import Address, Callbacks, serve

    limits = Limits(batch=max_batch)
    serve(
        lambda: _open(found, limits, trust),
        Address(host, port, tuple(names or ())),
        Callbacks(OUT.line, ERR.line, ERR.line if verbose else None),
        limits=limits,
        with_page=not api_only,
        debug=os.environ.get("DLMATH_DEBUG") == "1",
    )


def _require(packages: Sequence[str]) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"The server needs packages that are not installed: {', '.join(missing)}. Install "
            "them with: pip install 'dlmath[serve]'"
        )


def _find(model: str | None) -> Run | Path:
    if model is not None and kind_of_export(given_path(model)) is not None:
        return given_path(model)
    run = Run.find(model)
    _ = run.recipe  # a damaged run is refused at once
    return run


def _open(model: Run | Path, limits: "Limits", trust: bool) -> Any:
    from dlmath.serving.service import Service

    return Service.open(model, limits=limits, trust=trust, quietly=without_chatter)
