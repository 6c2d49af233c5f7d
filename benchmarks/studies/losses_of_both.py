"""Fifty training steps on real cells: from-scratch layers against Keras's, loss by loss.

Run: python benchmarks/studies/losses_of_both.py DATA      (a source of the malaria task)

Weights, order, augmentation and dropout are the same; only the layers differ. In float32 the two
round differently, and training magnifies rounding: a unit of a ReLU switches a step earlier, and
the paths part. A third network, Keras's own with one weight moved by one unit in the last place,
shows how far only rounding drives two runs apart.
"""

import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np

from dlmath import layers
from dlmath.data.pipeline import training_batches
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import read_sources
from dlmath.data.splits import split_examples
from dlmath.models import other_recipe
from dlmath.models.cell_cnn import malaria_cnn

STEPS = 50
RECIPE = other_recipe("malaria", "paper")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Give the malaria data: python benchmarks/studies/losses_of_both.py DATA")
    images, labels = training_images(Path(sys.argv[1]))
    start = malaria_cnn(RECIPE.image_size, dropout=RECIPE.dropout, seed=0).get_weights()
    moved = [weight.copy() for weight in start]
    moved[0].flat[0] = np.nextafter(moved[0].flat[0], np.float32(1))
    keras_losses = losses(keras.layers, start, images, labels)
    print(f"{len(images)} training images, {STEPS} steps of {RECIPE.batch_size}, float32")
    for name, other in (
        ("from-scratch layers", losses(layers, start, images, labels)),
        ("Keras, one weight moved by one bit", losses(keras.layers, moved, images, labels)),
    ):
        apart = np.abs(np.subtract(keras_losses, other))
        print(
            f"{name}: largest difference {apart.max():.1e} at step {apart.argmax() + 1}, "
            f"{apart[:10].max():.1e} in the first ten; last losses {keras_losses[-1]:.4f}, "
            f"{other[-1]:.4f}"
        )


def training_images(source: Path) -> tuple[np.ndarray, np.ndarray]:
    """The training part of the recipe's split: pixels and one-hot labels."""
    dataset = read_sources([source], classes=RECIPE.classes, patient_rules=RECIPE.patient_rules)
    split = split_examples(
        dataset,
        seed=RECIPE.seed,
        validation_fraction=RECIPE.validation_fraction,
        test_fraction=RECIPE.test_fraction,
    )
    pixels = load_pixels(split.train, RECIPE.image_size)
    classes = [dataset.classes.index(example.label) for example in pixels.examples]
    return pixels.array, np.eye(len(dataset.classes), dtype=np.float32)[classes]


def losses(
    kind: ModuleType, start: list[np.ndarray], images: np.ndarray, labels: np.ndarray
) -> list[float]:
    """The loss before each step."""
    model = malaria_cnn(RECIPE.image_size, dropout=RECIPE.dropout, seed=0, layers=kind)
    model.set_weights(start)
    optimizer = keras.optimizers.Adam(RECIPE.learning_rate)
    model.compile(optimizer, "categorical_crossentropy", jit_compile=False)
    batches = training_batches(images, labels, RECIPE, epoch=0).take(STEPS)
    return [float(model.train_on_batch(x, y, sample_weight=w)) for x, y, w in batches]


if __name__ == "__main__":
    main()
