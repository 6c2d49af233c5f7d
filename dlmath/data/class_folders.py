"""Class folders: their names are the class of an image and the part that it belongs to.

    chest_xray/train/NORMAL/IM-0115-0001.jpeg      {part}/{class}/{image}
    cell_images/Parasitized/C33P1_cell_179.png     {class}/{image}

The outermost folder (`chest_xray`, `cell_images`) may be there or not.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dlmath.data import dicom

IMAGE_ENDINGS = (".jpeg", ".jpg", ".png")
# Names of parts on disk, and the part each one is. `val` joins training: Kermany's holds 16 images,
# too few to choose a model by, so validation is drawn again, by patient.
PARTS = {"train": "train", "val": "train", "validation": "validation", "test": "test"}
PHANTOM_MARKER = "PHANTOM.json"

_JUNK = ("__macosx", "desktop.ini", "dicomdir", "thumbs.db")
_WRAPPERS = 2  # an archive's own folder, and the one that an unpacking tool puts around it


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
    warnings: list[str] = field(default_factory=list)


def read_tree(root: Path) -> SourceContents:
    """Read the class folders in `root`; without images the contents have no files.

    Raises:
        OSError: A folder cannot be read.
    """
    contents = SourceContents()
    base = unwrapped(root)
    contents.phantom = (base / PHANTOM_MARKER).is_file()
    for folder, part in part_folders(base, contents.passed_over):
        entries = _entries(folder, contents.passed_over)
        _count(contents.passed_over, "images outside class folders", len(entries.images))
        for class_folder in entries.folders:
            _read_class(class_folder, part, root, contents)
    contents.empty -= {found.label for found in contents.files}
    return contents


def is_image_name(name: str) -> bool:
    """Return whether a file's name ends as that of a JPEG, PNG or DICOM image does, in any case."""
    return name.lower().endswith((*IMAGE_ENDINGS, *dicom.ENDINGS))


def is_image(path: Path) -> bool:
    """Return whether a file is an image by its name, or DICOM by its first bytes."""
    return is_image_name(path.name) or dicom.is_dicom_file(path)


def is_junk(name: str) -> bool:
    """Return whether operating systems leave entries of this name in folders by themselves."""
    return name.lower() in _JUNK


class _Entries(NamedTuple):
    folders: list[Path]
    images: list[Path]


def _entries(folder: Path, passed_over: Counter[str]) -> _Entries:
    """List the folders and images in `folder` by name, and count all else as passed over."""
    entries = _Entries([], [])
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            passed_over["dotfiles"] += 1
        elif is_junk(entry.name):
            passed_over[entry.name] += 1
        elif entry.is_dir():
            entries.folders.append(Path(entry.path))
        elif is_image(Path(entry.path)):
            entries.images.append(Path(entry.path))
        elif entry.name != PHANTOM_MARKER:
            passed_over[f"*{Path(entry.name).suffix}"] += 1
    return entries


def unwrapped(root: Path) -> Path:
    """Step into a lone folder that is neither a part nor a class."""
    base = root
    for _ in range(_WRAPPERS):
        folders, images = _entries(base, Counter())
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
    if not parts:
        return [(base, None)]
    passed_over = Counter() if passed_over is None else passed_over
    passed_over.update(ignored)
    _count(passed_over, "images outside class folders", len(entries.images))
    # The archive that most people have of the chest X-rays holds a second copy of them all here.
    _count(passed_over, "folders next to the parts", len(entries.folders) - len(parts))
    return [(folder, folder.name.casefold()) for folder in parts]


def _read_class(folder: Path, part: str | None, root: Path, contents: SourceContents) -> None:
    entries = _entries(folder, contents.passed_over)
    _count(contents.passed_over, "folders inside class folders", len(entries.folders))
    if not entries.images:
        contents.empty.add(folder.name)
    for path in entries.images:
        file = path.relative_to(root).as_posix()
        contents.files.append(ImageFile(file, path, folder.name, part))


def _count(passed_over: Counter[str], what: str, number: int) -> None:
    if number:  # a Counter keeps zeros, and would show them
        passed_over[what] += number
