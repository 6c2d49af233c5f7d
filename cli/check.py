"""`dlmath check`: prove the gradients of the from-scratch layers."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.options import Json
from dlmath.cli.output import OUT, Output
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import VerificationError

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
    as_json: Json = False,
) -> None:
    """Check the gradients written by hand, by six oracles.

    Each number is a relative error in float64; the slope of the Taylor remainder must be 2. Exits
    with 1 if any gradient fails.
    """
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
