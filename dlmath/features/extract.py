"""Compute the features of images that the cache does not have, on all cores, and keep them."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from dlmath.data.pixels import BadFile, bad_files_error, in_threads, read_or_reason
from dlmath.data.sources import ImageRecord
from dlmath.data.stressed import Corruption
from dlmath.features.network import FrozenNetwork, Runner
from dlmath.features.store import FeatureStore, StoredRows
from dlmath.features.view import View
from dlmath.reporting import SILENT, Progress

Item = TypeVar("Item")
Reader = Callable[[dict[bytes, Item]], dict[bytes, np.ndarray | str]]

SEGMENT_ROWS = 512  # what a kill can cost: some seconds of work
SEGMENT_BYTES = 32 * 2**20  # of rows that wait in memory to be written


@dataclass(frozen=True, eq=False)
class Features:
    """Features of images, row i of `array` being those of `examples[i]`.

    Attributes:
        array: float32 (N, D).
        examples: The N examples that could be read, in the order given.
        bad: The files passed over.
        computed: How many rows the cache did not have.
        rate: Images a second of those, decoding included; None if there were none.
    """

    array: np.ndarray
    examples: tuple[ImageRecord, ...]
    bad: tuple[BadFile, ...]
    computed: int
    rate: float | None


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """Features of images that stay in the cache and are read from there as they are needed.

    Attributes:
        array: (N, D), row i being that of `examples[i]`.
        examples: The N examples that could be read, in the order given.
        bad: The files passed over.
        computed: How many rows the cache did not have.
        rate: Images a second of those, decoding included; None if there were none.
    """

    array: StoredRows
    examples: tuple[ImageRecord, ...]
    bad: tuple[BadFile, ...]
    computed: int
    rate: float | None


def load_features(
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    *,
    view: View | Corruption | None = None,
    on_bad_file: str = "error",
    progress: Progress | None = None,
) -> Features:
    """Return the features of every example, from the cache where it has them.

    The arguments and the errors are those of `store_features`.
    """
    stored = store_features(
        examples, network, view=view, on_bad_file=on_bad_file, progress=progress
    )
    return Features(stored.array[:], stored.examples, stored.bad, stored.computed, stored.rate)


def store_features(
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    *,
    view: View | Corruption | None = None,
    on_bad_file: str = "error",
    progress: Progress | None = None,
) -> StoredFeatures:
    """Compute the features that the cache does not have, and return all of them as stored rows.

    Whatever ends this early, a signal or a full disk, leaves what was computed in the cache.

    Args:
        examples: What to read.
        network: Computes the features.
        view: An augmentation or corruption of the images; None takes them as they are.
        on_bad_file: "error", or "skip" to leave out what cannot be read.
        progress: Called after each batch with (done, total, images a second), and may raise.

    Raises:
        DataError: There are bad files and `on_bad_file` is "error", no file could be read, or the
            cache's disk is full.
    """
    keys = [_key(example, view) for example in examples]
    rows, found = network.store.find(keys)
    # Equal images are computed once.
    missing = {keys[place]: examples[place] for place in np.flatnonzero(~found).tolist()}
    reasons: dict[bytes, str] = {}
    started = time.perf_counter()
    if missing:
        network.store.make_room(len(missing))
        reader = _FileReader(network.image_size, view)
        reasons = _compute(missing, reader, network, progress or SILENT.task("features"))
        rows, found = network.store.find(keys)
    rate = len(missing) / (time.perf_counter() - started) if missing else None
    bad = tuple(
        BadFile(example.file, reasons[key])
        for example, key in zip(examples, keys, strict=True)
        if key in reasons
    )
    if bad and (on_bad_file == "error" or len(bad) == len(examples)):
        raise bad_files_error(bad, len(examples))
    kept = tuple(example for example, is_there in zip(examples, found, strict=True) if is_there)
    return StoredFeatures(rows, kept, bad, len(missing), rate)


def store_features_of_pixels(
    pixels: np.ndarray, network: FrozenNetwork, progress: Progress | None = None
) -> StoredRows:
    """Compute the features of images that are in no file, found again by their pixels.

    Args:
        pixels: uint8 (N, S, S, 3).
        network: Computes the features.
        progress: As in `store_features`.

    Raises:
        DataError: The cache's disk is full.
    """
    keys = [hashlib.sha256(b"pixels" + image.tobytes()).digest() for image in pixels]
    rows, found = network.store.find(keys)
    missing = {keys[place]: pixels[place] for place in np.flatnonzero(~found).tolist()}
    if missing:
        network.store.make_room(len(missing))
        _compute(missing, dict, network, progress or SILENT.task("features"))
        rows, _ = network.store.find(keys)
    return rows


def not_in_cache(
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    view: View | Corruption | None = None,
) -> list[ImageRecord]:
    """Return the examples whose features would have to be computed, equal images once."""
    keys = [_key(example, view) for example in examples]
    _, found = network.store.find(keys)
    return list(
        {
            key: e for key, e, is_there in zip(keys, examples, found, strict=True) if not is_there
        }.values()
    )


def _key(example: ImageRecord, view: View | Corruption | None) -> bytes:
    return view.key(example) if view else bytes.fromhex(example.sha256)


def _compute(
    missing: dict[bytes, Item], reader: Reader[Item], network: FrozenNetwork, progress: Progress
) -> dict[bytes, str]:
    """Compute and store rows; return why the others cannot be.

    Args:
        missing: What to compute, by key.
        reader: Reads a batch of it: pixels (S, S, 3), or the reason why there are none, by key.
        network: Computes the features.
        progress: As in `store_features`.
    """
    worker = _Worker(network, reader)
    segment: list[tuple[bytes, np.ndarray]] = []
    segment_rows = max(1, min(SEGMENT_ROWS, SEGMENT_BYTES // network.store.row_bytes))
    reasons: dict[bytes, str] = {}
    started, done = time.perf_counter(), 0
    try:
        for results in in_threads(worker, _batches(missing, network.batch_size), network.threads):
            for key, row in results.items():
                if isinstance(row, str):
                    reasons[key] = row
                else:
                    segment.append((key, row))
            done += len(results)
            if len(segment) >= segment_rows:
                _flush(segment, network.store)
            rate = done / (time.perf_counter() - started)
            progress(done, len(missing), f"{rate:,.0f} images/s")
    finally:
        _flush(segment, network.store)
    return reasons


def _flush(segment: list[tuple[bytes, np.ndarray]], store: FeatureStore) -> None:
    if segment:
        keys, rows = zip(*segment, strict=True)
        segment.clear()
        store.append(keys, np.stack(rows))


def _batches(items: dict[bytes, Item], size: int) -> Iterator[dict[bytes, Item]]:
    keys = list(items)
    for first in range(0, len(keys), size):
        yield {key: items[key] for key in keys[first : first + size]}


@dataclass(frozen=True)
class _FileReader:
    """Reads and augments the images of files."""

    size: int
    view: View | Corruption | None

    def __call__(self, batch: dict[bytes, ImageRecord]) -> dict[bytes, np.ndarray | str]:
        return {key: self._read(key, example) for key, example in batch.items()}

    def _read(self, key: bytes, example: ImageRecord) -> np.ndarray | str:
        image = read_or_reason(example, self.size)
        if self.view is None or isinstance(image, str):
            return image
        if isinstance(self.view, Corruption):
            return self.view.apply(image[np.newaxis], [key])[0]
        partner = self.view.partner(example)
        border = partner and read_or_reason(partner, self.size)
        # A partner that cannot be read leaves the image its own border.
        return self.view.apply(image, key, border if isinstance(border, np.ndarray) else None)


class _Worker(Generic[Item]):
    """Reads and computes a batch in whichever thread calls it.

    A thread does both in turn, so no core waits for a batch that another has not decoded yet.
    """

    def __init__(self, network: FrozenNetwork, reader: Reader[Item]):
        self.network = network
        self.reader = reader
        self._own = threading.local()

    def __call__(self, batch: dict[bytes, Item]) -> dict[bytes, np.ndarray | str]:
        """Return a row for each image that can be read, or why there is none."""
        results = self.reader(batch)
        readable = {key: image for key, image in results.items() if not isinstance(image, str)}
        if readable:
            rows = self._runner(np.stack(list(readable.values())))
            results |= zip(readable, rows, strict=True)
        return results

    @property
    def _runner(self) -> Runner:
        if not hasattr(self._own, "runner"):
            self._own.runner = self.network.make_runner()
        return self._own.runner
