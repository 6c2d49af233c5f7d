"""Files of decoded pixels too large for memory, kept from one run to the next.

A file `pixels/<key>.u8` in the cache holds the rows one after the other; `<key>.txt` next to it
holds a note about them. The rows are written in order by ordinary writes, not through a mapping:
a full disk is then an error that can be caught, not a bus error that kills the process.
"""

import errno
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlmath.atomic_files import atomic_path
from dlmath.errors import DataError
from dlmath.runs import cache_home, mark_used, write_text

CACHE_LIMIT = 50 * 2**30  # bytes; the files unused for longest are removed to stay below

Put = Callable[[np.ndarray], object]


def fetch(
    key: str, row_shape: tuple[int, ...], row_count: int, fill: Callable[[Put], str]
) -> tuple[np.ndarray, str]:
    """Return the rows stored under `key`, mapped read-only, and their note.

    Args:
        key: A name that says all that decides the content.
        row_shape: Shape of one uint8 row.
        row_count: How many rows there are at most.
        fill: Called when nothing is stored: gives each row to its argument, returns the note.

    Raises:
        DataError: The disk has no room.
    """
    path, note_path = _paths(key)
    if not reserve(key, row_shape, row_count):
        _store(path, note_path, fill)
    if path.stat().st_size == 0:  # which cannot be mapped
        return np.empty((0, *row_shape), np.uint8), note_path.read_text(encoding="utf-8")
    rows = np.memmap(path, np.uint8, mode="r").reshape(-1, *row_shape)
    return rows, note_path.read_text(encoding="utf-8")


def reserve(key: str, row_shape: tuple[int, ...], row_count: int) -> bool:
    """Make room for rows, and return whether they are stored by now.

    Raises:
        DataError: The disk has no room.
    """
    path, note_path = _paths(key)
    if path.is_file() and note_path.is_file():
        mark_used(path)
        return True
    make_room(path.parent, row_count * math.prod(row_shape))
    return False


def _paths(key: str) -> tuple[Path, Path]:
    path = cache_home() / "pixels" / f"{key}.u8"
    return path, path.with_suffix(".txt")


def _store(path: Path, note_path: Path, fill: Callable[[Put], str]) -> None:
    try:
        with atomic_path(path) as temporary:
            with temporary.open("wb") as file:
                note = fill(lambda row: file.write(np.ascontiguousarray(row).data))
            write_text(note_path, note)  # first: the pixels' name says that both are there
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _no_room(path.parent) from error


def make_room(folder: Path, needed: int, limit: int = CACHE_LIMIT) -> None:
    """Remove the files unused for longest until `needed` bytes more stay below `limit`.

    Raises:
        DataError: The disk has less than `needed` bytes free after that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_age = sorted((file for file in folder.iterdir()), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in by_age)
    for file in by_age:
        if total + needed <= limit:
            break
        total -= file.stat().st_size
        file.unlink(missing_ok=True)
    if shutil.disk_usage(folder).free < needed:
        raise _no_room(folder, needed)


def _no_room(folder: Path, needed: int | None = None) -> DataError:
    amount = f" ({needed / 2**30:.1f} GiB are needed)" if needed else ""
    return DataError(
        f"The disk of the cache has no room for the decoded images{amount}. "
        f"Received: {folder}. Free some space, or set DLMATH_HOME to a folder on another disk."
    )
