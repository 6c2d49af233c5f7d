"""Data described by a CSV: file,class[,patient][,split], paths relative to the CSV's folder."""

import csv
from collections import Counter
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlmath.data.class_folders import PARTS, PHANTOM_MARKER, ImageFile, SourceContents, is_image
from dlmath.data.listing import listed
from dlmath.errors import DataError, did_you_mean

_NEEDED = ("file", "class")


def read_table(path: Path) -> SourceContents:
    """Read the images that a CSV describes.

    Columns may stand in any order and others between them; a blank `patient` or `split` is none.

    Raises:
        DataError: The CSV lacks a column or a value, repeats a file, names a part that does not
            exist, or a file that is missing or no image by its name.
        OSError: The file cannot be read.
    """
    found = [_found(path, line, row) for line, row in _rows(path)]
    files = Counter(item.file for item in found)
    _check_none(path, "names more than once:", [file for file, times in files.items() if times > 1])
    _check_none(
        path, "names files that are not there:", [f.file for f in found if not f.path.is_file()]
    )
    _check_none(
        path,
        "names files that neither end in .jpeg, .jpg or .png nor are DICOM:",
        [f.file for f in found if not is_image(f.path)],
    )
    return SourceContents(found, phantom=(path.parent / PHANTOM_MARKER).is_file())


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows with their line numbers, keyed by the lower-case names of the columns."""
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restval="")
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            missing = [name for name in _NEEDED if name not in columns]
            if missing:
                raise DataError(
                    f"{path} needs a header line with the columns file,class and, if known, "
                    f"patient,split; it lacks {listed(missing)}. Received: {','.join(columns)!r}"
                )
            reader.fieldnames = columns
            return [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV in UTF-8: {error}.") from error


def _found(table: Path, line: int, row: dict[str, str]) -> ImageFile:
    values = {name: row.get(name, "").strip() for name in (*_NEEDED, "patient", "split")}
    for name in _NEEDED:
        if not values[name]:
            raise DataError(f"{table}, line {line}: the column {name!r} is blank. Fill it in.")
    part = values["split"].casefold()
    if part and part not in PARTS:
        raise DataError(
            f"{table}, line {line}: `split` must be train, validation or test, or blank."
            f"{did_you_mean(part, PARTS)} Received: split={values['split']!r}"
        )
    written = values["file"].replace("\\", "/")
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).is_absolute():
        raise DataError(
            f"{table}, line {line}: `file` must be relative to the CSV's folder, so that the "
            f"data can move. Received: file={values['file']!r}"
        )
    file = PurePosixPath(written).as_posix()
    path = table.parent / file
    return ImageFile(file, path, values["class"], part or None, values["patient"] or None)


def _check_none(table: Path, fault: str, files: list[str]) -> None:
    """Raise an error that names the files with a fault, if there are any."""
    if files:
        raise DataError(f"{table} {fault} {listed(files)}. Correct the column `file`.")
