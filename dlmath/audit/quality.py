"""The quality at which a JPEG was saved, read from its quantisation tables.

libjpeg scales the tables of ITU-T T.81, annex K, by the quality q: every entry t becomes
(t * s + 50) // 100, between 1 and 255, with s = 5000 // q below 50 and s = 200 - 2 q from there on.
Cameras and other programs have tables of their own, and get the q whose table is nearest.

Source: libjpeg, jcparam.c, `jpeg_quality_scaling` and `jpeg_add_quant_table`.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

# Luminance, row by row: ITU-T T.81, table K.1.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)


def jpeg_quality(table: Sequence[int]) -> int:
    """Return the quality, 1 to 100, whose luminance table is nearest to `table`.

    Args:
        table: The 64 entries of the file's first quantisation table, row by row.
    """
    distances = np.abs(_tables() - np.asarray(table)).sum(axis=1)  # (100,)
    return int(distances.argmin()) + 1


@cache
def _tables() -> np.ndarray:
    """Return the luminance tables of the qualities 1 to 100, (100, 64)."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return ((np.outer(scale, _LUMINANCE) + 50) // 100).clip(1, 255)
