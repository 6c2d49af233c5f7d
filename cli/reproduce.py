"""`dlmath reproduce`."""

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dlmath.cli.options import FinishedRun, Json
from dlmath.cli.output import OUT
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import CheckFailedError
from dlmath.runs import Run

if TYPE_CHECKING:
    from dlmath.training.reproduction import Comparison, Reproduction


def reproduce(
    run: FinishedRun = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Where the data lies now, if it was moved.", metavar="PATH"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The new run's folder, next to the old one unless given.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu", "tpu"],
        typer.Option(help="What is asked for and not there is an error."),
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Train a run again from its record, and compare bit by bit.

    Exits with 4 if anything came out otherwise. The test part stays closed. Interrupted, the same
    command goes on.

    Example: dlmath reproduce runs/malaria-20260101T120000Z
    """
    found = Run.find(run)
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import reproduce as train_again

    with reporter() as report:
        result = train_again(
            found,
            data,
            out=out,
            device=device,
            reporter=report,
            command=["dlmath", *sys.argv[1:]],
        )
    if as_json:
        OUT.document(result.as_json())
    else:
        _show(result)
    if not result.is_same:
        raise typer.Exit(CheckFailedError.exit_code)


def _show(result: "Reproduction") -> None:
    from dlmath.cli.tables import Table

    table = Table("result", "recorded", "now", lined=True)
    for comparison in result.results:
        table.add(comparison.name, *_shown(comparison))
    OUT.show(table)
    for line in _verdict(result):
        OUT.line(line)


def _verdict(result: "Reproduction") -> list[str]:
    if result.is_same:
        return [
            f"{result.original.name} is reproduced, bit by bit, in {result.run.folder}. What was "
            "measured of the one holds for the other: the test part stayed closed."
        ]
    lines = [
        f"{result.original.name} is not reproduced: {result.run.folder} came out otherwise (the "
        f"largest difference of a weight is {result.largest_difference:.3g})."
    ]
    changed = [condition for condition in result.conditions if not condition.same]
    for condition in changed:
        recorded, now = _shown(condition)
        lines.append(f"Changed since then, {condition.name}: {recorded}; now {now}.")
    if not changed:
        lines.append(
            "Versions, hardware and threads are those of then. Look for what the result "
            "depends on besides them: dlmath doctor"
        )
    return lines


def _shown(comparison: "Comparison") -> tuple[str, str]:
    """Return what is printed of both; of dictionaries that differ, the entries that do."""
    recorded, found = comparison.recorded, comparison.found
    if comparison.same:
        return _text(recorded), "the same"
    if isinstance(recorded, dict) and isinstance(found, dict):
        names = [n for n in {**recorded, **found} if recorded.get(n) != found.get(n)]
        recorded, found = ({n: side.get(n) for n in names} for side in (recorded, found))
    return _text(recorded, digits=17), _text(found, digits=17)


def _text(value: Any, digits: int = 4) -> str:
    """Return numbers to `digits` digits: all 17 where two of them differ."""
    if value is None:
        return "-"
    if isinstance(value, dict):
        from dlmath.evaluation.metric_table import label_of

        return ", ".join(f"{label_of(name)} {_text(one, digits)}" for name, one in value.items())
    if isinstance(value, list):
        digest = hashlib.sha256(json.dumps(value).encode()).hexdigest()
        return f"{len(value)} rows of sha256 {digest[:12]}"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    text = str(value)
    is_hash = len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
    return text[:12] if is_hash else text
