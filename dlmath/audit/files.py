"""Faults of single files: those that stop a training, and those that deserve a look."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from dlmath.audit.findings import Finding, single
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.scan import scan_images
from dlmath.data.image_formats import ENDINGS
from dlmath.data.listing import counted, listed
from dlmath.data.sources import ImageRecord
from dlmath.reporting import SILENT, Reporter

_REMOVE = "Get the files again from where they came, or remove them"
_CONVERT = "Convert the files to 8-bit grey or RGB"

# By the kind of fault: what is said of the files, and what to do about them.
FAULTS = {
    "empty": ("empty: 0 bytes", _REMOVE),
    "unreadable": ("there and cannot be read", "Give the permission to read them, or remove them"),
    "missing-reader": (
        "of a format whose package is not installed",
        "Install it with: pip install 'dlmath[heic]', or for DICOM pip install 'dlmath[dicom]'",
    ),
    "truncated": ("broken off before the end, as by a copy that was cut short", _REMOVE),
    "damaged": ("damaged", _REMOVE),
    "mislabelled": (
        "of no image format that is read, whatever the name says",
        "Convert the files, or remove what is no image",
    ),
    "animated": (
        "an animation, or of several pages",
        "Keep one frame of each: dlmath data convert --first-frame",
    ),
    "cmyk": ("a JPEG in neither grey, RGB nor CMYK", _CONVERT),
    "deep": ("of more than 8 bits a sample that cannot be shown in 8", _CONVERT),
    "oversized": (
        "absurdly large, or claims to be",
        "Remove what is no image of this data set, and make the others smaller",
    ),
}
_SKIP = "; to leave them out of a training: --set on_bad_file=skip"

_FORMATS = {ending: name for name, endings in ENDINGS.items() for ending in endings}
_GREY = ("1", "L", "LA", "I", "F", "I;16", "I;16B")
_COLOURED = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB")


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
    sound = [image for image in stats if image.fault is None]
    return [*_faults(stats), *lost_data(sound), *_oddities(sound)]


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


def lost_data(stats: Sequence[ImageStats]) -> Iterator[Finding]:
    """Yield a finding for each sign that pictures lost data or show nothing.

    Args:
        stats: Statistics of files that can be decoded.
    """
    if files := [image.file for image in stats if image.is_cut_short]:
        yield Finding(
            kind="lost-data",
            severity="error",
            message=f"{_files_are(len(files))} without a part of its data: the decoder fills the "
            "rest of the picture, and only warns.",
            advice=f"{_REMOVE}. Training does not skip them: they can be decoded.",
            groups=single(files),
        )
    flat = [image for image in stats if image.flat_share and not image.is_cut_short]
    if flat:
        yield Finding(
            kind="flat-lower-part",
            severity="warning",
            message=f"{_files_are(len(flat))} one flat shade in the lower part, up to "
            f"{max(image.flat_share for image in flat):.0%} of the height.",
            advice="Look at them: it is padding, or what a decoder puts where data were lost.",
            groups=single([image.file for image in flat]),
            figures={"shares": {image.file: image.flat_share for image in flat}},
        )
    if files := [image.file for image in stats if image.is_blank and not image.is_cut_short]:
        yield Finding(
            kind="blank",
            severity="warning",
            message=f"{_files_are(len(files))} one flat shade throughout, such as black: there is "
            "nothing to see in it.",
            advice="Remove them, or get the files again from where they came.",
            groups=single(files),
        )
    if files := [image.file for image in stats if image.levels_lost]:
        yield Finding(
            kind="levels-lost",
            severity="warning",
            message=f"{_files_are(len(files))} left with less than half of its grey levels in 8 "
            "bits: its window is narrow, or a few far levels take the range of the others.",
            advice="Look at them. A PNG or TIFF can be given another window: dlmath data convert "
            "--window LOW,HIGH",
            groups=single(files),
        )


def lost_data_warnings(
    examples: Sequence[ImageRecord], *, reporter: Reporter = SILENT
) -> tuple[str, ...]:
    """Return what an audit finds of lost data in images, a sentence or two with their names each.

    Args:
        examples: The images. Those that cannot be read are passed over: reading them says so.
        reporter: Receives the progress.
    """
    sound = [image for image in scan_images(examples, reporter=reporter) if image.fault is None]
    return tuple(f"{one.message} See {listed(one.files)}." for one in lost_data(sound))


def _oddities(stats: Sequence[ImageStats]) -> Iterator[Finding]:
    if files := [image.file for image in stats if _has_wrong_ending(image)]:
        yield _note(
            "wrong-ending",
            files,
            "named as an image of another format than it is",
            "dlmath goes by the content; other programs may not: rename the files.",
        )
    if files := [image.file for image in stats if image.bits and image.bits > 8]:
        yield _note(
            "more-than-8-bits",
            files,
            "of more than 8 bits a sample: greys are read from the least to the greatest level of "
            "each picture, colours by their upper 8 bits",
            "For another window: dlmath data convert --window LOW,HIGH",
        )
    if files := [image.file for image in stats if image.mode == "CMYK"]:
        yield _note(
            "cmyk-converted",
            files,
            "in the four inks of printing (CMYK): turned into RGB without a colour profile",
            "See whether the colours are right.",
        )
    if files := [image.file for image in stats if image.mode in ("LA", "RGBA", "PA")]:
        yield _note(
            "alpha",
            files,
            "an image with a channel of transparency: read as the colours stored below it",
            "Look whether that is meant.",
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
    """Return whether the name is that of another format; DICOM files are not judged."""
    named = _FORMATS.get(PurePosixPath(image.file).suffix.lower(), image.format)
    return named not in (image.format, "DICOM")


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
