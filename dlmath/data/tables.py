"""Data described by a CSV: file,class[,patient][,split], paths relative to the CSV's folder."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlmath.data import dicom
from dlmath.data.class_folders import PARTS, PHANTOM_MARKER, ImageFile, SourceContents, is_image
from dlmath.data.image_formats import ENDINGS
from dlmath.data.listing import counted, listed
from dlmath.data.path_spelling import PathSpelling
from dlmath.data.strict_csv import CsvTable, Row, read_csv
from dlmath.errors import DataError, did_you_mean
from dlmath.names import folded, is_missing
from dlmath.recipe.table_columns import COLUMNS, NO_VALUE, ColumnNames
from dlmath.terminal_text import quoted

_LOOKED_AT = 5  # rows, to tell which column holds files


def read_table(
    path: Path, columns: ColumnNames | None = None, *, need_classes: bool = True
) -> SourceContents:
    """Read the images that a CSV describes.

    Columns may stand in any order and others between them. A `patient` or `split` that is missing
    is none: blank, or written as NaN, NA, None or null unless `columns` says otherwise.

    Args:
        path: Of the CSV.
        columns: Their names, where they are others than file, class, patient and split.
        need_classes: Whether there must be a class for each file; if not, a missing one is blank.

    Raises:
        DataError: The CSV cannot be read in one way only, lacks a column or a value, repeats a
            file, names a part that does not exist, or a file that is missing or no image.
    """
    table = read_csv(path)
    needed = ("file", "class") if need_classes else ("file",)
    columns = columns or ColumnNames()
    names = _names_in(table, columns, needed)
    _check_complete(table, names, columns, needed)
    spelling = PathSpelling(path.parent)
    found = [_found(table, row, names, columns, spelling) for row in table.rows]
    files = Counter(item.path for item in found)
    _check_none(path, "names more than once:", [f.file for f in found if files[f.path] > 1])
    _check_none(
        path, "names files that are not there:", [f.file for f in found if not f.path.is_file()]
    )
    _check_none(
        path,
        f"names files that are no image of a format that is read ({', '.join(ENDINGS)}):",
        [f.file for f in found if not is_image(f.path)],
    )
    phantom = (path.parent / PHANTOM_MARKER).is_file()
    return SourceContents(found, phantom=phantom, warnings=list(_respelt(path, spelling.respelt)))


def _names_in(table: CsvTable, columns: ColumnNames, needed: Sequence[str]) -> dict[str, str]:
    """Return the folded name of each column that is there, by what it is.

    Raises:
        DataError: One that was named, or that is needed, is not there.
    """
    given = columns.names
    if columns.likely:
        given = {
            what: name
            for what, name in given.items()
            if what != "class" or what in needed or table.has(name)
        }
        given = given if all(map(table.has, given.values())) else {}
    for what, name in given.items():
        if not table.has(name):
            raise DataError(
                f"{table.path} has no column {name!r}, which --columns names for {what}."
                f"{did_you_mean(name, table.columns)} Received: {_header(table)}"
            )
    names = {what: given.get(what, what) for what in COLUMNS}
    missing = [what for what in needed if not table.has(names[what])]
    if missing:
        raise DataError(
            f"{table.path} needs a header line with the columns {','.join(needed)} and, if known, "
            f"{','.join(what for what in COLUMNS if what not in needed)}; it lacks "
            f"{listed(missing)}. Received: {_header(table)}"
            f"{_advice(table, missing, given)}"
        )
    return {what: folded(name) for what, name in names.items() if table.has(name)}


def _header(table: CsvTable) -> str:
    return repr(",".join(table.columns))


def _advice(table: CsvTable, missing: Sequence[str], given: Mapping[str, str]) -> str:
    """Return how to say which column is which, as it is typed."""
    free = [name for name in table.columns if name and folded(name) not in map(folded, COLUMNS)]
    if len(free) < len(missing):
        return ""
    said = dict(given)
    for what in missing:
        known = next((name for name in free if what == "file" and _holds_files(table, name)), None)
        said[what] = known or (free[0] if len(free) == 1 else "NAME")
        free = [name for name in free if name != said[what]]
    pairs = ",".join(f"{what}={name}" for what, name in said.items())
    return f". If they have other names, say which is which: --columns {quoted(pairs)}"


def _holds_files(table: CsvTable, column: str) -> bool:
    names = (row.values[folded(column)] for row in table.rows[:_LOOKED_AT])
    spelling = PathSpelling(table.path.parent)
    return any(spelling.find(name.replace("\\", "/")).is_file() for name in names if name)


def _check_complete(
    table: CsvTable, names: dict[str, str], columns: ColumnNames, needed: Sequence[str]
) -> None:
    """Refuse rows without a file or without a class: a missing value is no class."""
    for what in needed:
        rows = [row for row in table.rows if columns.is_missing(row.values[names[what]])]
        if rows:
            texts = {row.values[names[what]] for row in rows} - {""}
            raise DataError(
                f"{table.path}, line {listed([str(row.line) for row in rows])}: the column "
                f"{names[what]!r} has no value in {counted(len(rows), 'row')}. Fill it in or "
                f"delete the row. {_said_of_missing(columns, texts)}"
                f"Received: {rows[0].values[names[what]]!r}"
            )


def _said_of_missing(columns: ColumnNames, texts: Collection[str]) -> str:
    """Return what stands for no value, and how to say otherwise where one of `texts` is a name."""
    if columns.missing is not None:
        stands = listed(["blank", *map(repr, sorted(columns.missing))])
        return f"No value is known where a cell is {stands}. "
    said = "Blank, NaN, NA, None and null mean that none is known. "
    if not texts:
        return said
    only_blank = ",".join([*columns.written, f"{NO_VALUE}="])
    return (
        f"{said}If {listed(sorted(map(repr, texts)))} is a name here, say that only blank cells "
        f"have no value: --columns {quoted(only_blank)}. "
    )


def _found(
    table: CsvTable,
    row: Row,
    names: dict[str, str],
    columns: ColumnNames,
    spelling: PathSpelling,
) -> ImageFile:
    values = {
        what: "" if columns.is_missing(row.values[name]) else row.values[name]
        for what, name in names.items()
    }
    part = values.get("split", "")
    part = "" if is_missing(part) else part.casefold()
    if part and part not in PARTS:
        raise DataError(
            f"{table.path}, line {row.line}: `split` must be train, validation or test, or blank."
            f"{did_you_mean(part, PARTS)} Received: split={values['split']!r}"
        )
    written = values["file"].replace("\\", "/")
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).is_absolute():
        raise DataError(
            f"{table.path}, line {row.line}: `file` must be relative to the CSV's folder, so that "
            f"the data can move. Received: file={values['file']!r}"
        )
    file = PurePosixPath(written).as_posix()
    patient = values.get("patient", "")
    # Whatever `columns` says: no patient is called NA, and all of them would count as one.
    is_known = not (is_missing(patient) or dicom.is_removed(patient))
    return ImageFile(
        file,
        spelling.find(file),
        values.get("class", ""),
        part or None,
        patient if is_known else None,
    )


def _respelt(table: Path, files: Sequence[str]) -> Iterator[str]:
    if files:
        yield (
            f"{table} spells {counted(len(files), 'file')} in another case or Unicode form than on "
            f"disk, where they were found all the same: {listed(files)}."
        )


def _check_none(table: Path, fault: str, files: Sequence[str]) -> None:
    """Raise an error that names the files with a fault, if there are any."""
    if files:
        names = listed(list(dict.fromkeys(files)))
        raise DataError(f"{table} {fault} {names}. Correct the column `file`.")
