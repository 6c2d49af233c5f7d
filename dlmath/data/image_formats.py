"""Formats of image files, told by their first bytes and never by their names.

A name decides only one thing: a file that is called an image is one that somebody wants an answer
for, so that it is named where it cannot be read. Without such a name the first bytes decide.
"""

import importlib.util
from pathlib import Path

from .dicom import ENDINGS as DICOM_ENDINGS
from .dicom import is_dicom

HEAD = 132  # bytes by which a format is told; DICOM has its mark at 128

# Formats that are read, with the endings that files of them have.
ENDINGS = {
    "JPEG": (".jpeg", ".jpg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tiff", ".tif"),
    "BMP": (".bmp", ".dib"),
    "WebP": (".webp",),
    "GIF": (".gif",),
    "HEIC": (".heic", ".heif"),
    "DICOM": DICOM_ENDINGS,
}
# Endings of image formats that are not read: files of them are named, and never passed over.
_FOREIGN_ENDINGS = (
    *(".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".svg", ".psd", ".ico", ".pcx", ".tga", ".exr"),
    *(".pgm", ".ppm", ".pnm", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".dng", ".cr2", ".nef"),
    *(".arw", ".svs", ".ndpi", ".raw"),
)
_NAMED = tuple(ending for endings in ENDINGS.values() for ending in endings)
FOREIGN = "another image format"

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # sizes of the header that follows the file's own

# What else may be found in the place of an image, for messages.
_OTHERS = {
    b"GIF8": "a GIF",
    b"%PDF": "a PDF",
    b"PK\3\4": "a zip archive",
    b"\0\0\0\x0cjP  ": "a JPEG 2000",
    b"\xff\x4f\xff\x51": "a JPEG 2000",
    b"\0\0\0\x0cJXL ": "a JPEG XL",
    b"8BPS": "a Photoshop file",
    b"RIFF": "a RIFF file, such as sound",
}


def format_of(head: bytes) -> str | None:
    """Return the format of an image file: a key of `ENDINGS`, or None for anything else.

    Args:
        head: The file's first `HEAD` bytes, or more.
    """
    if is_dicom(head):  # first: its preamble may be the header of a TIFF
        return "DICOM"
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS and not _is_avif(head):
        return "HEIC"
    return "BMP" if _is_bmp(head) else None


def format_of_file(path: Path) -> str | None:
    """Return the format of a file by its first bytes; None where it is no image, or unreadable."""
    try:
        if not path.is_file():  # a pipe would be waited for without end
            return None
        with path.open("rb") as file:
            return format_of(file.read(HEAD))
    except OSError:
        return None


def has_image_name(name: str) -> bool:
    """Return whether a file's name ends as that of an image which is read does, in any case."""
    return name.lower().endswith(_NAMED)


def has_foreign_name(name: str) -> bool:
    """Return whether a file's name ends as that of an image in a format which is not read."""
    return name.lower().endswith(_FOREIGN_ENDINGS)


def readable_formats() -> tuple[str, ...]:
    """Return the formats that are read here: those of extras where their package is installed."""
    package = {"HEIC": "pi_heif", "DICOM": "pydicom"}
    return tuple(
        name for name in ENDINGS if name not in package or importlib.util.find_spec(package[name])
    )


def describe(data: bytes) -> str:
    """Return in words what a file is that is no image, or an image in a format not read."""
    if not data:
        return "an empty file (0 bytes)"
    if name := format_of(data):
        return f"a {name}" if name != "DICOM" else "a DICOM file"
    if data[4:8] == b"ftyp":
        return "an AVIF" if _is_avif(data) else "a film"
    for signature, description in _OTHERS.items():
        if data.startswith(signature):
            return description
    start = data[:64]
    is_text = all(byte >= 32 or byte in b"\t\n\r" for byte in start)
    return f"text, {start[:20].decode(errors='replace')!r}" if is_text else f"{start[:8]!r}"


def _is_avif(head: bytes) -> bool:
    """Return whether the brands of an ISO media file name AVIF, which shares a box with HEIC."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return b"avif" in head[8:end] or b"avis" in head[8:end]


def _is_bmp(head: bytes) -> bool:
    # The letters BM begin many a text; the two reserved fields and the header's size do not.
    is_marked = head[:2] == b"BM" and head[6:10] == bytes(4)
    return is_marked and int.from_bytes(head[14:18], "little") in _BMP_HEADERS
