"""Images a second, from JPEG files to resized pixels: ours beside Keras's.

Run: python benchmarks/bench_decode.py [FOLDER OF JPEG FILES]

Keras's `image_dataset_from_directory` reads a file with TensorFlow's fast DCT, passes EXIF over
and resizes without antialiasing, so the ratio is the price of pixels that are right. The two take
turns, since other work on the machine would otherwise fall on one of them.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from dlmath.data.pixels import load_pixels
from dlmath.data.sources import Example

SIZE, REPEATS = 224, 7
# Side of the drawn images and their number: a file already small, and a radiograph as it comes.
DRAWN = {"224 x 224": (224, 300), "1,300 x 1,300": (1_300, 30)}


def main() -> None:
    given = sys.argv[1:]
    if given:
        paths = [path for path in Path(given[0]).rglob("*") if path.suffix in (".jpg", ".jpeg")]
        if not paths:
            sys.exit(f"No .jpg or .jpeg file below {given[0]}")
        compare(given[0], sorted(paths))
        return
    for name, (side, count) in DRAWN.items():
        with tempfile.TemporaryDirectory() as folder:
            compare(name, draw(Path(folder), side, count))


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


def compare(name: str, paths: list[Path]) -> None:
    examples = [Example(path.name, path, "", None, None, "") for path in paths]
    readers: dict[str, Callable[[], object]] = {
        "ours": lambda: load_pixels(examples, SIZE),
        "keras": lambda: read_as_keras(paths),
    }
    seconds: dict[str, list[float]] = {reader: [] for reader in readers}
    for repeat in range(REPEATS + 1):
        for reader, read in readers.items():
            start = time.perf_counter()
            read()
            if repeat:  # the first round traces graphs and fills the system's file cache
                seconds[reader].append(time.perf_counter() - start)
    medians = {reader: len(paths) / statistics.median(taken) for reader, taken in seconds.items()}
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["keras"], strict=True)]
    spread = max(max(taken) / min(taken) for taken in seconds.values())
    print(
        f"{name}, {len(paths)} files to {SIZE}: ours {medians['ours']:,.0f} images/s, "
        f"keras {medians['keras']:,.0f}, ratio {statistics.median(ratios):.2f}, "
        f"slowest/fastest {spread:.1f}"
    )


def read_as_keras(paths: list[Path]) -> None:
    labels = [0] * len(paths)
    batches = keras.utils.image_dataset_from_directory(
        paths[0].parent,
        labels=labels,
        image_size=(SIZE, SIZE),
        shuffle=False,
        verbose=False,
    )
    for batch in batches:
        del batch


if __name__ == "__main__":
    main()
