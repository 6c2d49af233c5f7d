"""A copy of a folder of images as plain 8-bit PNGs and JPEGs, by the wishes of its user.

All other commands read by the rules of `dlmath.data.conversion`. What these leave open is asked for
here: the window of deep greys, and the first frame of animations. An exported graph, which takes
only 8-bit PNG and JPEG, reads the copy, too.
"""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from dlmath.data import images
from dlmath.data.conversion import Wishes, as_png
from dlmath.data.image_headers import BadImage, needs_conversion, peek_header
from dlmath.data.image_search import search_images
from dlmath.data.placing import atomic_folder, clear_place
from dlmath.errors import DataError
from dlmath.reporting import SILENT, Reporter


@dataclass
class PlainCopy:
    """The outcome of a copy.

    Attributes:
        converted: Number of files turned into PNGs, by their format.
        copied: Number of files copied as they are: 8-bit PNGs and JPEGs, and DICOM files, whose
            tags a PNG could not keep.
        errors: Why files have no copy, one line each.
        left_out: Numbers of files that are no images, by what they are.
    """

    converted: Counter[str] = field(default_factory=Counter)
    copied: int = 0
    errors: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def copy_plain(
    source: Path, out: Path, wishes: Wishes | None = None, *, reporter: Reporter = SILENT
) -> PlainCopy:
    """Copy a folder, every image in it as a plain one: `a/b.tif` becomes `a/b.tif.png`.

    Args:
        source: A folder of images, however deep.
        out: The folder to write, absent or empty.
        wishes: What was asked for of deep and of moving pictures.
        reporter: Receives the progress.

    Raises:
        DataError: `source` is no folder or holds no image, or `out` cannot be written.
    """
    wishes = wishes or Wishes()
    if not source.is_dir():
        raise DataError(f"Name a folder of images to convert. Received: {source}")
    if wishes.window and not wishes.window[0] < wishes.window[1]:
        low, high = wishes.window
        raise DataError(f"A window begins below its end. Received: {low:g} to {high:g}")
    found = search_images(source)
    clear_place(out)
    done = PlainCopy(left_out=found.left_out)
    names = {path.relative_to(source) for path in found.paths}
    with atomic_folder(out) as folder:
        for number, path in enumerate(found.paths, start=1):
            _copy(path, folder, path.relative_to(source), wishes, done, names)
            reporter.progress("converting", number, len(found.paths))
        if not done.copied and not done.converted:
            raise DataError(f"No image in {source} can be converted: {done.errors[0]}")
    return done


def _copy(
    path: Path, folder: Path, name: Path, wishes: Wishes, done: PlainCopy, taken: Set[Path]
) -> None:
    """Write the copy of one file, and count it; `taken` are the names of all files."""
    try:
        raw = images.read_bytes(path, str(path))
        header = peek_header(raw)
        if needs_conversion(raw) or (header is not None and header.animated):
            converted = as_png(raw, str(path), wishes=wishes)
            data, name = converted.data, _png_name(name, taken)
        else:
            converted, data = None, raw
            images.open_checked(raw, str(path))
    except BadImage as error:
        done.errors.append(str(error))
        return
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    if converted is None:
        done.copied += 1
    else:
        done.converted[converted.header.format] += 1


def _png_name(name: Path, taken: Set[Path]) -> Path:
    """Return the name of a PNG that is made of a file, unlike that of every other file."""
    if name.suffix.lower() == ".png":
        return name
    name = name.with_name(f"{name.name}.png")
    while name in taken:
        name = name.with_name(f"{name.name}.png")
    return name
