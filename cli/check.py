"""`dlmath check`: prove the gradients of the from-scratch layers."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.options import Json
from dlmath.cli.output import OUT, Output
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import VerificationError

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
    as_json: Json = False,
) -> None:
    """Check the gradients written by hand, by three independent kinds of evidence.

    Whether each is the adjoint of this forward pass, read four ways (tape, differences, Taylor
    slope, adjoint); whether it agrees with a reference, Keras's layer or your own; and what it does
    in second order, at extremes and inputs of all sizes, in float32, and in calls with an unknown
    batch size, twice in one model, in training and at inference.

    Each number is a relative error in float64; the slope of the Taylor remainder must be 2, and the
    error in float32, over what rounding explains, at most 1. Exits with 1 if any gradient fails.
    """
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
        raise VerificationError(_summary(report))


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
