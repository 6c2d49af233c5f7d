"""The tables of `dlmath evaluate`, of any number of classes and for any width."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from dlmath.cli.output import OUT
from dlmath.cli.tables import Column, Table
from dlmath.evaluation.composition import counts_text
from dlmath.evaluation.headlines import worse_lines, worse_parts
from dlmath.evaluation.metric_table import METRICS, label_of
from dlmath.number_text import estimate_cells

_CONFUSED = 3  # wrong classes that are named in the row of a class


def metrics_table(metrics: Mapping[str, Mapping[str, Any]], heading: str = "metric") -> Table:
    """Return a row for each metric, with its interval."""
    interval = Column("95 % interval", whole=True)
    table = Table(heading, Column("value", number=True), interval, lined=True)
    for name, metric in metrics.items():
        table.add(label_of(name) if name in METRICS else name, *estimate_cells(**metric))
    return table


def region_table(region: Mapping[str, Any]) -> Table:
    """Return the AUCs that say whether the model looks at the region."""
    from dlmath.evaluation.report_reliance import REGION_PARTS

    width, height = region["region"]
    named = {said: region[name] for name, said in REGION_PARTS.items()}
    return metrics_table(named, f"AUC, region {width:g} by {height:g}")


def show_slices(document: Mapping[str, Any]) -> None:
    """Print a table for each property, parts that are worse marked."""
    worse = worse_parts(document)
    for name, property_ in document["slices"].items():
        OUT.line()
        marked = {gap.group for gap in worse if gap.name == name}
        OUT.show(slices_table(name, property_["groups"], document["positive_class"], marked))
    for line in worse_lines(document):
        OUT.line(line)


def slices_table(
    name: str, groups: Mapping[str, Any], positive_class: str | None, marked: set[str]
) -> Table:
    """Return a row for each group: what it is of, and the rate of right decisions there."""
    value, interval = Column("value", number=True), Column("95 % interval", whole=True)
    table = Table(name, "images", Column("rate", whole=True), value, interval)
    for group, figures in groups.items():
        images = counts_text(figures["by_class"], positive_class)
        rate = figures["rate"]
        named = Text(f"! {group}", "bold red") if group in marked else group
        table.add(named, images, label_of(rate), *estimate_cells(**figures["metrics"][rate]))
    return table


def confusion_table(
    classes: Sequence[str], confusion: Sequence[Sequence[int]], width: int
) -> Table:
    """Return the confusion matrix, or a row for each class where the matrix has no room.

    Args:
        classes: K names.
        confusion: (K, K) counts; rows are truth, columns decisions.
        width: Of the terminal, in columns.
    """
    numbers = [Column(name, number=True) for name in classes]
    matrix = Table("truth \\ decision", *numbers, lined=True)
    for name, counts in zip(classes, confusion, strict=True):
        matrix.add(name, *(f"{count:,}" for count in counts))
    return matrix if matrix.fits(width) else _confused(classes, confusion)


def _confused(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> Table:
    """Return for each class how many are found, and what the others are mostly taken for."""
    counted = (Column("images", number=True), Column("found", number=True))
    table = Table("truth", *counted, Column("mostly taken for", optional=True))
    for place, (name, counts) in enumerate(zip(classes, confusion, strict=True)):
        wrong = [(count, other) for other, count in enumerate(counts) if other != place and count]
        wrong.sort(key=lambda one: (-one[0], one[1]))
        named = [f"{classes[other]} {count:,}" for count, other in wrong[:_CONFUSED]]
        more = len(wrong) - _CONFUSED
        said = ", ".join(named) + (f" and {more:,} more" if more > 0 else "")
        table.add(name, f"{sum(counts):,}", f"{counts[place]:,}", said)
    return table
