"""Read an image file: the one way from a file, or its bytes, to checked and decoded pixels.

`read` and `read_upright` judge a file by its header before they decode it, turn DICOM and further
formats into PNG, and follow `dlmath.data.specification` in Pillow and NumPy, without TensorFlow.
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

from .exif import UPRIGHT, orientation
from .image_formats import ENDINGS, describe, format_of
from .image_headers import (
    PIXEL_LIMIT,
    PNG_END,
    PNG_SIGNATURE,
    BadImage,
    Header,
    check_image,
    check_size,
    damaged,
    needs_conversion,
    peek_header,
    read_header,
)
from .specification import reduction

FILE_LIMIT = 2**29  # bytes; as many pixels with four channels, stored as they are, take 400 MB

# Opening a pipe would otherwise wait until somebody writes to it; each system lacks one of the two.
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# How much is read of a file before its header is judged: whole metadata of nearly every JPEG.
_HEAD = 2**20


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
        source: The path of an image file in one of `image_formats.ENDINGS`, or its bytes.
        name: What errors call the file.
        size: Side of the square in pixels; the aspect ratio is not kept.
        limits: Bounds on the file.

    Raises:
        BadImage: It cannot be read as an image; one line that begins with `name`.
    """
    return resized(open_checked(source, name, limits), name, size)


def resized(checked: "CheckedImage", name: str, size: int) -> np.ndarray:
    """Decode and resize an image that was opened to uint8 (size, size, 3), RGB; see `read`."""
    image = _upright(checked.data, name, size)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.array(image.convert("RGB"))


def read_upright(
    source: Path | bytes, name: str, size: int | None = None, limits: ReadLimits = LIMITS
) -> Image.Image:
    """Read, check and decode one image file, and undo its EXIF orientation.

    Args:
        source: The path of an image file in one of `image_formats.ENDINGS`, or its bytes.
        name: What errors call the file.
        size: Decode no larger than resizing to a square of this side asks for; None for all pixels.
        limits: Bounds on the file.

    Returns:
        The upright picture, in grey (L) or RGB.

    Raises:
        BadImage: It cannot be read as an image; one line that begins with `name`.
    """
    return _upright(read_checked(source, name, limits), name, size)


def _upright(data: bytes, name: str, size: int | None) -> Image.Image:
    try:
        return decode_upright(data, size)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise damaged(name, data) from error


class CheckedImage(NamedTuple):
    """An image file that passed its checks, and its bytes as a plain PNG or JPEG.

    Attributes:
        data: The whole file where it is an 8-bit PNG or JPEG in grey or RGB; else the PNG that it
            was turned into.
        header: Format, size, mode and depth as the file itself says; those of a DICOM file are
            of its PNG.
        raw: The bytes of the file itself.
        doubts: Reasons not to rely on the picture, a sentence each.
    """

    data: bytes
    header: Header
    raw: bytes
    doubts: tuple[str, ...] = ()


def read_checked(source: Path | bytes, name: str, limits: ReadLimits = LIMITS) -> bytes:
    """Return the bytes of a file as an 8-bit PNG or JPEG; see `open_checked`."""
    return open_checked(source, name, limits).data


def open_checked(source: Path | bytes, name: str, limits: ReadLimits = LIMITS) -> CheckedImage:
    """Read an image file, and turn all but 8-bit PNGs and JPEGs into a PNG.

    Of a file on disk that claims too many pixels only the head is read.

    Args:
        source: The path of the file, or its bytes.
        name: What errors call the file.
        limits: Bounds on the file.

    Raises:
        BadImage: It cannot be read, or is no such image; one line that begins with `name`.
    """
    return _plain(read_bytes(source, name, limits), name, limits)


def read_bytes(source: Path | bytes, name: str, limits: ReadLimits = LIMITS) -> bytes:
    """Return the bytes of a file as they are, within the limits; see `open_checked`."""
    if isinstance(source, bytes):
        _check_bytes(len(source), name, limits)
        return source
    return _read_file(source, name, limits)


def _plain(raw: bytes, name: str, limits: ReadLimits) -> CheckedImage:
    kind = format_of(raw)
    if kind is None:
        raise BadImage(
            f"{name}: no image of a format that is read ({', '.join(ENDINGS)}). "
            f"Received: {describe(raw)}",
            "mislabelled" if raw else "empty",
        )
    data, header = raw, None
    doubts: tuple[str, ...] = ()
    if kind == "DICOM":
        from .dicom_pixels import to_png  # here: pydicom is an extra

        data = to_png(raw, name, limits.pixels)
    elif needs_conversion(raw):
        from .conversion import as_png  # here: Pillow's readers of further formats load slowly

        data, header, doubts = as_png(raw, name, limits.pixels)
    check_image(data, name, limits.pixels)
    return CheckedImage(data, header or read_header(data, name), raw, doubts)


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
    return image.transpose(UPRIGHT[code]) if code in UPRIGHT else image


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
