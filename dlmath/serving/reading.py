"""From the bytes of an image file to pixels, judged by its header before anything is decoded."""

import numpy as np
from PIL import Image

from dlmath.data.dicom import is_dicom
from dlmath.data.image_headers import BadImage, check_image, damaged, read_header
from dlmath.data.pillow_images import decode_and_resize, decode_upright
from dlmath.serving.limits import MEBIBYTE, Limits
from dlmath.serving.refusal import Refusal, bad_image


def read_pixels(content: bytes, file: str, size: int, limits: Limits) -> np.ndarray:
    """Return an image as `dlmath predict` reads it: uint8 (size, size, 3), RGB.

    Args:
        content: The whole file.
        file: What to call it in a refusal.
        size: Side of the square in pixels.
        limits: On bytes and pixels.

    Raises:
        Refusal: It is too large, no such image, or damaged.
    """
    data = _checked(content, file, limits)
    try:
        return decode_and_resize(data, size)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise bad_image(damaged(file, data)) from error


def read_upright(content: bytes, file: str, limits: Limits) -> Image.Image:
    """Return the picture itself, of any size; raises as `read_pixels`."""
    data = _checked(content, file, limits)
    try:
        return decode_upright(data)
    except Exception as error:
        raise bad_image(damaged(file, data)) from error


def _checked(content: bytes, file: str, limits: Limits) -> bytes:
    """Return a PNG or JPEG file whose header is sound and claims no more than is taken."""
    if len(content) > limits.image_bytes:
        raise Refusal(
            413,
            f"{file}: an image file may have {limits.image_bytes / MEBIBYTE:.0f} MiB. "
            f"Received: {len(content) / MEBIBYTE:.0f} MiB",
            code="oversized",
        )
    try:
        if is_dicom(content):
            from dlmath.data.dicom_pixels import to_png  # here: pydicom is an extra

            content = to_png(content, file)
        header = read_header(content, file)
        if header.width * header.height > limits.pixels:
            raise BadImage(
                f"{file}: an image may have {limits.pixels / 1e6:.0f} megapixels here. "
                f"Received: {header.width} x {header.height} pixels",
                "oversized",
            )
        check_image(content, file)
    except BadImage as error:
        raise bad_image(error) from error
    return content
