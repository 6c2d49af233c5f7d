"""A table of images and patients by part and class."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from dlmath.data.summary import Share


def parts_table(what: str, classes: tuple[str, ...], shares: Mapping[str, "Share"]) -> "Table":
    """Return the table of a cut by patient; the title says so where no patient is known."""
    known = any(share.patients for share in shares.values())
    title = f"{what} by patient" if known else f"{what} by image, as no patient is known"
    return counts_table(title, classes, shares)


def counts_table(title: str, classes: tuple[str, ...], shares: Mapping[str, "Share"]) -> "Table":
    """Return a row for each part, with its images by class and its patients."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=None)
    table.add_column("part")
    for name in (*classes, "images", "patients"):
        table.add_column(escape(name), justify="right")
    for name, share in shares.items():
        counts = [*share.images.values(), sum(share.images.values())]
        patients = "" if share.patients is None else f"{share.patients:,}"
        table.add_row(name, *(f"{count:,}" for count in counts), patients)
    return table
