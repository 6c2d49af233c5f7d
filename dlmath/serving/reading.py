"""Read the image files of requests: `dlmath.data.images`, within the limits of the server."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from dlmath.data import images
from dlmath.data.image_headers import BadImage
from dlmath.data.lost_data import Picture, read_with_doubts
from dlmath.serving.limits import Limits
from dlmath.serving.refusal import bad_image


def read_pixels(content: bytes, file: str, size: int, limits: Limits) -> np.ndarray:
    """Return an image as `dlmath predict` reads it: uint8 (size, size, 3), RGB.

    Args:
        content: The whole file.
        file: What a refusal calls it.
        size: Side of the square in pixels.
        limits: Bounds on bytes and pixels.

    Raises:
        Refusal: It is too large, no such image, or damaged.
    """
    with _bad_images_refused():
        return images.read(content, file, size, limits.of_image)


def read_picture(content: bytes, file: str, size: int, limits: Limits) -> Picture:
    """Return what `read_pixels` does, and the signs that the file lost data."""
    with _bad_images_refused():
        return read_with_doubts(content, file, size, limits.of_image)


def read_upright(content: bytes, file: str, limits: Limits) -> Image.Image:
    """Return the picture in its own size; raises as `read_pixels`."""
    with _bad_images_refused():
        return images.read_upright(content, file, limits=limits.of_image)


@contextmanager
def _bad_images_refused() -> Iterator[None]:
    try:
        yield
    except BadImage as error:
        raise bad_image(error) from error
