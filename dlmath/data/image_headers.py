"""Check an image file by its header, before a decoder allocates memory for its claimed size.

A 48 kB PNG can claim 400 megapixels, TensorFlow reads 16-bit greys only by their high byte
(12 bits in 16 come out black), and it takes CMYK inks for RGB light: each is refused here. What
dlmath reads of these and of other formats `dlmath.data.conversion` turned into an 8-bit PNG before.

Sources: ISO/IEC 15948 (PNG), section 11; ITU-T T.81 (JPEG), annex B.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from ..errors import DataError
from .image_formats import describe, format_of

PIXEL_LIMIT = 100_000_000  # the largest radiographs have about 20 megapixels

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # the last chunk, which is the same in every file
JPEG_SIGNATURE = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_TAIL = 1024  # where the end of a JPEG is looked for: an EXIF preview further up has one of its own

_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}  # by the colour type
_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}  # by the number of channels
_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_JPEG_START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START_OF_SCAN = 0xDA


FaultKind = Literal[
    "empty",
    "unreadable",
    "missing-reader",
    "truncated",
    "damaged",
    "mislabelled",
    "animated",
    "cmyk",
    "deep",
    "oversized",
]


class Header(NamedTuple):
    """The size and the kind of pixels that an image file claims.

    Attributes:
        format: PNG or JPEG; of a file that was converted, its own.
        width: Pixels, as stored.
        height: Pixels, as stored.
        bits: Of one sample, or of one index into a palette.
        mode: In Pillow's names: 1, L, LA, P, RGB, RGBA, CMYK or I;16; blank for a JPEG of 2 or
            more than 4 channels.
        animated: Whether it is a PNG of several frames.
    """

    format: str
    width: int
    height: int
    bits: int
    mode: str
    animated: bool = False


class BadImage(DataError):
    """A file cannot be used as an image; one line that begins with the file's name.

    Args:
        message: The fault of the file.
        kind: The kind of fault.
        header: The header of the file, as far as it can be read.
    """

    def __init__(self, message: str, kind: FaultKind, header: Header | None = None):
        super().__init__(message)
        self.kind = kind
        self.header = header


def damaged(name: str, data: bytes) -> BadImage:
    """Return the error for a file whose header is sound and whose pixels are not.

    Args:
        name: What errors call the file.
        data: The whole file: without the mark that ends it, it is truncated.
    """
    kind: FaultKind = "damaged" if _has_end(data) else "truncated"
    return BadImage(f"{name}: damaged, or broken off before its end", kind, peek_header(data))


def _has_end(data: bytes) -> bool:
    if data.startswith(PNG_SIGNATURE):
        return PNG_END in data
    return _JPEG_END in data[-_TAIL:]


def check_image(data: bytes, name: str, pixel_limit: int = PIXEL_LIMIT) -> None:
    """Refuse a file that is not a still 8-bit PNG or JPEG of a sane size in grey or RGB.

    Only the header is read, so a file that breaks off later passes: decoding finds it.

    Args:
        data: The whole file.
        name: What errors call the file.
        pixel_limit: The largest width times height.

    Raises:
        BadImage: One line that says what the file is instead.
    """
    header = read_header(data, name)
    check_size(header, name, pixel_limit)
    if header.bits > 8:
        raise BadImage(
            f"{name}: a sample may have 8 bits; choose the window of grey levels and convert it. "
            f"Received: {header.bits} bits",
            "deep",
            header,
        )
    if header.format == "JPEG" and header.mode not in ("L", "RGB"):
        raise BadImage(
            f"{name}: a JPEG must be grey or RGB; convert it. "
            f"Received: {header.mode or 'another number of channels'}",
            "cmyk",
            header,
        )
    if header.animated:
        raise BadImage(
            f"{name}: an image must be one still picture. Received: an animation. To take the "
            "first: dlmath data convert --first-frame",
            "animated",
            header,
        )


def needs_conversion(data: bytes) -> bool:
    """Return whether `dlmath.data.conversion` must make a plain PNG of a file first.

    Args:
        data: The whole file, no DICOM.
    """
    kind, header = format_of(data), peek_header(data)
    if header is None:  # of a PNG or JPEG a damaged one, which reading it names
        return kind not in (None, "PNG", "JPEG")
    return header.bits > 8 if kind == "PNG" else header.bits == 8 and header.mode == "CMYK"


def read_header(data: bytes, name: str) -> Header:
    """Read the header of a PNG or JPEG file.

    Raises:
        BadImage: It is neither, or breaks off inside its header.
    """
    if header := peek_header(data):
        return header
    if not data.startswith((PNG_SIGNATURE, JPEG_SIGNATURE)):
        raise BadImage(
            f"{name}: neither a PNG nor a JPEG. Received: {describe(data)}",
            "mislabelled" if data else "empty",
        )
    raise BadImage(
        f"{name}: the file breaks off inside its header or is damaged.",
        "damaged" if _has_end(data) else "truncated",
    )


def peek_header(data: bytes) -> Header | None:
    """Return the header of a PNG or JPEG file; None if it cannot be read."""
    if data.startswith(PNG_SIGNATURE):
        return _png_header(data)
    return _jpeg_header(data) if data.startswith(JPEG_SIGNATURE) else None


def check_size(header: Header, name: str, pixel_limit: int = PIXEL_LIMIT) -> None:
    """Refuse an image without pixels, or with more than `pixel_limit`.

    Raises:
        BadImage: One line that begins with `name`.
    """
    received = f"Received: {header.width} x {header.height} pixels"
    if not header.width or not header.height:
        raise BadImage(f"{name}: an image must have pixels. {received}", "damaged", header)
    if header.width * header.height > pixel_limit:
        limit = f"{pixel_limit / 1_000_000:g}"
        message = f"{name}: an image may have {limit} megapixels. {received}"
        raise BadImage(message, "oversized", header)


def _png_header(data: bytes) -> Header | None:
    ihdr = data[16:26]
    if data[12:16] != b"IHDR" or len(ihdr) < 10:
        return None
    bits, colour = ihdr[8:10]
    mode = _PNG_MODES.get(colour)
    if mode is None:
        return None
    if mode == "L" and bits in (1, 16):
        mode = "1" if bits == 1 else "I;16"
    return Header(
        format="PNG",
        width=int.from_bytes(ihdr[:4], "big"),
        height=int.from_bytes(ihdr[4:8], "big"),
        bits=bits,
        mode=mode,
        animated=any(kind == b"acTL" for kind in _png_chunks(data)),
    )


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the types of the chunks before the pixels."""
    position = len(PNG_SIGNATURE)
    while position + 8 <= len(data):
        kind = data[position + 4 : position + 8]
        if kind == b"IDAT":
            return
        yield kind
        position += 12 + int.from_bytes(data[position : position + 4], "big")


def _jpeg_header(data: bytes) -> Header | None:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte before the marker
            position += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            position += 2
        elif marker == _JPEG_START_OF_SCAN:
            return None
        elif marker in _JPEG_START_OF_FRAME:
            frame = data[position + 4 : position + 10]
            return _jpeg_frame(frame) if len(frame) == 6 else None
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def _jpeg_frame(frame: bytes) -> Header:
    return Header(
        format="JPEG",
        bits=frame[0],
        height=int.from_bytes(frame[1:3], "big"),
        width=int.from_bytes(frame[3:5], "big"),
        mode=_JPEG_MODES.get(frame[5], ""),
    )
