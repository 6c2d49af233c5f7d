"""Faults of single files: those that stop a training, and those that deserve a look."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from dlmath.audit.findings import Finding, single
from dlmath.audit.image_stats import ImageStats
from dlmath.data.listing import counted
from dlmath.data.sources import ImageRecord

_REMOVE = "Get the files again from where they came, or remove them"
_CONVERT = "Convert the files to 8-bit grey or RGB"

# By the kind of fault: what is said of the files, and what to do about them.
FAULTS = {
    "empty": ("empty: 0 bytes", _REMOVE),
    "unreadable": ("there and cannot be read", "Give the permission to read them, or remove them"),
    "truncated": ("broken off before the end, as by a copy that was cut short", _REMOVE),
    "damaged": ("damaged", _REMOVE),
    "mislabelled": (
        "neither a PNG nor a JPEG, whatever the name says",
        "Convert the files, or remove what is no image",
    ),
    "animated": ("an animation", "Keep one frame of each"),
    "cmyk": ("a JPEG in neither grey nor RGB, such as CMYK for printing", _CONVERT),
    "deep": (
        "of more than 8 bits a sample",
        "Choose the window of grey levels that shows the finding, and convert the files to 8 bits",
    ),
    "oversized": (
        "absurdly large, or claims to be",
        "Remove what is no image of this data set, and make the others smaller",
    ),
}
_SKIP = "; to leave them out of a training: --set on_bad_file=skip"

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_GREY, _COLOURED = ("1", "L", "LA"), ("P", "RGB", "RGBA")


def check_files(examples: Sequence[ImageRecord], stats: Sequence[ImageStats]) -> list[Finding]:
    """Return a finding for each kind of fault that some file has.

    Args:
        examples: The N examples; their files are named by the stats.
        stats: Statistics of the examples, from `scan_images`.
    """
    if len(examples) != len(stats):
        raise ValueError(
            "There must be stats of every example. "
            f"Received: {len(examples)} examples, stats of {len(stats)}"
        )
    return [*_faults(stats), *_oddities([image for image in stats if image.fault is None])]


def _faults(stats: Sequence[ImageStats]) -> Iterator[Finding]:
    for kind, (what, advice) in FAULTS.items():
        files = [image for image in stats if image.fault == kind]
        if files:
            yield Finding(
                kind=kind,
                severity="error",
                message=f"{_files_are(len(files))} {what}.",
                advice=f"{advice}{_SKIP}.",
                groups=single([image.file for image in files]),
                figures={"reasons": {image.file: image.reason for image in files}},
            )


def _oddities(stats: Sequence[ImageStats]) -> Iterator[Finding]:
    if files := [image.file for image in stats if _has_wrong_ending(image)]:
        yield _note(
            "wrong-ending",
            files,
            "a PNG named as a JPEG or the reverse",
            "dlmath goes by the content; other programs may not: rename the files.",
        )
    if files := [image.file for image in stats if image.mode in ("LA", "RGBA")]:
        yield _note(
            "alpha",
            files,
            "an image with a channel of transparency",
            "Training sees the colours below it as they are stored: look whether that is meant.",
        )
    if files := [image.file for image in stats if image.mode == "P"]:
        yield _note(
            "palette",
            files,
            "an image of at most 256 colours",
            "Use the originals if the colours were reduced afterwards.",
        )
    if files := [image.file for image in stats if image.orientation != 1]:
        yield _note(
            "rotated",
            files,
            "stored turned or mirrored, with an EXIF mark to turn it back",
            "dlmath heeds the mark; other programs may not.",
        )
    yield from _mixed_colours(stats)


def _has_wrong_ending(image: ImageStats) -> bool:
    """Return whether the name is that of the other format; a converted DICOM file has none."""
    ending = PurePosixPath(image.file).suffix.lower()
    return _FORMATS.get(ending, image.format) != image.format


def _mixed_colours(stats: Sequence[ImageStats]) -> Iterator[Finding]:
    grey = [image.file for image in stats if image.mode in _GREY]
    coloured = [image.file for image in stats if image.mode in _COLOURED]
    if grey and coloured:
        yield Finding(
            kind="mixed-colour",
            severity="note",
            message=f"{counted(len(grey), 'image')} are stored in grey and {len(coloured):,} in "
            "colour.",
            advice="See whether the one or the other goes with a class: the shortcut check tells.",
            groups=single(min(grey, coloured, key=len)),
            figures={"grey": len(grey), "coloured": len(coloured)},
        )


def _note(kind: str, files: list[str], what: str, advice: str) -> Finding:
    return Finding(
        kind=kind,
        severity="note",
        message=f"{_files_are(len(files))} {what}.",
        advice=advice,
        groups=single(files),
    )


def _files_are(number: int) -> str:
    return "1 file is" if number == 1 else f"Each of {number:,} files is"
