"""Ways of dividing images into groups, on each of which a classifier can be measured."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dlmath.data.strict_csv import CsvTable, read_csv
from dlmath.errors import DataError
from dlmath.evaluation.calibration import equal_mass_bins
from dlmath.names import composed, folded
from dlmath.recipe.table_columns import ColumnNames

# Kinds of pneumonia in the file names of Kermany's chest X-rays: person1_bacteria_2.jpeg.
KINDS = re.compile(r"(?:^|[_-])(bacteria|virus)(?=[_.-]|$)", re.IGNORECASE)

# A number with a decimal comma, and dots between its thousands: 1.234,5.
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?")

PARTS = 3  # of a number, such as brightness
MOST_GROUPS = 20  # of a column of texts
UNKNOWN = "(none)"


@dataclass(frozen=True, eq=False)
class Groups:
    """Images divided by one property.

    Attributes:
        name: Of the property.
        rows: For each group the indices of its images, growing.
        against: For a group of one class the indices of images of the other class that its AUC
            ranks its own images against; groups may share them. A group that has no such images is
            left out.
        note: What a reader should know of how the property was read; blank if nothing.
    """

    name: str
    rows: Mapping[str, np.ndarray]
    against: Mapping[str, np.ndarray] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Attributes:
        name: As it was asked for.
        texts: What it says of each of N files; "" where that is not known.
        decimal_comma: Whether 1,5 can be a number: fields are separated by semicolons or tabs, as
            European spreadsheets write them.
    """

    name: str
    texts: list[str]
    decimal_comma: bool = False


def by_kind(files: Sequence[str], positive: np.ndarray) -> Groups | None:
    """Divide by the kind that a file's name tells; None where no name tells one.

    A kind divides one class only, so its images have no AUC of their own: they are ranked against
    all images of the other class, which the kinds share. No other metric counts those images.

    Args:
        files: N names.
        positive: (N,) bool.
    """
    found = [KINDS.search(file.rsplit("/", 1)[-1]) for file in files]
    kinds = np.array([match.group(1).lower() if match else "" for match in found])
    has_kind = kinds != ""
    if not has_kind.any():
        return None
    rows, against = {}, {}
    for kind in np.unique(kinds[has_kind]).tolist():
        rows[kind] = np.flatnonzero(kinds == kind)
        others = np.flatnonzero(~has_kind & ~np.isin(positive, positive[rows[kind]]))
        if len(others):
            against[kind] = others
    return Groups("kind", rows, against)


def by_number(name: str, values: np.ndarray, unit: str = "", parts: int = PARTS) -> Groups | None:
    """Divide by a number into groups of equal size, such as the darkest third of the images.

    Equal numbers share a group. None where all numbers are equal; images whose number is not known
    (NaN) are a group of their own.

    Args:
        name: Of the number.
        values: (N,).
        unit: Written behind it.
        parts: How many groups, at least 2.
    """
    known = ~np.isnan(values)
    distinct = np.unique(values[known])
    if len(distinct) < 2:
        return None
    part = np.full(len(values), -1)
    part[known] = equal_mass_bins(values[known], parts).argmax(axis=1)
    numbers = np.unique(part[known])
    spans = _spans([values[part == number] for number in numbers])
    rows = {
        f"{span} {unit}".strip(): np.flatnonzero(part == number)
        for span, number in zip(spans, numbers, strict=True)
    }
    return _disjoint(name, rows, np.flatnonzero(~known))


def by_column(column: TableColumn) -> Groups | None:
    """Divide by what a column says; numbers with many values into thirds. None if all are equal.

    Args:
        column: Of N texts.

    Raises:
        DataError: More than 20 different texts, which are names rather than groups.
    """
    name, texts = column.name, np.array([text.strip() for text in column.texts])
    distinct = np.unique(texts[texts != ""])
    if len(distinct) > MOST_GROUPS:
        numbers, note = _as_numbers(texts), ""
        if numbers is None and column.decimal_comma:
            numbers, note = _with_decimal_commas(name, texts)
        if numbers is None:
            raise DataError(
                f"The column {name!r} has {len(distinct):,} different texts, such as "
                f"{str(distinct[0])!r}; metrics are given for at most {MOST_GROUPS} groups. "
                "Put the images into fewer groups in that column."
            )
        groups = by_number(name, numbers)
        return replace(groups, note=note) if groups else None
    if len(distinct) < 2:
        return None
    rows = {str(text): np.flatnonzero(texts == text) for text in distinct}
    return _disjoint(name, rows, np.flatnonzero(texts == ""))


