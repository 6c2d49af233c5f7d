"""Drawing of a task's phantoms: the plan of its pictures, and the function that draws each."""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from dlmath.data.phantom_plan import Planned


class Drawing(NamedTuple):
    """The drawing of a task, to which `Task.drawing` points.

    Attributes:
        plan: Gives the pictures of so many patients, by a generator.
        draw: Gives the file's bytes, and the mask of the finding as bool (H, W), of a seed, a
            planned picture, a difficulty from 0 to 1 and a size in pixels.
        patients: How many are drawn unless told otherwise.
    """

    plan: Callable[[np.random.Generator, int], list[Planned]]
    draw: Callable[[int, Planned, float, int], tuple[bytes, np.ndarray]]
    patients: int


def encode(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    """Return an image as a file of a kind that Pillow writes, such as PNG.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        kind: Pillow's name of the format.
        options: Of the format.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()
