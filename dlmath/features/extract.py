"""Compute the features of images that the cache does not have, on all cores, and keep them."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dlmath.data import augment
from dlmath.data.pixels import BadFile, bad_files_error, in_threads, read_or_reason
from dlmath.data.sources import ImageRecord
from dlmath.data.stressed import Corruption
from dlmath.features.network import FrozenNetwork, Runner
from dlmath.features.store import FeatureStore
from dlmath.recipe import Recipe, settings_of
from dlmath.reporting import SILENT, Progress

# The fields of the first keys. Fields that came later are left out while they are off, so that
# what was cached before stays valid.
_ALWAYS_IN_KEYS = frozenset(
    ("brightness", "flip_horizontal", "flip_vertical", "rotation", "seed", "shift", "zoom")
)
SEGMENT_ROWS = 512  # what a kill can cost: some seconds of work


@dataclass(frozen=True)
class View:
    """An augmented view of every image: the k-th draw of the recipe's augmentation.

    Attributes:
        recipe: The recipe, with its augmentation and seed.
        number: k, the number of the draw, from 1.
    """

    recipe: Recipe
    number: int

    @property
    def text(self) -> str:
        """All settings that decide the view, as the cache key of its features."""
        fields = {
            name: value
            for name, about in settings_of(type(self.recipe)).items()
            if about.changes_views
            and ((value := getattr(self.recipe, name)) or name in _ALWAYS_IN_KEYS)
        }
        return json.dumps({"view": self.number, **fields}, sort_keys=True)

    def apply(self, pixels: np.ndarray, keys: Sequence[bytes]) -> np.ndarray:
        """Augment images by draws that depend on nothing but the view and the image.

        Args:
            pixels: uint8 (n, S, S, 3).
            keys: n keys of at least 8 bytes, each made of the image and the view.

        Returns:
            float32 (n, S, S, 3) in 0..255.
        """
        with tf.device("CPU:0"):
            return np.concatenate(
                [self._one(image, key) for image, key in zip(pixels, keys, strict=True)]
            )

    def _one(self, image: np.ndarray, key: bytes) -> np.ndarray:
        seed = tf.constant(np.frombuffer(key[:8], "<i4") & 0x7FFFFFFF)
        drawn = augment.draw(self.recipe, 1, seed)
        return augment.apply(tf.constant(image[np.newaxis], tf.float32), drawn).numpy()


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


def load_features(
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    *,
    view: View | Corruption | None = None,
    on_bad_file: str = "error",
    progress: Progress | None = None,
) -> Features:
    """Return the features of every example, from the cache where it has them.

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
    store = FeatureStore(network.folder, network.feature_count)
    keys = [_key(example, view) for example in examples]
    rows, found = store.gather(keys)
    # Equal images are computed once.
    missing = {keys[place]: examples[place] for place in np.flatnonzero(~found).tolist()}
    reasons: dict[bytes, str] = {}
    started = time.perf_counter()
    if missing:
        store.make_room(len(missing))
        reasons = _compute(missing, network, view, store, progress or SILENT.task("features"))
        rows, found = store.gather(keys)
    rate = len(missing) / (time.perf_counter() - started) if missing else None
    bad = tuple(
        BadFile(example.file, reasons[key])
        for example, key in zip(examples, keys, strict=True)
        if key in reasons
    )
    if bad and (on_bad_file == "error" or len(bad) == len(examples)):
        raise bad_files_error(bad, len(examples))
    kept = tuple(example for example, is_there in zip(examples, found, strict=True) if is_there)
    return Features(rows if found.all() else rows[found], kept, bad, len(missing), rate)


def not_in_cache(
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    view: View | Corruption | None = None,
) -> list[ImageRecord]:
    """Return the examples whose features would have to be computed, equal images once."""
    keys = [_key(example, view) for example in examples]
    _, found = FeatureStore(network.folder, network.feature_count).gather(keys)
    return list(
        {
            key: e for key, e, is_there in zip(keys, examples, found, strict=True) if not is_there
        }.values()
    )


def _key(example: ImageRecord, view: View | Corruption | None) -> bytes:
    """Return the key of a row: the bytes of the file and the view of it, not the file's name."""
    content = bytes.fromhex(example.sha256)
    return hashlib.sha256(content + view.text.encode()).digest() if view else content


def _compute(
    missing: dict[bytes, ImageRecord],
    network: FrozenNetwork,
    view: View | Corruption | None,
    store: FeatureStore,
    progress: Progress,
) -> dict[bytes, str]:
    """Compute and store rows; return why the others cannot be."""
    worker = _Worker(network, view)
    segment: list[tuple[bytes, np.ndarray]] = []
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
            if len(segment) >= SEGMENT_ROWS:
                _flush(segment, store)
            rate = done / (time.perf_counter() - started)
            progress(done, len(missing), f"{rate:,.0f} images/s")
    finally:
        _flush(segment, store)
    return reasons


def _flush(segment: list[tuple[bytes, np.ndarray]], store: FeatureStore) -> None:
    if segment:
        keys, rows = zip(*segment, strict=True)
        segment.clear()
        store.append(keys, np.stack(rows))


def _batches(items: dict[bytes, ImageRecord], size: int) -> Iterator[dict[bytes, ImageRecord]]:
    keys = list(items)
    for first in range(0, len(keys), size):
        yield {key: items[key] for key in keys[first : first + size]}


class _Worker:
    """Decodes and computes a batch in whichever thread calls it.

    A thread does both in turn, so no core waits for a batch that another has not decoded yet.
    """

    def __init__(self, network: FrozenNetwork, view: View | Corruption | None):
        self.network = network
        self.view = view
        self._own = threading.local()

    def __call__(self, batch: dict[bytes, ImageRecord]) -> dict[bytes, np.ndarray | str]:
        """Return a row for each image that can be read, or why there is none."""
        results = {
            key: read_or_reason(example, self.network.image_size) for key, example in batch.items()
        }
        readable = [key for key, image in results.items() if not isinstance(image, str)]
        if readable:
            pixels = np.stack([results[key] for key in readable])
            if self.view:
                pixels = self.view.apply(pixels, readable)
            results |= zip(readable, self._runner(pixels), strict=True)
        return results

    @property
    def _runner(self) -> Runner:
        if not hasattr(self._own, "runner"):
            self._own.runner = self.network.make_runner()
        return self._own.runner
