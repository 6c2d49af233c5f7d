"""Small pictures of image files that a page can hold."""

import base64
import io
from pathlib import Path

from PIL import Image

from dlmath.data import images
from dlmath.errors import DataError


def thumbnail_address(path: Path, file: str, size: int) -> str | None:
    """Return an image, `size` pixels a side, as a `data:` address; None if it cannot be read.

    Args:
        path: Where the image lies.
        file: Its name in the dataset.
        size: Pixels a side; the aspect ratio is not kept, as a network sees it.
    """
    try:
        image = Image.fromarray(images.read(path, file, size))
    except DataError:
        return None
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
