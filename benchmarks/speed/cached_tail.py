"""Images a second of fine-tuning: stock Keras on every weight, the live tail, the cached tail.

    python benchmarks/speed/cached_tail.py ../shared/data

All three train EfficientNet-Lite0 in batches of 32 on the same chest X-rays, decoded beforehand,
and take turns. Stock Keras trains every weight, its batch normalisation too, by `fit` without XLA,
which is many times slower for these convolutions on a CPU. The live tail runs the frozen layers in
every step; the cached one reads what they gave from mapped files, as float16 and with 8 bits. What
computing that costs once, and by how much either changes logits, is measured too. Writes
`benchmarks/results/cached-tail.json`.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dlmath import models, seeds
from dlmath.bench.timing import take_turns
from dlmath.data.pipeline import training_batches
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.models.efficientnet_lite import efficientnet_lite0
from dlmath.models.tail_model import Parts, split_at_tail
from dlmath.recipe import Recipe
from dlmath.training.devices import choose_device
from dlmath.training.optimizer import compile_for_training, compile_logits
from dlmath.training.tail_features import (
    EpochRows,
    augmented_views,
    freeze_trunk,
    row_format,
    store_features,
)

RESULT = Path(__file__).parents[1] / "results" / "cached-tail.json"
STOCK, LIVE, CACHED = "stock Keras, every weight", "live tail", "cached tail"
BYTES = "cached tail, 8 bits"
BATCH, STEPS, VIEWS = 32, 3, 2
IMAGES = BATCH * STEPS
RECIPE = Recipe(
    name="bench",
    classes=("NORMAL", "PNEUMONIA"),
    backbone="efficientnet_lite0",
    tune="tail",
    batch_size=BATCH,
    mixup=0.2,
    augmented_views=VIEWS,
    rotation=10.0,
    zoom=0.1,
    brightness=0.2,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    archive = arguments.data / "chest_xray" / "chest_xray_test_224.zip"
    examples = read_sources([archive], classes=RECIPE.classes).examples
    order = seeds.generator("cached tail").permutation(len(examples))[:IMAGES]
    chosen = tuple(examples[row] for row in order)
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLMATH_HOME"] = home
        result = measure(chosen, arguments.rounds)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def measure(examples: tuple[ImageRecord, ...], rounds: int) -> dict:
    """Return the result that is written."""
    pixels = load_pixels(examples, RECIPE.image_size).array
    index = {name: number for number, name in enumerate(RECIPE.classes)}
    labels = np.eye(2, dtype=np.float32)[[index[one.label] for one in examples]]
    model = models.build(RECIPE)
    parts = split_at_tail(model, RECIPE)
    cached, computing = cached_epoch(RECIPE, examples, labels)
    eight_bits, _ = cached_epoch(RECIPE.replace(kept_activations="uint8"), examples, labels)
    comparison = take_turns(
        f"Training EfficientNet-Lite0 at {RECIPE.image_size} px, batches of {BATCH}",
        {
            STOCK: stock_epoch(pixels, labels),
            LIVE: epochs_of(
                compile_for_training(models.build(RECIPE), RECIPE, STEPS),
                lambda epoch: training_batches(pixels, labels, RECIPE, epoch=epoch),
            ),
            CACHED: cached,
            BYTES: eight_bits,
        },
        baseline=STOCK,
        amount=IMAGES,
        unit="images",
        rounds=rounds,
    )
    return {
        "command": "python benchmarks/speed/cached_tail.py DATA",
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "training": comparison.as_json(),
        "computing_images_per_second": computing,
        "kept": {
            name: kept_error(parts, pixels, RECIPE.replace(kept_activations=name))
            for name in ("float16", "uint8")
        },
    }


def stock_epoch(pixels: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    """Return what trains every weight for an epoch, as Keras's guides do it."""
    images = keras.Input((RECIPE.image_size, RECIPE.image_size, 3))
    features = efficientnet_lite0(RECIPE.image_size, imagenet=True)(images)
    x = keras.layers.GlobalAveragePooling2D()(features)
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "categorical_crossentropy", jit_compile=False)
    batches = tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(BATCH)
    batches = batches.map(lambda x, y: (tf.cast(x, tf.float32), y)).prefetch(2)
    return lambda: model.fit(batches, shuffle=False, verbose=0)


def epochs_of(
    model: keras.Model, batches: Callable[[int], tf.data.Dataset]
) -> Callable[[], object]:
    """Return what trains a compiled model for as many steps, as the trainer's loop does it.

    The batches go on from one call to the next: preparing them is a matter of the first one.
    """
    model.make_train_function()
    iterator = iter(batches(0).concatenate(batches(1)).repeat())

    def epoch() -> None:
        for _ in range(STEPS):
            float(model.train_function(iterator)["loss"])

    return epoch


def cached_epoch(
    recipe: Recipe, examples: tuple[ImageRecord, ...], labels: np.ndarray
) -> tuple[Callable[[], object], float]:
    """Return what trains the tail for an epoch, and at how many images a second it was cached."""
    parts = split_at_tail(models.build(recipe), recipe)
    network = freeze_trunk(parts, choose_device("cpu"), recipe)
    views = augmented_views(recipe, examples)
    few = examples[: network.threads * network.batch_size]
    store_features(few, network)  # prepares interpreters and graphs, outside the clock
    began = time.perf_counter()
    stored = [store_features(examples, network, view=view) for view in views]
    rate = len(views) * len(examples) / (time.perf_counter() - began)
    shape = parts.tail.input_shape[1:]
    rows = tuple(one.array.reshaped(shape) for one in stored)
    batches = lambda epoch: training_batches(  # noqa: E731
        EpochRows(rows, epoch), labels, recipe, epoch=epoch, are_pixels=False
    )
    return epochs_of(compile_logits(parts.logits, recipe, STEPS), batches), rate


def kept_error(parts: Parts, pixels: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Return the largest difference that the way to keep activations makes to a logit."""
    kept = row_format(parts, recipe)
    exact = np.asarray(parts.trunk(pixels[:BATCH].astype(np.float32), training=False))
    shape = (-1, *parts.tail.input_shape[1:])
    rounded = kept.decode(kept.encode(exact)).astype(np.float32)
    wanted, found = (
        np.asarray(parts.logits(rows.reshape(shape), training=False)) for rows in (exact, rounded)
    )
    return {
        "row_bytes": kept.row_bytes(exact.shape[1]),
        "largest_difference": float(np.abs(found - wanted).max()),
        "standard_deviation_of_logits": float(wanted.std()),
    }


if __name__ == "__main__":
    main()
