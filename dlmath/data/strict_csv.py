"""The one reader of CSV files: it refuses what it would have to guess, and names the line.

Commas, semicolons and tabs, with or without a byte order mark, in UTF-8 or, as Excel's "Unicode
text", in UTF-16. A line in which a quotation mark does not close, or that has more fields than the
header, is read by other programs as something that no one wrote.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlmath.data.listing import listed
from dlmath.errors import DataError, did_you_mean
from dlmath.given_paths import given_path
from dlmath.names import folded

_DELIMITERS = (",", ";", "\t")
_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_SAVE = "Save it as UTF-8: in Excel as `CSV UTF-8`."
_SEPARATOR_LINE = re.compile(r"\Asep=([,;\t])\r?\n")  # by which Excel is told the delimiter


class CsvFault(ValueError):
    """A CSV file that cannot be read in one way only; the message begins with the line."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        line: The line that it begins on, from 1.
        values: Its fields without blanks around them, by the folded name of the column. A field
            that the row lacks at its end is blank.
    """

    line: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table that was read.

    Attributes:
        path: Of the file.
        columns: Their names as written, without blanks around them.
        rows: The rows that are not blank.
        delimiter: What separates the fields: a comma, a semicolon or a tab.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[Row]
    delimiter: str

    def has(self, column: str) -> bool:
        """Return whether there is a column of that name, in any case."""
        return folded(column) in map(folded, self.columns)

    def require(self, column: str) -> None:
        """Refuse a table that lacks a column.

        Raises:
            DataError: Which, and the nearest that is there.
        """
        if not self.has(column):
            raise DataError(
                f"{self.path} has no column {column!r}."
                f"{did_you_mean(folded(column), [folded(name) for name in self.columns])} "
                f"Received: {','.join(self.columns)!r}"
            )


def read_csv(path: Path) -> CsvTable:
    """Read a table that a person or another program wrote, with a header line.

    Raises:
        DataError: The file cannot be read, or not in one way only; names the line.
    """
    try:
        text = _decoded(given_path(path).read_bytes())
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(_not_text(path, error)) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(
            f"{path}, line {line}: a NUL character, as in UTF-16 without a byte order mark. {_SAVE}"
        )
    try:
        return _table(path, text)
    except CsvFault as fault:
        raise DataError(f"{path}, {fault}") from fault


def read_own_csv(path: Path) -> list[dict[str, str]]:
    """Read a file that `dlmath.runs.write_csv` wrote, the rows by column.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not as it was written.
    """
    records = _records(path.read_bytes().decode(), ",")
    _, header = next(records, (1, []))
    rows = []
    for line, fields in records:
        if fields:  # a blank line
            if len(fields) != len(header):
                raise CsvFault(f"line {line}: {len(fields)} fields, and {len(header)} columns")
            rows.append(dict(zip(header, fields, strict=True)))
    return rows


def _decoded(data: bytes) -> str:
    marks = (name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    return data.decode(next(marks, "utf-8"))


def _not_text(path: Path, error: UnicodeDecodeError) -> str:
    line = error.object[: error.start].count(b"\n") + 1
    return f"{path}, line {line}: not a CSV in UTF-8 ({error.reason}). {_SAVE}"


def _table(path: Path, text: str) -> CsvTable:
    named = _SEPARATOR_LINE.match(text)
    delimiter = named[1] if named else _delimiter(text)
    text = "\n" + text[named.end() :] if named else text  # the lines keep their numbers
    records = ((line, fields) for line, fields in _records(text, delimiter) if any(fields))
    first, header = next(records, (1, []))
    columns = tuple(name.strip() for name in header)
    _check_different(first, columns)
    lines = list(io.StringIO(text, newline=""))
    rows = []
    keys = [folded(name) for name in columns]
    for line, fields in records:
        last = line + sum(len(re.findall(r"\r\n?|\n", field)) for field in fields)
        _check_separate(line, lines[line:last], delimiter, len(columns))
        _check_surplus(line, fields, columns, delimiter)
        values = [field.strip() for field in fields[: len(columns)]]
        values += [""] * (len(columns) - len(values))
        if any(values):
            rows.append(Row(line, dict(zip(keys, values, strict=True))))
    return CsvTable(path, columns, rows, delimiter)


def _delimiter(text: str) -> str:
    """Return the delimiter that makes the most columns of the header line."""

    def columns(delimiter: str) -> int:
        try:
            return max(len(fields) for _, fields in _first_filled(text, delimiter))
        except (CsvFault, ValueError):
            return 0

    return max(_DELIMITERS, key=columns)  # of equals the first: the comma


def _first_filled(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    filled = ((line, fields) for line, fields in _records(text, delimiter) if any(fields))
    if (first := next(filled, None)) is not None:
        yield first


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each record, with the line on which it begins.

    Raises:
        CsvFault: A quotation mark does not close, or closes within a field.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CsvFault(
                f"line {line}: a quotation mark opens a text that does not end as one ({error}). "
                'Take the mark out, or write it twice within a text in quotation marks: "5"" wide".'
            ) from error
        yield line, fields


def _check_different(line: int, columns: Sequence[str]) -> None:
    """Refuse two columns of one name, of which either may be meant."""
    times = Counter(folded(name) for name in columns if name)
    if twice := [name for name in dict.fromkeys(columns) if times[folded(name)] > 1]:
        raise CsvFault(
            f"line {line}: several columns have one name: {listed(twice)}. Rename or delete all "
            "but one."
        )


def _check_separate(line: int, further: Sequence[str], delimiter: str, columns: int) -> None:
    """Refuse a record that swallowed others, between two stray quotation marks."""
    if any(one.count(delimiter) >= max(columns - 1, 1) for one in further):
        raise CsvFault(
            f"line {line}: a quotation mark opens a text that goes on to line "
            f"{line + len(further)}, over what look like rows of their own. Take the mark out, or "
            "the line breaks where they belong to the text."
        )


def _check_surplus(line: int, fields: list[str], columns: Sequence[str], delimiter: str) -> None:
    """Refuse a record with more fields than there are columns: each may be the one too many."""
    if len(fields) > len(columns):
        name = {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
        last = fields[-1].strip()
        advice = f"Put a text that holds a {name} in quotation marks."
        if not last:
            advice += f" If none does, take away the {name} at the end of the line."
        raise CsvFault(
            f"line {line}: {len(fields)} fields, where the header names {len(columns)} columns; "
            f"{repr(last) if last else 'a blank one'} is one too many. {advice}"
        )