def read_column(
    table: Path, column: str, files: Sequence[str], columns: ColumnNames | None = None
) -> TableColumn:
    """Return what a CSV's column says of each file, "" where the file is not in it.

    Args:
        table: A CSV with a header line and a column `file`, or that of `columns`.
        column: Matched without case, as the names of files are.
        files: N names as in the column `file`; a prefix such as `<archive>!/` may be missing there.
        columns: What the run's own CSV calls the column `file`, and what has no value there.

    Raises:
        DataError: The CSV cannot be read, has no such column, or knows none of the files.
    """
    read, columns = read_csv(table), columns or ColumnNames()
    key = columns.names.get("file", "file")
    key = key if read.has(key) else "file"
    for name in (key, column):
        read.require(name)
    found = _values_by_file(read, key, column)
    times = Counter(map(folded, found))  # of several spellings none is the one that is meant
    respelt = {folded(name): value for name, value in found.items() if times[folded(name)] == 1}
    values = [_value_of(file, found, respelt) for file in files]
    if all(value is None for value in values):
        raise DataError(
            f"{table} knows none of the {len(files):,} images. Its column `{key}` must name them "
            f"as split.csv does, such as {files[0]!r}. Received: {next(iter(found), 'no row')!r}"
        )
    texts = ["" if value is None or columns.is_missing(value) else value for value in values]
    return TableColumn(column, texts, decimal_comma=read.delimiter != ",")


def _values_by_file(table: CsvTable, key: str, column: str) -> dict[str, str]:
    """Return what the column says of each file.

    Raises:
        DataError: The table says different things of one file.
    """
    found: dict[str, str] = {}
    for row in table.rows:
        name = composed(row.values[folded(key)].replace("\\", "/"))
        value = row.values[folded(column)]
        if found.setdefault(name, value) != value:
            raise DataError(
                f"{table.path}, line {row.line}: {name} is there before with another {column}, "
                f"{found[name]!r}. Received: {value!r}. Leave one row a file."
            )
    return found


def _value_of(file: str, found: Mapping[str, str], respelt: Mapping[str, str]) -> str | None:
    names = (file, file.rpartition("!/")[2])
    values = [found.get(composed(name)) for name in names]
    values += [respelt.get(folded(name)) for name in names]
    return next((value for value in values if value is not None), None)


def _spans(groups: Sequence[np.ndarray]) -> list[str]:
    """Return from where to where each group of numbers goes.

    Whole numbers, such as the date 20240131, are written whole; others in four digits, or as many
    as tell the groups apart.
    """
    ends = [(float(one.min()), float(one.max())) for one in groups]
    if all(end.is_integer() for pair in ends for end in pair):
        return [_span(f"{low:.0f}", f"{high:.0f}") for low, high in ends]
    spans: list[str] = []
    for digits in range(4, 18):
        spans = [_span(f"{low:.{digits}g}", f"{high:.{digits}g}") for low, high in ends]
        if len(set(spans)) == len(groups):
            break
    return spans


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _disjoint(name: str, rows: dict[str, np.ndarray], unknown: np.ndarray) -> Groups:
    if len(unknown):
        rows = {**rows, UNKNOWN: unknown}
    return Groups(name, rows)


def _as_numbers(texts: np.ndarray) -> np.ndarray | None:
    """Return the texts as numbers, NaN for a blank one, or None if one is no number."""
    try:
        return np.where(texts == "", "nan", texts).astype(float)
    except ValueError:
        return None


def _with_decimal_commas(name: str, texts: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Return texts such as 1,5 as numbers, and a note that says so; None if one is no number."""
    if not all(_DECIMAL_COMMA.fullmatch(text) for text in texts if text):
        return None, ""
    numbers = _as_numbers(np.char.replace(np.char.replace(texts, ".", ""), ",", "."))
    shown = next(text for text in texts.tolist() if "," in text)
    plain = shown.replace(".", "").replace(",", ".")
    return numbers, f"The column {name!r} is read with decimal commas: {shown} is {plain}."
