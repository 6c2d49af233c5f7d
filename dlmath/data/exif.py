r"""The EXIF orientation of an image file, read without TensorFlow.

`dlmath.data.image_graph` reads the same in TensorFlow operations, and describes where the block
lies and what its numbers mean.
"""

import struct

from PIL import Image

from .image_headers import PNG_SIGNATURE

_ORIENTATION = 0x0112
_SHORT = 3  # the TIFF type of the tag, an unsigned 16-bit number
_ENTRY = 12  # bytes: tag (2), type (2), count (4), value (4)

# The transposition that undoes each orientation.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(data: bytes) -> int:
    """Return the EXIF orientation of a PNG or JPEG file, 1 to 8; 1, upright, where it says none.

    A damaged block counts as none.
    """
    block = _png_block(data) if data.startswith(PNG_SIGNATURE) else _jpeg_block(data)
    return _tiff_orientation(block) if len(block) >= 8 else 1


def _jpeg_block(data: bytes) -> bytes:
    """Walk the segments of metadata; the TIFF block, or nothing."""
    position = 2
    while position + 10 <= len(data):
        mark, marker, length = struct.unpack_from(">BBH", data, position)
        if marker == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0" and length > 8:
            return data[position + 10 : position + 2 + length]
        is_fill = marker == 0xFF
        if mark != 0xFF or not (is_fill or 0xE0 <= marker <= 0xEF or marker == 0xFE):
            return b""
        position += 1 if is_fill else 2 + length
    return b""


def _png_block(data: bytes) -> bytes:
    """Walk the chunks that come before the pixels; the TIFF block, or nothing."""
    position = len(PNG_SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">i4s", data, position)
        length = max(length, 0)  # one above 2^31 is damage
        if kind == b"eXIf" and length:
            return data[position + 8 : position + 8 + length]
        if kind == b"IDAT":
            return b""
        position += 12 + length
    return b""


def _tiff_orientation(block: bytes) -> int:
    """Read the orientation from a TIFF block of at least 8 bytes."""
    order = "<" if block.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(f"{order}I", block, 4)
    if not 8 <= directory <= len(block) - 2:
        return 1
    (claimed,) = struct.unpack_from(f"{order}H", block, directory)
    whole = (len(block) - directory - 2) // _ENTRY  # of a table that may be cut
    found = 1
    for number in range(min(claimed, whole)):
        at = directory + 2 + number * _ENTRY
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", block, at)
        if tag == _ORIENTATION and kind == _SHORT and 1 <= value <= 8:
            found = max(found, value)
    return found
