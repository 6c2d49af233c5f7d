"""`dlmath bench`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.bench import BENCHMARKS, refuse_unknown
from dlmath.cli.options import Json
from dlmath.cli.startup import load_tensorflow

if TYPE_CHECKING:
    from rich.table import Table

    from dlmath.bench.timing import Comparison


def bench(
    name: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(BENCHMARKS)}; all of them unless given."),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="How often each way is measured, in turns.")
    ] = 5,
    as_json: Json = False,
) -> None:
    """Measure the speed here, as ratios to a baseline.

    Example: dlmath bench extraction
    """
    if name is not None:
        refuse_unknown(name)
    load_tensorflow()
    from rich.console import Console

    from dlmath import bench as benchmarks

    document = {}
    for one in [name] if name else BENCHMARKS:
        typer.echo(f"{one}: {BENCHMARKS.get(one, '')} …", err=True)
        comparisons = benchmarks.run(one, rounds)
        document[one] = [comparison.as_json() for comparison in comparisons]
        if not as_json:
            for comparison in comparisons:
                Console().print(_table(comparison))
    if as_json:
        typer.echo(json.dumps(document, indent=2))


def _table(comparison: "Comparison") -> "Table":
    from rich.table import Table

    table = Table(title=comparison.title, title_justify="left", box=None)
    table.add_column("way")
    for heading in (f"{comparison.unit}/s", "median s", "times baseline"):
        table.add_column(heading, justify="right")
    table.add_column("note")
    for name in comparison.seconds:
        median = comparison.median(name)
        table.add_row(
            name + (" (baseline)" if name == comparison.baseline else ""),
            f"{comparison.amount / median:,.2f}",
            f"{median:.3f}",
            f"{comparison.ratio(name):.2f}",
            comparison.notes.get(name, ""),
        )
    return table
