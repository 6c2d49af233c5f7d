"""`dlmath bench`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.bench import BENCHMARKS, check_known
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.cli.startup import load_tensorflow

if TYPE_CHECKING:
    from dlmath.bench.timing import Comparison
    from dlmath.cli.tables import Table


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
        check_known(name)
    load_tensorflow()
    from dlmath import bench as benchmarks
    from dlmath.cli.progress import reporter

    document = {}
    for one in [name] if name else BENCHMARKS:
        ERR.line(f"{one}: {BENCHMARKS[one]} …")
        with reporter() as report:
            comparisons = benchmarks.run(one, rounds, reporter=report)
        document[one] = [comparison.as_json() for comparison in comparisons]
        if not as_json:
            for comparison in comparisons:
                OUT.show(_table(comparison))
    if as_json:
        OUT.document(document)


def _table(comparison: "Comparison") -> "Table":
    from dlmath.cli.tables import Column, Table

    headings = (f"{comparison.unit}/s", "median s", "times baseline")
    numbers = [Column(heading, number=True) for heading in headings]
    table = Table("way", *numbers, "note", title=comparison.title)
    for name in comparison.seconds:
        median = comparison.median(name)
        table.add(
            name + (" (baseline)" if name == comparison.baseline else ""),
            f"{comparison.amount / median:,.2f}",
            f"{median:.3f}",
            f"{comparison.ratio(name):.2f}",
            comparison.notes.get(name, ""),
        )
    return table
