"""`dlmath check`: prove the gradients of the from-scratch layers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.options import Json
from dlmath.cli.output import OUT, Output
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import UserError, VerificationError

if TYPE_CHECKING:
    from dlmath.gradcheck import Report

PIPE_WIDTH = 180
HEADINGS = {
    "tape": "tape",
    "keras": "Keras",
    "differences": "differences",
    "taylor": "Taylor slope",
    "adjoint": "adjoint",
    "second_order": "second order",
    "extremes": "extremes",
}


def check(
    layers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LAYER]...",
            help="Layers by name, such as Conv2D, or your own as module:MyLayer. "
            "Without one, every layer.",
        ),
    ] = None,
    derive: Annotated[
        str | None,
        typer.Option(
            metavar="LAYER",
            help="Derive the backward pass of a layer from its forward pass, step by step, and "
            "prove it equal to the code; `all` for a table, module:MyLayer for your own.",
        ),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print derivations as LaTeX.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="With --derive all, write the page to this file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the gradients written by hand, by six oracles.

    Each number is a relative error in float64; the slope of the Taylor remainder must be 2. Exits
    with 1 if any gradient fails.

    Example: dlmath check --derive Dense
    """
    if derive is not None:
        from dlmath.cli.derivations import check_derivations

        _check_options_fit(layers, latex=latex, as_json=as_json)
        check_derivations(derive, latex=latex, as_json=as_json, out=out)
        return
    if latex or out is not None:
        raise UserError(
            f"{'--latex' if latex else '--out'} is for derivations. Received: no --derive. "
            "Add --derive LAYER, or --derive all."
        )
    load_tensorflow()
    import tensorflow as tf

    from dlmath import gradcheck
    from dlmath.cli.progress import reporter

    tf.get_logger().setLevel("ERROR")  # it advises on the speed of code that runs once
    with reporter() as listener:
        report = gradcheck.check(*(layers or ()), reporter=listener)
    if as_json:
        OUT.document(report.as_json())
    else:
        _print(report)
    if not report.passed:
        raise VerificationError(_summary(report))


def _check_options_fit(layers: list[str] | None, *, latex: bool, as_json: bool) -> None:
    if layers:
        raise UserError(
            f"--derive takes the layer itself. Received: {' '.join(layers)} as well. "
            "Leave it out, or leave --derive out to check its gradients."
        )
    if latex and as_json:
        raise UserError("Choose one of --latex and --json. Received: both.")


def _print(report: "Report") -> None:
    from rich.text import Text

    from dlmath.cli.tables import Column, Table
    from dlmath.gradcheck import ORACLES

    numbers = [Column(HEADINGS[oracle], whole=True) for oracle in ORACLES]
    table = Table("layer", "gradient", *numbers, "verdict", lined=True)
    for *cells, verdict in report.cells():
        table.add(*cells, Text(verdict, "bold red" if verdict == "failed" else ""))
    out = Output(pipe_width=PIPE_WIDTH)
    out.show(table)
    good = sum(not row.failed for row in report.rows)
    verdict = f"{good} of {len(report.rows)} gradients right, in {report.seconds:.0f} s."
    out.styled(verdict, highlight=True)


def _summary(report: "Report") -> str:
    wrong = sum(bool(row.failed) for row in report.rows)
    return (
        f"{wrong} of {len(report.rows)} gradients {'is' if wrong == 1 else 'are'} wrong: "
        f"{'; '.join(report.failures())}. "
        "Compare the backward pass with the derivation in its docstring; "
        "dlmath.gradcheck.check() gives the errors in Python."
    )
