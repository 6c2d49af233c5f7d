"""Decode every image once and keep the resized pixels, in memory or in a mapped cache file.

Pillow reads them, since it is about twice as fast here as a TensorFlow graph of the same
specification (benchmarks/speed/bench_decode.py).
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dlmath.data import images, pixel_cache
from dlmath.data.conversion import has_heif
from dlmath.data.conversion_version import reading_version
from dlmath.data.dicom import has_pydicom
from dlmath.data.image_formats import format_of_file
from dlmath.data.sources import ImageRecord
from dlmath.errors import DataError
from dlmath.reporting import SILENT, Progress

__all__ = [
    "BadFile",
    "Pixels",
    "bad_files_error",
    "in_threads",
    "load_pixels",
    "read_or_reason",
    "reserve_room",
]

Item = TypeVar("Item")
Result = TypeVar("Result")

# 14,000 images of 224 x 224. A mapped file costs little more once the system holds its pages.
MEMORY_LIMIT = 2 * 2**30
THREADS = 16  # decoding leaves Python's lock, reading waits for the disk
BAD_FILES_NAMED = 10
SKIP_ADVICE = "Repair or remove them, or leave them out with --set on_bad_file=skip"


@dataclass(frozen=True)
class BadFile:
    """A file that could not be read as an image, and why, in one line."""

    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class Pixels:
    """Resized images, row i of `array` being `examples[i]`.

    Attributes:
        array: uint8 (N, size, size, 3), in memory or mapped read-only from a file.
        examples: The N examples that could be read, in the order given.
        bad: The files passed over.
    """

    array: np.ndarray
    examples: tuple[ImageRecord, ...]
    bad: tuple[BadFile, ...] = ()


def load_pixels(
    examples: Sequence[ImageRecord],
    image_size: int,
    *,
    on_bad_file: str = "error",
    bad_file_advice: str = SKIP_ADVICE,
    progress: Progress | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Pixels:
    """Read, check, decode and resize every example, on all cores.

    Args:
        examples: What to read.
        image_size: Side of the squares in pixels.
        on_bad_file: "error", or "skip" to leave out what cannot be read.
        bad_file_advice: What to do about bad files, the end of the error.
        progress: Called after each image with (done, total).
        memory_limit: Pixels of more bytes than this go to a file in the cache, which the next
            call with the same images finds again.

    Raises:
        DataError: There are bad files and `on_bad_file` is "error", no file could be read, or
            the cache's disk is full.
    """
    report = progress or SILENT.task("reading images")
    if len(examples) * image_size**2 * 3 <= memory_limit:
        array, reasons = _in_memory(examples, image_size, report)
    else:
        array, reasons = _in_cache(examples, image_size, report)
    bad = tuple(BadFile(examples[row].file, reason) for row, reason in reasons.items())
    if bad and (on_bad_file == "error" or len(bad) == len(examples)):
        raise bad_files_error(bad, len(examples), bad_file_advice)
    kept = tuple(example for row, example in enumerate(examples) if row not in reasons)
    return Pixels(array, kept, bad)


def reserve_room(
    examples: Sequence[ImageRecord], image_size: int, memory_limit: int = MEMORY_LIMIT
) -> None:
    """Make room in the cache for the pixels that `load_pixels` would keep there.

    Raises:
        DataError: The disk has no room for them.
    """
    if len(examples) * image_size**2 * 3 > memory_limit:
        shape = (image_size, image_size, 3)
        pixel_cache.reserve(_cache_key(examples, image_size), shape, len(examples))


def _in_memory(
    examples: Sequence[ImageRecord], size: int, report: Progress
) -> tuple[np.ndarray, dict[int, str]]:
    array = np.empty((len(examples), size, size, 3), np.uint8)
    rows = iter(array)

    def put(image: np.ndarray) -> None:
        next(rows)[...] = image

    reasons = _read_all(examples, size, put, report)
    return array[: len(examples) - len(reasons)], reasons


def _in_cache(
    examples: Sequence[ImageRecord], size: int, report: Progress
) -> tuple[np.ndarray, dict[int, str]]:
    array, note = pixel_cache.fetch(
        _cache_key(examples, size),
        (size, size, 3),
        len(examples),
        lambda put: json.dumps(_read_all(examples, size, put, report)),
    )
    report(len(examples), len(examples))
    return array, {int(row): reason for row, reason in json.loads(note).items()}


def _cache_key(examples: Sequence[ImageRecord], size: int) -> str:
    digest = hashlib.sha256(f"{reading_version()} {size}{_unread(examples)}".encode())
    for example in examples:
        digest.update(f"{example.file}\0{example.sha256}\n".encode())
    return digest.hexdigest()[:32]


def _unread(examples: Sequence[ImageRecord]) -> str:
    """Return the formats among the files whose packages are missing now; blank if none is."""
    missing = {"DICOM": not has_pydicom(), "HEIC": not has_heif()}
    if not any(missing.values()):
        return ""
    formats = {format_of_file(example.path) for example in examples}
    return "".join(f" without {name}" for name in missing if missing[name] and name in formats)


def _read_all(
    examples: Sequence[ImageRecord], size: int, put: pixel_cache.Put, report: Progress
) -> dict[int, str]:
    """Give each image that can be read to `put`; return why the other rows cannot."""
    reasons = {}
    images = in_threads(lambda example: read_or_reason(example, size), examples)
    for row, image in enumerate(images):
        if isinstance(image, str):
            reasons[row] = image
        else:
            put(image)
        report(row + 1, len(examples))
    return reasons


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS
) -> Iterator[Result]:
    """Apply a function in parallel and in order, holding few results; stop at once if interrupted.

    Args:
        function: Called in the threads.
        items: Taken only when there is room for their results.
        threads: How many calls are under way at a time.
    """
    executor = ThreadPoolExecutor(threads, thread_name_prefix="images")
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) > 4 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def read_or_reason(example: ImageRecord, size: int) -> np.ndarray | str:
    """Return the resized image, or the reason why there is none."""
    try:
        return images.read(example.path, example.file, size)
    except DataError as error:
        return str(error)


def bad_files_error(bad: Sequence[BadFile], total: int, advice: str = SKIP_ADVICE) -> DataError:
    """Return the error that names the first of the bad files."""
    lines = [f"  {one.reason}" for one in bad[:BAD_FILES_NAMED]]
    if len(bad) > BAD_FILES_NAMED:
        lines.append(f"  and {len(bad) - BAD_FILES_NAMED} more")
    return DataError(
        f"{len(bad)} of {total} files cannot be used:\n" + "\n".join(lines) + f"\n{advice}"
    )
