"""One pass over the files of a data set, in parallel, which finds the facts about each.

A file is judged by the very functions that training reads it with, so that an audit finds a fault
where a training would stop, and nowhere else. It is decoded in full: the hash of its pixels asks
for that, and all the rest comes from the same pixels.
"""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dlmath.audit.facts import THUMBNAIL, Facts
from dlmath.audit.quality import jpeg_quality
from dlmath.audit.remembered import Remembered
from dlmath.data.exif import orientation
from dlmath.data.image_headers import BadImage, Header, damaged, read_header
from dlmath.data.images import decode_upright, read_checked
from dlmath.data.pixels import in_threads
from dlmath.data.sources import Example
from dlmath.reporting import SILENT, Reporter

# Pillow leaves Python's lock for the decoding alone: further threads would wait for the lock.
THREADS = 4
# Pixels from which images are decoded one at a time: four of 100 megapixels would take gigabytes.
_LARGE = 10_000_000
_one_large_image = threading.Lock()


def gather_facts(examples: Sequence[Example], *, reporter: Reporter = SILENT) -> list[Facts]:
    """Find the facts about every example, in their order.

    What an earlier audit found out about the same bytes is taken from the cache.

    Args:
        examples: What to look at. Bad files are no error here: their facts name the fault.
        reporter: Receives the progress.
    """
    remembered = Remembered({example.sha256 for example in examples})
    facts = []
    looked_at = in_threads(lambda example: _look_at(example, remembered), examples, THREADS)
    for done, (found, sha256) in enumerate(looked_at, start=1):
        facts.append(found)
        remembered.add(sha256, found)
        reporter.progress("looking at images", done, len(examples))
    remembered.save()
    return facts


def _look_at(example: Example, remembered: Remembered) -> tuple[Facts, str]:
    """Return the facts about one example, and the sha256 of the bytes that they are about."""
    path, name = Path(example.path), example.file
    size = path.stat().st_size if path.is_file() else 0
    if size and (known := remembered.get(example.sha256, file=name, size=size)):
        return known, example.sha256
    try:
        data = read_checked(path, name)
        # Hashed again: the file may have changed since the catalogue was made.
        return facts_of(data, name, size), hashlib.sha256(data).hexdigest()
    except BadImage as error:
        return _faulty(error, name, size), ""


def facts_of(data: bytes, name: str, size: int) -> Facts:
    """Find the facts about a file of `size` bytes, of which `read_checked` made `data`.

    Raises:
        BadImage: Its pixels cannot be decoded.
    """
    header = read_header(data, name)
    try:
        if header.width * header.height < _LARGE:
            measured = _measure(data)
        else:
            with _one_large_image:
                measured = _measure(data)
    # Each of Pillow's readers fails by an exception of its own; all of them say this.
    except Exception as error:
        raise damaged(name, data) from error
    return Facts(
        file=name,
        size=size,
        quality=_quality(data) if header.format == "JPEG" else None,
        orientation=orientation(data),
        **_claims(header),
        **measured,
    )


def _faulty(error: BadImage, name: str, size: int) -> Facts:
    claims = _claims(error.header) if error.header else {}
    return Facts(file=name, size=size, fault=error.kind, reason=str(error), **claims)


def _claims(header: Header) -> dict[str, Any]:
    return {key: getattr(header, key) for key in ("format", "width", "height", "mode", "bits")}


def _measure(data: bytes) -> dict[str, Any]:
    image = decode_upright(data)
    grey_image = image.convert("L")
    grey = np.asarray(grey_image)
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    small = grey_image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    return {
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
    import io

    tables = JpegImageFile(io.BytesIO(data)).quantization
    return jpeg_quality(tables[min(tables)]) if tables else None
