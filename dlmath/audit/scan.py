"""Scan of the files of a dataset: one parallel pass that measures the statistics of each image.

A file is judged by the very functions that training reads it with, so that an audit finds a fault
where a training would stop, and nowhere else. It is decoded in full: the hash of its pixels asks
for that, and all the rest comes from the same pixels.
"""

import hashlib
import io
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dlmath.audit.image_stats import THUMBNAIL, ImageStats
from dlmath.audit.stats_cache import StatsCache
from dlmath.data.exif import orientation
from dlmath.data.image_headers import BadImage, Header, damaged
from dlmath.data.images import CheckedImage, decode_upright, open_checked
from dlmath.data.lost_data import flat_lower_share, is_blank, is_cut_short
from dlmath.data.pixels import in_threads
from dlmath.data.sources import ImageRecord
from dlmath.reporting import SILENT, Reporter

# Pillow releases Python's lock only while it decodes: further threads would wait for the lock.
THREADS = 4
# Pixels from which images are decoded one at a time: four of 100 megapixels would take gigabytes.
_LARGE = 10_000_000
_one_large_image = threading.Lock()

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


def scan_images(
    examples: Sequence[ImageRecord], *, reporter: Reporter = SILENT
) -> list[ImageStats]:
    """Measure the statistics of every example, in the order given.

    Those of bytes that an earlier audit scanned are taken from the cache.

    Args:
        examples: The images to scan. Bad files are no error here: their statistics name the fault.
        reporter: Receives the progress.
    """
    cached = StatsCache({example.sha256 for example in examples})
    stats = []
    looked_at = in_threads(lambda example: _look_at(example, cached), examples, THREADS)
    for done, (found, sha256) in enumerate(looked_at, start=1):
        stats.append(found)
        cached.add(sha256, found)
        reporter.progress("looking at images", done, len(examples))
    cached.save()
    return stats


def _look_at(example: ImageRecord, cached: StatsCache) -> tuple[ImageStats, str]:
    """Return the statistics of one example, and the sha256 of the bytes that were measured."""
    path, name = Path(example.path), example.file
    size = path.stat().st_size if path.is_file() else 0
    if size and (known := cached.get(example.sha256, file=name, size=size)):
        return known, example.sha256
    try:
        image = open_checked(path, name)
        # Hashed again: the file may have changed since the dataset was made.
        return stats_of(image, name, size), hashlib.sha256(image.raw).hexdigest()
    except BadImage as error:
        return _faulty(error, name, size), ""


def stats_of(image: CheckedImage, name: str, size: int) -> ImageStats:
    """Measure a file of `size` bytes that `open_checked` read.

    Raises:
        BadImage: Its pixels cannot be decoded.
    """
    data, header = image.data, image.header
    is_jpeg = header.format == "JPEG" and data is image.raw
    try:
        if header.width * header.height < _LARGE:
            measured = _measure(data)
        else:
            with _one_large_image:
                measured = _measure(data)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise damaged(name, data) from error
    return ImageStats(
        file=name,
        size=size,
        quality=_quality(data) if is_jpeg else None,
        orientation=orientation(data),
        levels_lost=bool(image.doubts),
        **_claims(header),
        **measured,
    )


def _faulty(error: BadImage, name: str, size: int) -> ImageStats:
    claims = _claims(error.header) if error.header else {}
    return ImageStats(file=name, size=size, fault=error.kind, reason=str(error), **claims)


def _claims(header: Header) -> dict[str, Any]:
    return {key: getattr(header, key) for key in ("format", "width", "height", "mode", "bits")}


def _measure(data: bytes) -> dict[str, Any]:
    image = decode_upright(data)
    grey_image = image.convert("L")
    grey = np.asarray(grey_image)
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    small = grey_image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    return {
        "is_cut_short": is_cut_short(data),
        "flat_share": flat_lower_share(grey),
        "is_blank": is_blank(np.asarray(image)),
        "brightness": float(grey.mean()),
        "border": float(border.mean()),
        "border_spread": float(border.std()),
        "pixel_hash": _pixel_hash(image),
        "thumbnail": np.asarray(small),
    }


def _pixel_hash(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.size} ".encode())
    digest.update((image if image.mode == "RGB" else image.convert("RGB")).tobytes())
    return digest.hexdigest()


def _quality(data: bytes) -> int | None:
    tables = JpegImageFile(io.BytesIO(data)).quantization
    return jpeg_quality(tables[min(tables)]) if tables else None


def jpeg_quality(table: Sequence[int]) -> int:
    """Return the quality, 1 to 100, whose luminance table is nearest to `table`.

    libjpeg scales the tables of ITU-T T.81, annex K, by the quality q: every entry t becomes
    (t * s + 50) // 100, between 1 and 255, with s = 5000 // q below 50 and s = 200 - 2 q from there
    on. Cameras and other programs have tables of their own, and get the q whose table is nearest.
    Source: libjpeg, jcparam.c, `jpeg_quality_scaling` and `jpeg_add_quant_table`.

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
