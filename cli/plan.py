"""The plan of `dlmath train --dry-run`, for people and as JSON."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlmath.cli.counts import counts_table, cut_title
from dlmath.cli.output import OUT
from dlmath.cli.startup import load_tensorflow

if TYPE_CHECKING:
    from dlmath.recipe import Recipe
    from dlmath.training import Plan
    from dlmath.training.time_estimates import StageEstimate

_MIB = 2**20  # bytes


def show_plan(
    task: "str | Recipe | None",
    data: Sequence[str] | None,
    settings: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Measure shortly, and print what a training would do and how long that would take."""
    began = time.perf_counter()
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import plan
    from dlmath.training.time_estimates import StageEstimate

    start = StageEstimate("load TensorFlow", 1, "library", time.perf_counter() - began)
    with reporter() as report:
        made = plan(task, data, reporter=report, **settings).after([start])
    if as_json:
        OUT.document(made.as_json())
    else:
        _print(made)


def _print(made: "Plan") -> None:
    from dlmath.cli.tables import Column, Table
    from dlmath.data.placing import size_text

    recipe, summary = made.recipe, made.summary
    OUT.line(f"{recipe.name}: {recipe.backbone} at {recipe.image_size} pixels, tune={recipe.tune}")
    if summary.split:
        OUT.show(counts_table(cut_title("Split", summary), summary.classes, summary.split))
    numbers = (Column("amount", number=True), Column("time", number=True))
    table = Table("stage", *numbers, title="Estimated from a short measurement")
    for stage in filter(_is_shown, made.stages):
        table.add(stage.name, _amount(stage), _time(stage.seconds))
    table.add("in all", "", _time(made.seconds))
    OUT.show(table)
    kept = [
        f"{one.name} ({_amount(one)}, {_time(one.seconds)})" for one in filter(_is_shown, made.kept)
    ]
    OUT.line("Whatever else this machine has to do meanwhile makes it longer.")
    if kept:
        OUT.line(f"Done by now, and kept in the cache: {', '.join(kept)}")
    for name, size in made.memory.items():
        if size >= _MIB:
            OUT.line(f"Memory, {name.replace('_', ' ')}: {size_text(size)}")
    for warning in summary.warnings:
        OUT.warning(warning)
    OUT.line(
        "Nothing was trained. The same command without --dry-run begins with the checks that were "
        "passed here.",
    )


def _is_shown(stage: "StageEstimate") -> bool:
    """Return whether there is anything to do in a stage."""
    return bool(stage.amount)


def _amount(stage: "StageEstimate") -> str:
    unit = stage.unit if stage.amount == 1 or stage.unit.endswith("s") else f"{stage.unit}s"
    return f"{stage.amount:,} {unit}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
