"""Find the image files that a user asks about: named ones, those in folders, those of patterns.

Whatever looks like an image is found, readable or not, so that reading it says what is wrong with
it: by its first bytes, or by a name that ends as images do. All else is counted.
"""

import glob
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dlmath.data.class_folders import is_image, is_junk
from dlmath.data.found_files import left_out_line
from dlmath.data.image_formats import has_foreign_name
from dlmath.errors import DataError
from dlmath.given_paths import given_path


class FoundImages(NamedTuple):
    """The image files that were asked for.

    Attributes:
        paths: Each to be answered, or named with what is wrong: also dead links, images of formats
            that are not read, and folders that may not be opened.
        left_out: Numbers of all other files in the folders, by what they are.
    """

    paths: list[Path]
    left_out: Counter[str]


def search_images(files: str | Path | Sequence[str | Path]) -> FoundImages:
    """Return the files themselves and the images in the folders.

    Args:
        files: Image files, folders of them, and patterns such as `scans/*.png`. Folders are
            searched to their depths, linked ones too, and images taken in the order of their names.

    Raises:
        DataError: There are no files, a folder holds no image, or a pattern fits nothing.
    """
    given = [files] if isinstance(files, str | Path) else files
    found = FoundImages([], Counter())
    for one in (path for name in given for path in _fitting(name)):
        if one.is_dir() and os.access(one, os.R_OK | os.X_OK):
            _add_folder(one, found)
        else:
            found.paths.append(one)
    if not found.paths:
        raise DataError("There is no image here. Name an image file or a folder of them.")
    return found


def find_images(files: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the paths of `search_images`."""
    return search_images(files).paths


def _fitting(name: str | Path) -> list[Path]:
    """Return the path itself or, where there is none, the paths that match it as a pattern.

    Shells expand patterns, but not that of Windows, and none in quotes.
    """
    path = given_path(name)
    if os.path.lexists(path) or not glob.has_magic(str(name)):
        return [path]
    forms = {str(name), *(unicodedata.normalize(form, str(name)) for form in ("NFC", "NFD"))}
    found = {one for form in forms for one in glob.glob(form, recursive=True)}  # noqa: PTH207
    if not found:
        raise DataError(f"No file fits the pattern {str(name)!r}. Name an image file or a folder.")
    return sorted(map(Path, found))


def _add_folder(folder: Path, found: FoundImages) -> None:
    left_out: Counter[str] = Counter()
    paths = sorted(_images_in(folder, left_out))
    if not paths:
        seen = left_out_line(left_out)
        raise DataError(
            f"There is no image in {folder}. {f'{seen} ' if seen else ''}Name an image file."
        )
    found.paths.extend(paths)
    found.left_out.update(left_out)


def _images_in(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    """Give all that is to be answered in a folder, however deep, and count the rest."""
    unreadable: list[str] = []
    seen = {os.path.realpath(folder)}
    walk = os.walk(folder, followlinks=True, onerror=lambda e: unreadable.append(e.filename))
    for place, folders, names in walk:
        hidden = [name for name in (*folders, *names) if name.startswith(".") or is_junk(name)]
        if hidden:
            left_out["hidden files and folders"] += len(hidden)
        folders[:] = [
            name for name in folders if name not in hidden and _is_new(Path(place, name), seen)
        ]
        for name in names:
            path = Path(place, name)
            if name in hidden:
                continue
            if is_image(path) or has_foreign_name(name) or not path.exists():
                yield path
            else:
                left_out[f"*{path.suffix}"] += 1
    yield from map(Path, unreadable)


def _is_new(folder: Path, seen: set[str]) -> bool:
    """Return whether a folder is met for the first time; a link may lead round in a circle."""
    place = os.path.realpath(folder)
    is_new = place not in seen
    seen.add(place)
    return is_new
