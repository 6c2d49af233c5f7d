"""List a class tree with everything in it, including what reading passes over."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dlmath.data.class_folders import (
    PHANTOM_MARKER,
    are_nested,
    images_below,
    is_image,
    is_junk,
    part_folders,
    second_copies,
    unwrapped,
)
from dlmath.names import folded


@dataclass
class Folder:
    """Entries directly in one folder, grouped by what reading does with them.

    Attributes:
        path: Where it is.
        part: As its folder is named in lower case, or None.
        folders: Folders in it.
        images: Images in it; where the class folders hold the images in folders of their own,
            those of a class.
        hidden: Dotfiles, and what operating systems leave behind.
        others: All other files.
    """

    path: Path
    part: str | None
    folders: list[Path] = field(default_factory=list)
    images: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def key(self) -> str:
        """The name as classes are matched by it."""
        return folded(self.name)


@dataclass(frozen=True)
class Tree:
    """A class tree.

    Attributes:
        root: As given; files are named relative to it.
        base: The folder of the parts, or of the classes where there are no parts.
        parts: The parts; none where classes lie in `base`.
        classes: Every folder in the place of a class.
        copies: Folders in such a place that repeat the class folders, and are passed over.
    """

    root: Path
    base: Folder
    parts: tuple[Folder, ...]
    classes: tuple[Folder, ...]
    copies: tuple[Path, ...] = ()

    @property
    def folders(self) -> Iterator[Folder]:
        """Every folder that is read."""
        yield self.base
        yield from self.parts
        yield from self.classes

    def name(self, path: Path) -> str:
        """Return a path relative to the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def scan_tree(root: Path) -> Tree:
    """List a class tree by the rules of `dlmath.data.class_folders.read_tree`.

    Raises:
        OSError: A folder cannot be read.
    """
    base = _listed(unwrapped(root), None)
    holders = [_listed(path, part) for path, part in part_folders(base.path)]
    copies = {path for holder in holders for path in second_copies(holder.folders)}
    classes = [
        _listed(path, holder.part)
        for holder in holders
        for path in holder.folders
        if path not in copies
    ]
    if are_nested([folder.path for folder in classes]):
        for folder in classes:
            folder.images = [image for inner in folder.folders for image in images_below(inner)]
            folder.folders = []
    parts = tuple(holder for holder in holders if holder.part)
    return Tree(root, base, parts, tuple(classes), tuple(sorted(copies)))


def _listed(path: Path, part: str | None) -> Folder:
    folder = Folder(path, part)
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.name == PHANTOM_MARKER:
            continue
        if entry.name.startswith(".") or is_junk(entry.name):
            kind = folder.hidden
        elif entry.is_dir():
            kind = folder.folders
        else:
            kind = folder.images if is_image(Path(entry.path)) else folder.others
        kind.append(Path(entry.path))
    return folder
