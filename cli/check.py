"""`dlmath check`: prove the gradients of the from-scratch layers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.options import Json
from dlmath.cli.output import OUT, Output
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import CheckFailedError, UserError

if TYPE_CHECKING:
    from dlmath.gradcheck import Report

PIPE_WIDTH = 200
HEADINGS = {
    "tape": "tape",
    "differences": "differences",
    "taylor": "Taylor slope",
    "adjoint": "adjoint",
    "reference": "reference",
    "second_order": "second order",
    "extremes": "extremes",
    "float32": "float32",
    "calls": "calls",
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
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:NAME",
            help="What your own layer must agree with: a layer with the same variables, such as "
            "keras.layers:Softmax, or a function of its tensors by name.",
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
    """Check the gradients that are written by hand.

    By three independent kinds of evidence: whether each is the adjoint of this forward pass, read
    four ways (tape, differences, Taylor slope, adjoint); whether it agrees with a reference,
    Keras's layer or your own; and what it does in second order, at extremes and inputs of all
    sizes, in float32, and in calls with an unknown batch size, twice in one model, in training and
    at inference.

    Each number is a relative error in float64; the slope of the Taylor remainder must be 2, and the
    error in float32, over what rounding explains, at most 1. Exits with 4 if any gradient fails.

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
        report = gradcheck.check(*(layers or ()), reference=reference, reporter=listener)
    if as_json:
        OUT.document(report.as_json())
    else:
        _print(report)
    if not report.passed:
        raise CheckFailedError(_summary(report))


def _check_options_fit(layers: list[str] | None, *, latex: bool, as_json: bool) -> None:
    if layers:
        raise UserError(
            f"--derive takes the layer itself. Received: {' '.join(layers)} as well. "
            "Leave it out, or leave --derive out to check its gradients."
        )
    if latex and as_json:
        raise UserError("Choose one of --latex and --json. Received: both.")


def _print(report: "Report") -> None:
    from rich.markup import escape
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
    for note in report.notes:
        out.styled(f"[yellow]{escape(note)}[/yellow]")


def _summary(report: "Report") -> str:
    wrong = sum(bool(row.failed) for row in report.rows)
    return (
        f"{wrong} of {len(report.rows)} gradients {'is' if wrong == 1 else 'are'} wrong: "
        f"{'; '.join(report.failures())}. "
        "Compare the backward pass with the derivation in its docstring; "
        "dlmath.gradcheck.check() gives the errors in Python."
    )
