"""Read an image file: the one way from a file, or its bytes, to checked and decoded pixels.

`read` and `read_upright` judge a file by its header before they decode it, turn DICOM into PNG, and
follow `dlmath.data.specification` in Pillow and NumPy: TensorFlow is not loaded.
`dlmath.data.image_graph` computes the same in TensorFlow operations, for exported graphs.

A LiteRT or ONNX export carries this file as it is, see `dlmath.export.sidecar_files`.
"""

import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from .dicom import is_dicom
from .exif import orientation
from .image_headers import (
    PIXEL_LIMIT,
    PNG_END,
    PNG_SIGNATURE,
    BadImage,
    check_image,
    check_size,
    damaged,
    peek_header,
)
from .specification import reduction

FILE_LIMIT = 2**29  # bytes; as many pixels with four channels, stored as they are, take 400 MB

# Opening a pipe would otherwise wait until somebody writes to it; each system lacks one of the two.
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# How much is read of a file before its header is judged: whole metadata of nearly every JPEG.
_HEAD = 2**20
# The transposition that undoes each EXIF orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ReadLimits(NamedTuple):
    """Bounds on an image file that are checked before it is decoded.

    Attributes:
        file_bytes: Size of the file, in bytes.
        pixels: Width times height.
    """

    file_bytes: int = FILE_LIMIT
    pixels: int = PIXEL_LIMIT


LIMITS = ReadLimits()


def read(source: Path | bytes, name: str, size: int, limits: ReadLimits = LIMITS) -> np.ndarray:
    """Read, check, decode and resize one image file to uint8 (size, size, 3), RGB.

    Args:
        source: The path of a PNG, JPEG or DICOM file, or the bytes of one.
        name: What errors call the file.
        size: Side of the square in pixels; the aspect ratio is not kept.
        limits: Bounds on the file.

    Raises:
        BadImage: It cannot be read as an image; one line that begins with `name`.
    """
    image = read_upright(source, name, size, limits)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.array(image.convert("RGB"))


def read_upright(
    source: Path | bytes, name: str, size: int | None = None, limits: ReadLimits = LIMITS
) -> Image.Image:
    """Read, check and decode one image file, and undo its EXIF orientation.

    Args:
        source: The path of a PNG, JPEG or DICOM file, or the bytes of one.
        name: What errors call the file.
        size: Decode no larger than resizing to a square of this side asks for; None for all pixels.
        limits: Bounds on the file.

    Returns:
        The upright picture, in grey (L) or RGB.

    Raises:
        BadImage: It cannot be read as an image; one line that begins with `name`.
    """
    data = read_checked(source, name, limits)
    try:
        return decode_upright(data, size)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise damaged(name, data) from error


def read_checked(source: Path | bytes, name: str, limits: ReadLimits = LIMITS) -> bytes:
    """Return the bytes of a PNG or JPEG file that `check_image` passes.

    A DICOM file is returned as the PNG that `dlmath.data.dicom_pixels` makes of it. Of a file on
    disk that claims too many pixels only the head is read.

    Args:
        source: The path of the file, or its bytes.
        name: What errors call the file.
        limits: Bounds on the file.

    Raises:
        BadImage: It cannot be read, or is no such image; one line that begins with `name`.
    """
    if isinstance(source, bytes):
        _check_bytes(len(source), name, limits)
        data = source
    else:
        data = _read_file(source, name, limits)
    if is_dicom(data):
        from .dicom_pixels import to_png  # here: pydicom is an extra

        data = to_png(data, name, limits.pixels)
    check_image(data, name, limits.pixels)
    return data


def _read_file(path: Path, name: str, limits: ReadLimits) -> bytes:
    try:
        with os.fdopen(os.open(path, _READ_ONLY), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadImage(f"{name}: not a file but a folder, pipe or device", "unreadable")
            _check_bytes(status.st_size, name, limits)
            return _read_head_first(file, name, limits)
    except OSError as error:
        raise BadImage(f"{name}: cannot be read ({error.strerror})", "unreadable") from error


def _read_head_first(file: BinaryIO, name: str, limits: ReadLimits) -> bytes:
    data = file.read(_HEAD)
    if len(data) < _HEAD:
        return data
    if header := peek_header(data):
        check_size(header, name, limits.pixels)
    return data + file.read()


def _check_bytes(count: int, name: str, limits: ReadLimits) -> None:
    if count > limits.file_bytes:
        raise BadImage(
            f"{name}: an image file may have {limits.file_bytes / 2**20:,.0f} MiB. "
            f"Received: {count / 2**20:,.0f} MiB",
            "oversized",
        )


def decode_upright(data: bytes, size: int | None = None) -> Image.Image:
    """Decode a PNG or JPEG file that `check_image` passes, and undo its EXIF orientation.

    Args:
        data: The whole file.
        size: Decode no larger than resizing to a square of this side asks for; None for all pixels.

    Returns:
        The upright picture, in grey (L) or RGB.

    Raises:
        Exception: The file is damaged; Pillow has many exceptions for it.
    """
    image = _decode(data, size)
    code = orientation(data)
    return image.transpose(_UPRIGHT[code]) if code in _UPRIGHT else image


def _decode(data: bytes, size: int | None) -> Image.Image:
    # Not by `Image.open`: it warns of large images, and opens a phone's JPEG as another format.
    if data.startswith(PNG_SIGNATURE):
        if PNG_END not in data:  # Pillow forgives a cut behind the last pixel
            raise EOFError("the file ends before its last chunk")
        png = PngImageFile(io.BytesIO(data))
        png.info.pop("transparency", None)  # the specification leaves alpha out; Pillow would warn
        return png.convert("L" if png.mode in ("1", "L", "LA") else "RGB")
    jpeg = JpegImageFile(io.BytesIO(data))
    if size is not None:
        width, height = jpeg.size
        ratio = reduction(height, width, size)
        # `draft` takes the largest of 1, 2, 4 and 8 below width // a and height // b for (a, b).
        # With a = width // ratio both quotients lie in [ratio, 2 ratio), so that it takes `ratio`.
        jpeg.draft(None, (width // ratio, height // ratio))
    jpeg.load()
    return jpeg
