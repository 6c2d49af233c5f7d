"""Paths that a user gives: `~` is the home folder, and Unicode's form of a name is that on disk.

The same visible name can be stored in two forms: ü is one character, or u with two dots behind it.
A keyboard types the one, and macOS, an unpacked zip or a network drive may have kept the other.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from dlmath.errors import DataError
from dlmath.names import composed, told_apart


def given_path(path: str | Path) -> Path:
    """Return a path as it is on disk; where there is none like it, as it was given.

    Where the home folder is not known, as that of `~nobody-here`, the path stays as it is:
    whoever reads it then says that it is not there.

    Raises:
        DataError: Several files have this name, in other forms than the given one.
    """
    given = Path(os.path.expanduser(path))  # noqa: PTH111  that of pathlib raises a RuntimeError
    if str(given).isascii() or os.path.lexists(given):  # ASCII has one form only
        return given
    start = Path(given.anchor)
    return respelt(start, given.relative_to(start).parts, _composed_alike) or given


def respelt(
    start: Path, parts: Sequence[str], alike: Callable[[Path, str], Sequence[str]]
) -> Path | None:
    """Return the path below `start` of names that may be spelt otherwise; None if there is none.

    Args:
        start: A folder.
        parts: Names, one below the other. A name that is there as written is taken.
        alike: Returns the names in a folder that are spellings of a name.

    Raises:
        DataError: Several names are spellings of a part, and none is the part as written.
    """
    found = start
    for part in parts:
        if part == ".." or os.path.lexists(found / part):
            found /= part
            continue
        same = alike(found, part)
        if not same:
            return None
        if len(same) > 1:
            raise DataError(
                f"{'/'.join(parts)} may be any of {', '.join(told_apart(same))} in {found}. Spell "
                "it as there, or rename one of them."
            )
        found /= same[0]
    return found


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where it cannot be read."""
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except (OSError, ValueError):
        return []


def _composed_alike(folder: Path, name: str) -> list[str]:
    return [one for one in names_in(folder) if composed(one) == composed(name)]
