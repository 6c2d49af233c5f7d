"""`dlmath train --folds K`: trains, and shows the metrics of the folds on stderr."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.cli.output import ERR, Output
from dlmath.cli.startup import load_tensorflow
from dlmath.fold_runs import FoldRuns
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from dlmath.recipe import Recipe


def train_folds(
    task: "str | Recipe",
    data: Sequence[str] | None,
    folds: int,
    out: Path | None,
    settings: dict[str, Any],
) -> str:
    """Cross-validate, print a table on stderr, and return the folder of the runs."""
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import cross_validate

    with reporter() as report:
        done = cross_validate(
            task,
            data,
            folds,
            out=out,
            reporter=report,
            command=["dlmath", *sys.argv[1:]],
            **settings,
        )
    together = FoldRuns(done.folder)
    show_folds(together, ERR)
    ERR.next_step(command("dlmath", "evaluate", together.folder), report=together.report_path)
    return str(done.folder)


def show_folds(folds: FoldRuns, output: Output) -> None:
    """Print what the folds of a cross-validation are worth together."""
    from dlmath.cli.evaluation_tables import confusion_table
    from dlmath.cli.tables import Column, Table
    from dlmath.evaluation.folds_report import folds_line, folds_rows
    from dlmath.evaluation.headlines import headline

    document = folds.metrics()
    pooled = document["pooled"]
    output.line(headline(pooled))
    output.line(f"{folds.name}: {folds_line(document)}")
    table = Table(
        "metric",
        Column("all folds (95 % interval)", whole=True),
        "each fold, lowest to highest",
        lined=True,
    )
    for row in folds_rows(document):
        table.add(*row)
    output.show(table)
    output.show(confusion_table(pooled["classes"], pooled["confusion"], output.width))
    for warning in pooled["warnings"]:
        output.warning(warning)
