"""Traps of class folders: files that are read and should not be, and files that are passed over.

The rules of reading are those of `dlmath.data.class_folders`: `{part}/{class}/{image}`,
`{class}/{image}` or `{class}/{patient}/{image}` within at most two outer folders. Nothing here
changes what is read.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dlmath.audit.findings import Finding, Severity, single
from dlmath.audit.tree_scan import Folder, Tree, scan_tree
from dlmath.data.class_folders import PARTS
from dlmath.data.image_formats import has_foreign_name
from dlmath.data.listing import counted, listed
from dlmath.names import likeness, told_apart


def check_folders(root: Path) -> list[Finding]:
    """Find the traps of the class tree at `root`.

    Args:
        root: A folder as `dlmath.data.class_folders.read_tree` reads it; zips in it are not
            opened. Files are named relative to it.
    """
    try:
        tree = scan_tree(Path(root))
    except OSError as error:
        message = f"Cannot read {error.filename or root}: {error.strerror}."
        return [Finding(kind="folder-unreadable", severity="error", message=message)]
    findings = [*_single_class(tree), *_classes_in_some_parts(tree), *_spellings(tree)]
    for trap in _TRAPS:
        if paths := sorted(set(trap.paths(tree))):
            findings.append(_sprung(trap, tree, paths))
    return findings


class _Trap(NamedTuple):
    kind: str
    severity: Severity
    paths: Callable[[Tree], Iterator[Path]]
    noun: str
    where: str  # follows "1 image" and "2 images" alike: it has no verb that would be bent
    advice: str


def _sprung(trap: _Trap, tree: Tree, paths: Sequence[Path]) -> Finding:
    return Finding(
        kind=trap.kind,
        severity=trap.severity,
        message=f"{counted(len(paths), trap.noun)} {trap.where}.",
        advice=trap.advice,
        groups=single([tree.name(path) for path in paths]),
    )


def _single_class(tree: Tree) -> Iterator[Finding]:
    names = {folder.key: folder.name for folder in tree.classes if folder.images}
    if len(names) == 1:
        yield Finding(
            kind="one-class",
            severity="error",
            message=f"There are images of only one class: {listed(list(names.values()))}.",
            advice="A classifier needs two: pass the folder above, or add the other class.",
        )


def _classes_in_some_parts(tree: Tree) -> Iterator[Finding]:
    folders_of: dict[str, list[Folder]] = defaultdict(list)
    for folder in tree.classes:
        if folder.part and folder.images:
            folders_of[folder.key].append(folder)
    parts_of = {key: {PARTS[f.part or ""] for f in own} for key, own in folders_of.items()}
    parts = set().union(*parts_of.values())
    for key, own in folders_of.items():
        if absent := sorted(parts - parts_of[key]):
            yield Finding(
                kind="class-in-some-parts",
                severity="error" if "train" in absent else "warning",
                message=f"The class {own[0].name} has images in {listed(sorted(parts_of[key]))} "
                f"and none in {listed(absent)}.",
                advice="See whether the folder is misplaced or misspelt, or images are missing.",
                groups=single([tree.name(folder.path) for folder in own]),
            )


def _spellings(tree: Tree) -> Iterator[Finding]:
    """Find class names that look alike: as several classes, or as one written in two ways."""
    alike = defaultdict(list)
    for folder in tree.classes:
        alike[likeness(folder.name)].append(folder)
    for folders in alike.values():
        names = told_apart(folder.name for folder in folders)
        if len(names) == 1:
            continue
        apart = len({folder.key for folder in folders}) > 1
        outcome = (
            "case, blanks, dashes or the form of a number: they are several classes"
            if apart
            else "case or Unicode form: they are one"
        )
        yield Finding(
            kind="class-spelling",
            severity="error" if apart else "note",
            message=f"Class folders differ in {outcome} to dlmath. They are {listed(names)}.",
            advice="Rename them alike.",
            groups=single([tree.name(folder.path) for folder in folders]),
            figures={"names": sorted({folder.name for folder in folders})},
        )


def _filled(tree: Tree) -> set[str]:
    return {folder.key for folder in tree.classes if folder.images}


def _empty_classes(tree: Tree) -> Iterator[Path]:
    return (f.path for f in tree.classes if not f.images and f.key not in _filled(tree))


def _empty_in_a_part(tree: Tree) -> Iterator[Path]:
    return (f.path for f in tree.classes if not f.images and f.key in _filled(tree))


def _beside_parts(tree: Tree) -> Iterator[Path]:
    parts = {part.path for part in tree.parts}
    return (path for path in tree.base.folders if parts and path not in parts)


def _nested(tree: Tree) -> Iterator[Path]:
    return (path for folder in tree.classes for path in folder.folders)


def _outside_classes(tree: Tree) -> Iterator[Path]:
    return (path for folder in (tree.base, *tree.parts) for path in folder.images)


def _foreign_images(tree: Tree) -> Iterator[Path]:
    others = (path for folder in tree.classes for path in folder.others)
    return (path for path in others if has_foreign_name(path.name))


def _other_files(tree: Tree) -> Iterator[Path]:
    others = (path for folder in tree.classes for path in folder.others)
    return (p for p in others if not has_foreign_name(p.name) and not _is_dead_link(p))


def _dead_links(tree: Tree) -> Iterator[Path]:
    return (path for folder in tree.classes for path in folder.others if _is_dead_link(path))


def _is_dead_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _second_copies(tree: Tree) -> Iterator[Path]:
    return iter(tree.copies)


def _hidden(tree: Tree) -> Iterator[Path]:
    return (path for folder in tree.folders for path in folder.hidden)


def _val(tree: Tree) -> Iterator[Path]:
    return (part.path for part in tree.parts if part.part == "val")


def _links_out(tree: Tree) -> Iterator[Path]:
    """Give links to what lies outside; behind a linked folder only the link itself is one."""
    root = tree.root.resolve()
    for folder in tree.folders:
        for path in (*folder.folders, *folder.images):
            # Not by `resolve`, which refuses links that go round.
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                yield path


_TRAPS = (
    _Trap(
        "empty-class",
        "error",
        _empty_classes,
        "folder",
        "in the place of a class without an image",
        "Put images in or delete the folder.",
    ),
    _Trap(
        "empty-class-in-a-part",
        "warning",
        _empty_in_a_part,
        "class folder",
        "without an image, while there are images of that class elsewhere",
        "Put the images in or delete the folder.",
    ),
    _Trap(
        "stray-folder",
        "warning",
        _beside_parts,
        "folder",
        "next to the parts: not read",
        f"Parts are called {listed(list(PARTS))}. Rename the folder, or move it away.",
    ),
    _Trap(
        "nested-folder",
        "warning",
        _nested,
        "folder",
        "inside class folders: what is in there is not read",
        "Move the images up into the class folder, or name each in a CSV: file,class,patient.",
    ),
    _Trap(
        "images-outside-classes",
        "warning",
        _outside_classes,
        "image",
        "outside class folders: not read",
        "Move the images into the folder of their class.",
    ),
    _Trap(
        "other-image-formats",
        "warning",
        _foreign_images,
        "file",
        "in class folders, of an image format that is not read",
        "Convert the files to PNG.",
    ),
    _Trap(
        "dead-links",
        "warning",
        _dead_links,
        "link",
        "in class folders to a file that is not there",
        "Put the files themselves in the place of the links.",
    ),
    _Trap(
        "second-copy",
        "note",
        _second_copies,
        "folder",
        "with a second copy of the class folders next to it: not read",
        "Delete it, if it holds the same images.",
    ),
    _Trap("other-files", "note", _other_files, "file", "in class folders, no image: not read", ""),
    _Trap("hidden-files", "note", _hidden, "hidden or system file", "left out", ""),
    _Trap(
        "links-out",
        "warning",
        _links_out,
        "link",
        "to what lies outside the data: a copy of the folder is not whole",
        "Put the files themselves in the place of the links.",
    ),
    _Trap(
        "val-merged",
        "note",
        _val,
        "part",
        "called val: its images join training",
        "Validation is drawn from the training patients. To keep a part, name it validation.",
    ),
)
