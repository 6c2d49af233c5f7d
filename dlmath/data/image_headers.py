"""Judge an image file by its header, before a decoder allocates memory for what it claims.

A 48 kB PNG can claim 400 megapixels, TensorFlow reads 16-bit greys by their high byte alone
(12 bits in 16 come out black), and it takes CMYK inks for RGB light: each is refused here.

Sources: ISO/IEC 15948 (PNG), section 11; ITU-T T.81 (JPEG), annex B.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dlmath.errors import DataError

PIXEL_LIMIT = 100_000_000  # the largest radiographs have about 20 megapixels

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"

_OTHER_FORMATS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"RIFF": "a RIFF file, such as WebP",
    b"%PDF": "a PDF",
    b"PK\3\4": "a zip archive",
}
_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_JPEG_START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START_OF_SCAN = 0xDA


class _Header(NamedTuple):
    width: int
    height: int
    bits: int  # of one sample
    channels: int
    animated: bool = False


def read_checked(path: Path, name: str) -> bytes:
    """Read a file that `check_image` passes.

    Raises:
        DataError: It cannot be read, or is no such image; one line that begins with `name`.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror})") from error
    check_image(data, name)
    return data


def damaged(name: str) -> DataError:
    """Return the error for a file whose header is sound and whose pixels are not."""
    return DataError(f"{name}: damaged, or broken off before its end")


def check_image(data: bytes, name: str) -> None:
    """Refuse a file that is not a still 8-bit PNG or JPEG of a sane size in grey or RGB.

    Only the header is read, so a file that breaks off later passes: decoding finds it.

    Args:
        data: The whole file.
        name: What to call it in the error.

    Raises:
        DataError: One line that says what the file is instead.
    """
    header = _read_header(data, name)
    if not header.width or not header.height:
        raise DataError(f"{name}: an image must have pixels. {_received(header)}")
    if header.width * header.height > PIXEL_LIMIT:
        raise DataError(
            f"{name}: an image may have {PIXEL_LIMIT // 1_000_000} megapixels. {_received(header)}"
        )
    if header.bits > 8:
        raise DataError(
            f"{name}: a sample may have 8 bits; choose the window of grey levels and convert it. "
            f"Received: {header.bits} bits"
        )
    if data.startswith(JPEG_SIGNATURE) and header.channels not in (1, 3):
        raise DataError(
            f"{name}: a JPEG must be grey or RGB; convert it. "
            f"Received: {header.channels} channels (CMYK has 4)"
        )
    if header.animated:
        raise DataError(f"{name}: an image must be still. Received: an animated PNG")


def _received(header: _Header) -> str:
    return f"Received: {header.width} x {header.height} pixels"


def _read_header(data: bytes, name: str) -> _Header:
    if data.startswith(PNG_SIGNATURE):
        header = _png_header(data)
    elif data.startswith(JPEG_SIGNATURE):
        header = _jpeg_header(data)
    else:
        raise DataError(f"{name}: neither a PNG nor a JPEG. Received: {_describe(data)}")
    if header is None:
        raise DataError(f"{name}: the file breaks off inside its header or is damaged.")
    return header


def _describe(data: bytes) -> str:
    if not data:
        return "an empty file (0 bytes)"
    for signature, description in _OTHER_FORMATS.items():
        if data.startswith(signature):
            return description
    if data[128:132] == b"DICM":
        return "a DICOM file"
    start = data[:64]
    is_text = all(byte >= 32 or byte in b"\t\n\r" for byte in start)
    return f"text, {start[:20].decode(errors='replace')!r}" if is_text else f"{start[:8]!r}"


def _png_header(data: bytes) -> _Header | None:
    ihdr = data[16:26]
    if data[12:16] != b"IHDR" or len(ihdr) < 10:
        return None
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(ihdr[9])
    if channels is None:
        return None
    return _Header(
        width=int.from_bytes(ihdr[:4], "big"),
        height=int.from_bytes(ihdr[4:8], "big"),
        bits=ihdr[8],
        channels=channels,
        animated=any(kind == b"acTL" for kind in _png_chunks(data)),
    )


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """Give the types of the chunks before the pixels."""
    position = len(PNG_SIGNATURE)
    while position + 8 <= len(data):
        kind = data[position + 4 : position + 8]
        if kind == b"IDAT":
            return
        yield kind
        position += 12 + int.from_bytes(data[position : position + 4], "big")


def _jpeg_header(data: bytes) -> _Header | None:
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


def _jpeg_frame(frame: bytes) -> _Header:
    return _Header(
        bits=frame[0],
        height=int.from_bytes(frame[1:3], "big"),
        width=int.from_bytes(frame[3:5], "big"),
        channels=frame[5],
    )
