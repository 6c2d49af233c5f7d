"""Grey levels of a film before and after its conversion to 8 bits, which doubt what came of it.

A window in another unit than the pixels, or a range that one hot pixel sets, leaves a handful of
shades: a picture that is nearly black or nearly white, and no error. The PNG that
`dlmath.data.dicom_pixels` makes carries both numbers in a text chunk.
"""

import re
from typing import NamedTuple, Self

import numpy as np
from PIL.PngImagePlugin import PngInfo

from .image_headers import PNG_SIGNATURE

MOST = 256  # a film of more levels loses some in any conversion to 8 bits

_KEY = "dlmath grey levels"
_TEXT = re.compile(rb"tEXt%b\0(\d+) of (\d+)\." % _KEY.encode())
_HEAD = 256  # bytes in which the chunk lies: only that of the size comes before it


class GreyLevels(NamedTuple):
    """Numbers of distinct grey levels without the padding, at most 256 each.

    Attributes:
        before: Of the values that the DICOM file stores.
        after: Of the picture of 8 bits.
    """

    before: int
    after: int

    @property
    def are_lost(self) -> bool:
        """Return whether the conversion merged more than half of the levels with others."""
        return 2 * self.after < self.before

    def as_png_text(self) -> PngInfo:
        """Return the text chunk of the PNG, which a full stop ends."""
        text = PngInfo()
        text.add_text(_KEY, f"{self.after} of {self.before}.")
        return text

    @classmethod
    def of_png(cls, data: bytes) -> Self | None:
        """Return the levels that a PNG carries; None for an image that was no DICOM file."""
        if not data.startswith(PNG_SIGNATURE):
            return None
        found = _TEXT.search(data, 0, _HEAD)
        return cls(before=int(found[2]), after=int(found[1])) if found else None


def doubts_of(png: bytes) -> tuple[str, ...]:
    """Return why not to rely on the picture of a DICOM file, a sentence each.

    Args:
        png: What `dlmath.data.dicom_pixels` made of the file, or any other image.
    """
    levels = GreyLevels.of_png(png)
    if levels is None or not levels.are_lost:
        return ()
    more = " or more" if levels.before == MOST else ""
    return (
        f"of {levels.before}{more} grey levels only {levels.after} are left in 8 bits: the window "
        "is narrow or in another unit than the values, or a few far values take the range",
    )


def count_levels(values: np.ndarray) -> int:
    """Return how many distinct numbers there are in an array of any shape, at most 256."""
    if values.size == 0:
        return 0
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" or int(high) - int(low) >= 2**16:
        return min(MOST, len(np.unique(values)))
    counts = np.bincount((values.astype(np.int64) - int(low)).ravel())  # faster than sorting
    return min(MOST, int(np.count_nonzero(counts)))
