"""Statistics of one image file: all checks of the audit are computed from these."""

from dataclasses import dataclass

import numpy as np

THUMBNAIL = 64  # pixels a side


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStats:
    """Statistics of one image file. What could not be read is None.

    Attributes:
        file: Name of the image in the dataset.
        size: Size of the file in bytes.
        fault: The kind of fault that keeps it out of training, such as `truncated`; None if sound.
        reason: The fault in one line that begins with the file's name.
        format: By the first bytes, a key of `dlmath.data.image_formats.ENDINGS`; PNG for DICOM.
        width: Pixels, as stored.
        height: Pixels, as stored.
        mode: Colour mode as stored, in Pillow's names: 1, L, LA, P, RGB, RGBA, CMYK, I;16.
        bits: Bits of one sample.
        quality: JPEG quality, 1 to 100, estimated from its quantisation tables.
        orientation: EXIF orientation, 1 to 8.
        brightness: Mean grey level of the upright image, 0 to 255.
        border: Mean grey level of its outermost pixels, 0 to 255.
        border_spread: Standard deviation of their grey levels.
        pixel_hash: sha256 of the upright RGB pixels and their shape, in hexadecimal.
        is_cut_short: Whether the data of a JPEG end before its picture is whole.
        flat_share: Share of the height that is one flat shade at the bottom; 0 below a tenth.
        is_blank: Whether the whole picture is one flat shade, such as black.
        levels_lost: Whether most grey levels of a deep image are one in 8 bits.
        thumbnail: uint8 (64, 64), the upright image in grey, resized without its aspect ratio.
    """

    file: str
    size: int
    fault: str | None = None
    reason: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    mode: str | None = None
    bits: int | None = None
    quality: int | None = None
    orientation: int = 1
    brightness: float | None = None
    border: float | None = None
    border_spread: float | None = None
    pixel_hash: str | None = None
    is_cut_short: bool = False
    flat_share: float = 0.0
    is_blank: bool = False
    levels_lost: bool = False
    thumbnail: np.ndarray | None = None
