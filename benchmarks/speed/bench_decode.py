"""Images a second, from JPEG files to resized pixels: ours against full decoding and Keras.

Run: python benchmarks/speed/bench_decode.py [FOLDER OF JPEG FILES] [--json]

"ours" is `load_pixels`, which decodes large JPEGs at a reduced scale with Pillow; "graph" is the
same specification in TensorFlow operations; "full" is TensorFlow's accurate decoding at full scale
with the same resizing, and the differences in levels are from it. "keras" is
`image_dataset_from_directory`, which reads a file with the fast DCT, passes EXIF over and resizes
without antialiasing. All take turns, since other work on the machine would otherwise fall on one
of them.
"""

import argparse
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from dlmath.data.image_graph import decode_and_resize
from dlmath.data.pixels import in_threads, load_pixels
from dlmath.data.sources import ImageRecord

SIZE, REPEATS = 224, 7
# Side of the drawn images and their number: a file already small, and a radiograph as it comes.
DRAWN = {"224 x 224": (224, 300), "1,300 x 1,300": (1_300, 30)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.folder:
        paths = [p for p in arguments.folder.rglob("*") if p.suffix in (".jpg", ".jpeg")]
        if not paths:
            parser.error(f"no .jpg or .jpeg file below {arguments.folder}")
        results = [compare(str(arguments.folder), sorted(paths))]
    else:
        results = []
        for name, (side, count) in DRAWN.items():
            with tempfile.TemporaryDirectory() as folder:
                results.append(compare(name, draw(Path(folder), side, count)))
    print(json.dumps(results, indent=2) if arguments.json else "\n".join(map(line, results)))


def draw(folder: Path, side: int, count: int) -> list[Path]:
    """Write smooth grey images with some noise, which compress about as radiographs do."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for path in paths:
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float32)
        noisy = smooth + rng.normal(0, 4, smooth.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=85)
    return paths


def compare(name: str, paths: list[Path]) -> dict[str, Any]:
    readers: dict[str, Callable[[], Any]] = {
        "ours": lambda: load_pixels(
            [ImageRecord(p.name, p, "", None, None, "") for p in paths], SIZE
        ),
        "graph": lambda: stack(in_threads(read_in_graph, paths)),
        "full": lambda: stack(in_threads(read_in_full, paths)),
        "keras": lambda: read_as_keras(paths),
    }
    read_in_graph(paths[0]), read_in_full(paths[0])  # traced by one thread, not by each of them
    seconds: dict[str, list[float]] = {reader: [] for reader in readers}
    for repeat in range(REPEATS + 1):
        for reader, read in readers.items():
            start = time.perf_counter()
            read()
            if repeat:  # the first round traces graphs and fills the system's file cache
                seconds[reader].append(time.perf_counter() - start)
    in_full = readers["full"]()
    return {
        "data": name,
        "files": len(paths),
        "size": SIZE,
        "images_per_second": {
            reader: len(paths) / statistics.median(taken) for reader, taken in seconds.items()
        },
        "ratio_to_full": {
            reader: ratio(seconds["full"], taken) for reader, taken in seconds.items()
        },
        "ratio_to_keras": ratio(seconds["keras"], seconds["ours"]),
        "slowest_to_fastest": max(max(taken) / min(taken) for taken in seconds.values()),
        "levels_from_full": {
            "ours": levels(readers["ours"]().array, in_full),
            "jpeg of quality 95": levels(stack(map(saved_and_read, in_full)), in_full),
        },
    }


def ratio(baseline: list[float], taken: list[float]) -> float:
    """Return the median of the ratios of neighbouring turns."""
    return statistics.median(a / b for a, b in zip(baseline, taken, strict=True))


def levels(images: np.ndarray, baseline: np.ndarray) -> dict[str, float]:
    difference = np.abs(images.astype(int) - baseline)
    return {"mean": float(difference.mean()), "max": int(difference.max())}


def saved_and_read(image: np.ndarray) -> np.ndarray:
    """Return what saving as a JPEG of good quality makes of an image: a yardstick for changes."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95)
    return np.asarray(Image.open(stream))


def line(result: dict[str, Any]) -> str:
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in result["images_per_second"].items())
    changes = (
        f"{name} {change['mean']:.2f} in the mean, {change['max']} at most"
        for name, change in result["levels_from_full"].items()
    )
    return (
        f"{result['data']}, {result['files']} files to {SIZE}, images/s: {rates}; "
        f"ours {result['ratio_to_full']['ours']:.2f} and graph "
        f"{result['ratio_to_full']['graph']:.2f} times full, ours {result['ratio_to_keras']:.2f} "
        f"times keras; levels from full: {'; '.join(changes)}; "
        f"slowest/fastest {result['slowest_to_fastest']:.1f}"
    )


def stack(images: Iterable[np.ndarray]) -> np.ndarray:
    return np.stack(list(images))


def read_in_graph(path: Path) -> np.ndarray:
    return decode_in_graph(tf.constant(path.read_bytes())).numpy()


def read_in_full(path: Path) -> np.ndarray:
    return decode_in_full(tf.constant(path.read_bytes())).numpy()


ENCODED = [tf.TensorSpec((), tf.string)]


@tf.function(autograph=False, input_signature=ENCODED)
def decode_in_graph(data: tf.Tensor) -> tf.Tensor:
    return decode_and_resize(data, SIZE)


@tf.function(autograph=False, input_signature=ENCODED)
def decode_in_full(data: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    resized = tf.image.resize(image, (SIZE, SIZE), antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


def read_as_keras(paths: list[Path]) -> None:
    batches = keras.utils.image_dataset_from_directory(
        os.path.commonpath([path.parent for path in paths]),
        labels=None,
        image_size=(SIZE, SIZE),
        shuffle=False,
        verbose=False,
    )
    for batch in batches:
        del batch


if __name__ == "__main__":
    main()
