"""Memory that the cache and the solver take, from the whole malaria set to 200,000 images."""

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dlmath import seeds
from dlmath.bench.timing import Comparison
from dlmath.features.store import FeatureStore
from dlmath.linear_head import fit_head
from dlmath.reporting import SILENT, Reporter

FEATURES, SEGMENT = 1280, 512
IMAGES = (27_558, 200_000)


def run(rounds: int, reporter: Reporter = SILENT) -> list[Comparison]:
    """Store generated features, gather them and solve for a head, in a process of its own."""
    return [_measure(images, min(rounds, 2), reporter) for images in IMAGES]


def _measure(images: int, rounds: int, reporter: Reporter) -> Comparison:
    task, results = f"head of {images:,} images", []
    # A process for each: its peak is of one size, and of nothing that was done before.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for done in range(rounds):
            reporter.progress(task, done, rounds)
            results.append(pool.apply(_store_gather_and_solve, (images,)))
    reporter.progress(task, rounds, rounds)
    peak = max(result["peak"] for result in results)
    return Comparison(
        title=f"Head of {images:,} images: {peak / 2**30:.2f} GiB resident at most, TensorFlow's "
        "library included",
        baseline="solve",
        amount=images,
        unit="images",
        seconds={name: tuple(one[name] for one in results) for name in ("gather", "solve")},
        notes={},
    )


def _store_gather_and_solve(images: int) -> dict[str, float]:
    draw = seeds.generator("bench", "memory")
    labels = np.arange(images) % 2
    keys = [index.to_bytes(32, "big") for index in range(images)]
    shift = draw.normal(size=FEATURES).astype(np.float32) / 8
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder), FEATURES)
        for first in range(0, images, SEGMENT):
            part = slice(first, first + SEGMENT)
            noise = draw.standard_normal((len(labels[part]), FEATURES), np.float32)
            store.append(keys[part], noise + labels[part, np.newaxis] * shift)
        began = time.perf_counter()
        rows = store.find(keys)[0][:]
        gathered = time.perf_counter()
    fit_head(rows, np.eye(2)[labels], np.ones(images), np.arange(images) // 140, l2=0.03)
    solved = time.perf_counter()
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"gather": gathered - began, "solve": solved - gathered, "peak": peak}
