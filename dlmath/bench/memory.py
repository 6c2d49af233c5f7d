"""Memory that the cache and the solver take at the size of the whole malaria set."""

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dlmath import seeds
from dlmath.bench.timing import Comparison
from dlmath.convex import fit_head
from dlmath.features.store import FeatureStore

IMAGES, FEATURES, SEGMENT = 27_558, 1280, 512


def run(rounds: int) -> list[Comparison]:
    """Store generated features, gather them and solve for a head, in a process of its own."""
    results = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for _ in range(min(rounds, 2)):
            results.append(pool.apply(_store_gather_and_solve))
    stages = {name: tuple(result[name] for result in results) for name in ("gather", "solve")}
    peak = max(result["peak"] for result in results)
    return [
        Comparison(
            title=f"Head of {IMAGES:,} images: {peak / 2**30:.2f} GiB resident at most, "
            "TensorFlow's library included",
            baseline="solve",
            amount=IMAGES,
            unit="images",
            seconds=stages,
            notes={},
        )
    ]


def _store_gather_and_solve() -> dict[str, float]:
    draw = seeds.generator("bench", "memory")
    labels = np.arange(IMAGES) % 2
    keys = [index.to_bytes(32, "big") for index in range(IMAGES)]
    shift = draw.normal(size=FEATURES).astype(np.float32) / 8
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder), FEATURES)
        for first in range(0, IMAGES, SEGMENT):
            part = slice(first, first + SEGMENT)
            noise = draw.normal(size=(len(labels[part]), FEATURES)).astype(np.float32)
            store.append(keys[part], noise + labels[part, np.newaxis] * shift)
        began = time.perf_counter()
        rows, _ = store.gather(keys)
        gathered = time.perf_counter()
    fit_head(rows, np.eye(2)[labels], np.ones(IMAGES), np.arange(IMAGES) // 140, l2=0.03)
    solved = time.perf_counter()
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"gather": gathered - began, "solve": solved - gathered, "peak": peak}
