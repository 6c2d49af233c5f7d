"""A table of images and patients by part and class: a row for each class where there are many."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlmath.cli.tables import Table
    from dlmath.data.summary import Share, Summary

MANY = 4  # classes, more than which are rows


def cut_title(what: str, summary: "Summary") -> str:
    """Return `what` with what it was cut by: patients, or images where patients are not known."""
    return f"{what} by {'image' if summary.patients['count'] is None else 'patient'}"


def counts_table(title: str, classes: tuple[str, ...], shares: Mapping[str, "Share"]) -> "Table":
    """Return the images by class and the patients of each part that has any.

    Parts are rows; with more than `MANY` classes, the classes are.
    """
    from dlmath.cli.tables import Column, Table

    held = {name: share for name, share in shares.items() if any(share.images.values())}
    rows = {name: _counts(share, classes) for name, share in held.items()}
    are_known = any(share.patients is not None for share in held.values())
    counted = (*classes, "images", *(("patients",) if are_known else ()))
    if len(classes) <= MANY:
        table = Table("part", *(Column(name, number=True) for name in counted), title=title)
        for name, counts in rows.items():
            table.add(name, *counts[: len(counted)])
        return table
    table = Table("class", *(Column(name, number=True) for name in rows), title=title)
    for place, name in enumerate(counted):
        table.add(name, *(counts[place] for counts in rows.values()))
    return table


def _counts(share: "Share", classes: tuple[str, ...]) -> list[str]:
    """Return the images of each class, of all, and the patients, where they are known."""
    images = [share.images.get(name, 0) for name in classes]
    patients = "" if share.patients is None else f"{share.patients:,}"
    return [*(f"{count:,}" for count in (*images, sum(images))), patients]
