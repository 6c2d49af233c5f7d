"""The one specification of decoding and resizing, in Pillow and NumPy: TensorFlow is not loaded.

Training, evaluation and prediction read files by it. It is described in
`dlmath.data.specification`; `dlmath.data.images` has it for exported graphs.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from dlmath.data.image_headers import PNG_END, PNG_SIGNATURE, damaged, read_checked
from dlmath.data.orientation import orientation
from dlmath.data.specification import reduction

# What undoes each EXIF orientation; see `dlmath.data.exif.turn_upright`.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: Path, name: str, size: int) -> np.ndarray:
    """Read, check, decode and resize one file to uint8 (size, size, 3), RGB.

    Raises:
        DataError: It cannot be read as an image; one line that begins with `name`.
    """
    data = read_checked(path, name)
    try:
        return decode_and_resize(data, size)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise damaged(name, data) from error


def decode_and_resize(data: bytes, size: int) -> np.ndarray:
    """Decode a PNG or JPEG file that `check_image` passes to uint8 (size, size, 3), RGB."""
    image = decode_upright(data, size)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.array(image.convert("RGB"))


def decode_upright(data: bytes, size: int | None = None) -> Image.Image:
    """Decode a PNG or JPEG file that `check_image` passes, and undo its EXIF orientation.

    Args:
        data: The whole file.
        size: Decode no larger than resizing to a square of this side asks for.

    Returns:
        The upright picture, in grey (L) or RGB.
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
