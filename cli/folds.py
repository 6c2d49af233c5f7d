"""`dlmath train --folds K`: trains, and shows the metrics of the folds on stderr."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.cli.output import ERR
from dlmath.cli.startup import load_tensorflow

if TYPE_CHECKING:
    from dlmath.recipe import Recipe
    from dlmath.training import CrossValidation


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
    _print(done)
    return str(done.folder)


def _print(done: "CrossValidation") -> None:
    from dlmath.cli.tables import Table
    from dlmath.evaluation.composition import composition_of
    from dlmath.evaluation.metric_table import label_of

    patients = f" of {done.pooled.patients:,} patients" if done.pooled.patients else ""
    images = f"{done.pooled.n:,} images ({composition_of(done.pooled.as_json())})"
    table = Table(
        "metric",
        "all folds (95 % interval)",
        "each fold, lowest to highest",
        title=f"{images}{patients}, each tested once",
        lined=True,
    )
    for name, metric in done.pooled.metrics.items():
        values = [fold["metrics"][name]["value"] for fold in done.metrics]
        known = sorted(value for value in values if value is not None)
        table.add(label_of(name), str(metric), ", ".join(f"{value:.3f}" for value in known))
    ERR.show(table)
    for warning in done.pooled.warnings:
        ERR.warning(warning)
