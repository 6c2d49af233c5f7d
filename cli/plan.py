"""The plan of `dlmath train --dry-run`, for people and as JSON."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from dlmath.cli.counts import counts_table, cut_title
from dlmath.cli.startup import load_tensorflow

if TYPE_CHECKING:
    from dlmath.training import Plan


def show_plan(
    task: str, data: Sequence[str] | None, settings: dict[str, Any], *, as_json: bool
) -> None:
    """Measure shortly, and print what a training would do and how long that would take."""
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import plan

    with reporter() as report:
        made = plan(task, data, reporter=report, **settings)
    if as_json:
        typer.echo(json.dumps(made.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(made)


def _print(made: "Plan") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    recipe, summary = made.recipe, made.summary
    console.print(
        f"{recipe.name}: {recipe.backbone} at {recipe.image_size} pixels, tune={recipe.tune}",
        markup=False,
    )
    if summary.split:
        console.print(counts_table(cut_title("Split", summary), summary.classes, summary.split))
    table = Table("stage", box=None, title="Estimated from a short measurement")
    table.title_justify = "left"
    table.add_column("amount", justify="right")
    table.add_column("time", justify="right")
    for stage in made.stages:
        unit = stage.unit if stage.amount == 1 or stage.unit.endswith("s") else f"{stage.unit}s"
        table.add_row(stage.name, f"{stage.amount:,} {unit}", _time(stage.seconds))
    table.add_row("in all, once TensorFlow is loaded", "", _time(made.seconds))
    console.print(table)
    for name, size in made.memory.items():
        console.print(f"Memory, {name.replace('_', ' ')}: {size / 2**30:.2f} GiB")
    for warning in summary.warnings:
        console.print(f"Warning: {warning}", markup=False, soft_wrap=True)
    console.print("Nothing was trained. The same command without --dry-run does it.")


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
