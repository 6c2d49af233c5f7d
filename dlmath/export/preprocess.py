"""Read an image file as in training, in Pillow and NumPy.

    from preprocess import preprocess
    pixels = preprocess("image.png", size)  # uint8 (size, size, 3), RGB

Written by `dlmath export`.
"""

from pathlib import Path

import numpy as np
from dlmath_standalone.data import images
from dlmath_standalone.errors import DataError

__all__ = ["DataError", "preprocess"]


def preprocess(path: str | Path, size: int) -> np.ndarray:
    """Read, check, decode and resize an image file to uint8 (size, size, 3), RGB.

    Raises:
        DataError: It cannot be read as an image; one line that begins with its path.
    """
    return images.read(Path(path), str(path), size)
