"""Class folders: their names are the class of an image and the part that it belongs to.

    chest_xray/train/NORMAL/IM-0115-0001.jpeg      {part}/{class}/{image}
    cell_images/Parasitized/C33P1_cell_179.png     {class}/{image}
    mammograms/malignant/0042/left.png             {class}/{patient}/{image}

The outermost folder (`chest_xray`, `cell_images`) may be there or not. Folders inside class folders
are read where no class folder holds an image itself, and taken for the patients; a second copy of
the class folders inside the first (`cell_images/cell_images`) is passed over.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dlmath.data.image_formats import format_of_file, has_foreign_name, has_image_name
from dlmath.data.listing import counted, listed
from dlmath.names import folded

# Names of parts on disk, and the part each one is. `val` joins training: Kermany's holds 16 images,
# too few to choose a model by, so validation is drawn again, by patient.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "train",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
PHANTOM_MARKER = "PHANTOM.json"
PHANTOM_TRUTH = "truth.csv"

_JUNK = ("__macosx", "desktop.ini", "dicomdir", "thumbs.db")
_WRAPPERS = 2  # an archive's own folder, and the one that an unpacking tool puts around it
_DEPTH = 4  # folders below that of a patient, such as a study and its series
_NOT_ENTERED = "linked or deep folders"
_CLASS_NAMES = {"valid"}  # of the parts: with `invalid` and no other part it is a class
DEAD_LINKS = "dead links"
SECOND_COPY = "folders that repeat the class folders"
# Folders are taken for patients from so many on, and if none of them has more of the images.
_FEWEST_PATIENTS, _LARGEST_SHARE = 6, 0.25


class ImageFile(NamedTuple):
    """An image file as a source describes it, before it is hashed and its names are checked."""

    file: str  # relative to the source, with forward slashes
    path: Path
    label: str
    part: str | None  # as named there, in lower case
    patient: str | None = None
    named: bool = True  # whether a rule may read the patient in the file's name


@dataclass
class SourceContents:
    """Contents of one source."""

    files: list[ImageFile] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    empty: set[str] = field(default_factory=set)  # folders in the place of a class, without images
    phantom: bool = False
    unread: list[str] = field(default_factory=list)  # images of other formats, and dead links
    warnings: list[str] = field(default_factory=list)


def read_tree(root: Path) -> SourceContents:
    """Read the class folders in `root`; without images the contents have no files.

    Raises:
        OSError: A folder cannot be read.
    """
    contents = SourceContents()
    base = unwrapped(root)
    contents.phantom = (base / PHANTOM_MARKER).is_file()
    classes: list[tuple[Path, str | None]] = []
    for folder, part in part_folders(base, contents.passed_over):
        entries = _entries(folder, contents.passed_over)
        _count(contents.passed_over, "images outside class folders", len(entries.images))
        copies = second_copies(entries.folders)
        _count(contents.passed_over, SECOND_COPY, len(copies))
        classes += [(path, part) for path in entries.folders if path not in copies]
    is_nested = are_nested([path for path, _ in classes])
    for class_folder, part in classes:
        _read_class(class_folder, part, root, contents, is_nested=is_nested)
    if is_nested:
        _name_patients(contents)
    if contents.unread:
        names = [Path(path).relative_to(root).as_posix() for path in contents.unread]
        contents.warnings.append(
            f"{counted(len(contents.unread), 'file')} in class folders, of an image format that is "
            f"not read or behind a dead link, left out: {listed(names)}."
        )
    contents.empty -= {found.label for found in contents.files}
    return contents


def is_image(path: Path) -> bool:
    """Return whether a file is an image by its first bytes, or called one by its name."""
    return has_image_name(path.name) or format_of_file(path) is not None


def is_junk(name: str) -> bool:
    """Return whether operating systems leave entries of this name in folders by themselves."""
    return name.lower() in _JUNK


class _Entries(NamedTuple):
    folders: list[Path]
    images: list[Path]
    unread: list[Path]  # images of other formats and dead links, which are passed over by name


def _entries(folder: Path, passed_over: Counter[str]) -> _Entries:
    """List the folders and images in `folder` by name, and count all else as passed over."""
    entries = _Entries([], [], [])
    is_phantom = (folder / PHANTOM_MARKER).is_file()
    own = (PHANTOM_MARKER, PHANTOM_TRUTH) if is_phantom else ()
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith("."):
            passed_over["dotfiles"] += 1
        elif is_junk(entry.name):
            passed_over[entry.name] += 1
        elif entry.is_dir():
            entries.folders.append(path)
        elif is_image(path):
            entries.images.append(path)
        elif not path.exists():
            passed_over[DEAD_LINKS] += 1
            entries.unread.append(path)
        elif entry.name not in own:
            passed_over[f"*{path.suffix}"] += 1
            if has_foreign_name(entry.name):
                entries.unread.append(path)
    return entries


def unwrapped(root: Path) -> Path:
    """Step into a lone folder that is neither a part nor a class."""
    base = root
    for _ in range(_WRAPPERS):
        folders, images, _ = _entries(base, Counter())
        if images or len(folders) != 1 or folders[0].name.casefold() in PARTS:
            break
        if _entries(folders[0], Counter()).images:
            break
        base = folders[0]
    return base


def part_folders(
    base: Path, passed_over: Counter[str] | None = None
) -> list[tuple[Path, str | None]]:
    """Return the folders in `base` that hold class folders, each with its part as named there."""
    ignored: Counter[str] = Counter()
    entries = _entries(base, ignored)
    parts = [folder for folder in entries.folders if folder.name.casefold() in PARTS]
    if {folder.name.casefold() for folder in parts} <= _CLASS_NAMES:
        return [(base, None)]
    passed_over = Counter() if passed_over is None else passed_over
    passed_over.update(ignored)
    _count(passed_over, "images outside class folders", len(entries.images))
    # The archive that most people have of the chest X-rays holds a second copy of them all here.
    _count(passed_over, "folders next to the parts", len(entries.folders) - len(parts))
    return [(folder, folder.name.casefold()) for folder in parts]


def second_copies(folders: Sequence[Path]) -> set[Path]:
    """Return those of the class folders that hold nothing but the class folders once more.

    Args:
        folders: All folders in the place of a class.
    """
    entries = {folder: _entries(folder, Counter()) for folder in folders}
    names = {folded(folder.name) for folder in folders if entries[folder].images}
    return {
        folder
        for folder, (inner, images, _) in entries.items()
        if inner and not images and {folded(one.name) for one in inner} <= names
    }


def are_nested(class_folders: Sequence[Path]) -> bool:
    """Return whether all images lie in folders inside the class folders, and some do."""
    entries = [_entries(folder, Counter()) for folder in class_folders]
    inner = [folder for one in entries for folder in one.folders]
    return not any(one.images for one in entries) and any(map(_holds_image, inner))


def _holds_image(folder: Path, depth: int = _DEPTH) -> bool:
    entries = _entries(folder, Counter())
    deeper = (one for one in entries.folders if not one.is_symlink()) if depth else ()
    return bool(entries.images) or any(_holds_image(one, depth - 1) for one in deeper)


def images_below(
    folder: Path, contents: SourceContents | None = None, depth: int = _DEPTH
) -> list[Path]:
    """Return the images in a folder and in those inside it, sorted; links are not followed down.

    Args:
        folder: Where to look.
        contents: Those in which all else is counted.
        depth: How many folders inside one another are entered.
    """
    contents = contents or SourceContents()
    entries = _entries(folder, contents.passed_over)
    contents.unread += map(str, entries.unread)
    deeper = [one for one in entries.folders if not one.is_symlink()] if depth else []
    _count(contents.passed_over, _NOT_ENTERED, len(entries.folders) - len(deeper))
    below = [image for inner in deeper for image in images_below(inner, contents, depth - 1)]
    return sorted([*entries.images, *below])


def _read_class(
    folder: Path, part: str | None, root: Path, contents: SourceContents, *, is_nested: bool
) -> None:
    entries = _entries(folder, contents.passed_over)
    contents.unread += map(str, entries.unread)
    found: list[tuple[Path, str | None]] = [(path, None) for path in entries.images]
    if is_nested:
        below = [(one, images_below(one, contents)) for one in entries.folders]
        found = [(path, one.name) for one, paths in below for path in paths]
    else:
        _count(contents.passed_over, "folders inside class folders", len(entries.folders))
    if not found:
        contents.empty.add(folder.name)
    for path, patient in found:
        file = path.relative_to(root).as_posix()
        contents.files.append(ImageFile(file, path, folder.name, part, patient))


def _name_patients(contents: SourceContents) -> None:
    """Keep the folders inside class folders as patients, unless they cannot be; say which."""
    images = Counter(found.patient for found in contents.files)
    if len(images) < _FEWEST_PATIENTS or max(images.values()) > _LARGEST_SHARE * len(
        contents.files
    ):
        contents.files = [found._replace(patient=None) for found in contents.files]
        contents.warnings.append(
            f"The images lie in {counted(len(images), 'folder')} inside the class folders, too few "
            "or too large to be patients: they are read, and their folders count for nothing."
        )
    else:
        contents.warnings.append(
            f"The {len(images):,} folders inside the class folders are taken for the patients. If "
            "they are not, name each image's in a CSV with the columns file,class,patient."
        )


def _count(passed_over: Counter[str], what: str, number: int) -> None:
    if number:  # a Counter keeps zeros, and would show them
        passed_over[what] += number
