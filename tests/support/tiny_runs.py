"""A finished run made by hand in a second: drawn images and a model whose weights are set.

The model calls an image positive the brighter it is, so every figure can be foreseen.
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from dlmath import models
from dlmath.data.sources import read_sources
from dlmath.data.splits import split_examples, write_split
from dlmath.recipe import Recipe
from dlmath.runs import Run, write_bytes, write_json, write_text
from dlmath.training.manifest import first_manifest
from dlmath.training.preparation import Prepared
from tests.support import tiny_network

RECIPE = Recipe(
    name="tiny",
    classes=("NORMAL", "PNEUMONIA"),
    positive_class="PNEUMONIA",
    patient_rules=(r"^(?P<patient>[a-z]+\d+)_",),
    backbone=tiny_network.NAME,
    weights="none",
    image_size=16,
    validation_fraction=0.25,
)
THRESHOLD = 0.5
BRIGHTNESS = {"NORMAL": 100, "PNEUMONIA": 140}  # of 255; the model's p is 0.5 at 120
PATIENTS = {"train": 8, "test": 6}  # of each class, two images of each


def write_tiny_run(folder: Path) -> Path:
    """Write `data/` and the finished run `runs/tiny/` into `folder`, and return it."""
    write_images(folder / "data")
    write_run(Run(folder / "runs" / "tiny"), folder / "data", RECIPE)
    return folder


def write_images(root: Path) -> None:
    """Draw grey noise of each class's brightness; the classes overlap a little."""
    rng = np.random.default_rng(0)
    for part, patients in PATIENTS.items():
        for label, brightness in BRIGHTNESS.items():
            for patient in range(patients):
                level = brightness + rng.normal(0, 25)
                for number in range(2):
                    name = f"{label[0].lower()}{part[:2]}{patient}_{number}"
                    ending = "png" if number else "jpeg"
                    path = root / part / label / f"{name}.{ending}"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    draw(level, rng).save(path)


def draw(level: float, rng: np.random.Generator) -> Image.Image:
    """Return an RGB image of 20 x 24 pixels around a grey level."""
    noise = rng.normal(level, 8, (24, 20, 3))
    return Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))


def brightness_model(classes: int = 2, size: int = 16) -> keras.Model:
    """Return the model: the mean brightness x gives class 1 the logit (x - 120) / 20."""
    images = keras.Input((size, size, 3), name="images")
    mean = keras.layers.GlobalAveragePooling2D(name="mean")(images)
    head = keras.layers.Dense(classes, activation="softmax", name="probabilities")
    model = keras.Model(images, head(mean))
    kernel, bias = np.zeros((3, classes)), np.zeros(classes)
    kernel[:, 1], bias[1] = 1 / 60, -6.0
    head.set_weights([kernel, bias])
    return model


def brightness_network(image_size: int, classes: int, **_: Any) -> keras.Model:
    """Build the model as a recipe's network; it takes none of the options of one."""
    return brightness_model(classes, image_size)


def write_run(run: Run, data: Path, recipe: Recipe, model: keras.Model | None = None) -> None:
    """Write the files of a finished run on `data`."""
    dataset = read_sources([data], classes=recipe.classes, patient_rules=recipe.patient_rules)
    split = split_examples(
        dataset,
        seed=recipe.seed,
        validation_fraction=recipe.validation_fraction,
        test_fraction=recipe.test_fraction,
    )
    run.folder.mkdir(parents=True)
    write_text(run.recipe_path, recipe.to_toml())
    write_split(split, run.split_path)
    (model or brightness_model(len(recipe.classes), recipe.image_size)).save(run.model_path)
    threshold = {"value": THRESHOLD, "chosen_on": "validation", "rule": recipe.threshold_rule}
    prepared = Prepared(recipe, dataset, split, (data,))
    manifest = {
        **first_manifest(run, prepared, device={}, threads={}, command="dlmath train tiny"),
        "state": "finished",
        "finished": "2026-01-01T00:00:00+00:00",
        "threshold": threshold if recipe.is_binary else None,
    }
    write_json(run.manifest_path, manifest)


def write_light(run: Run) -> None:
    """Give a tiny run the light form of its brightness model, as training does for a real one."""
    with tiny_network.known():
        model = models.load(run)
    head = model.get_layer("probabilities")
    below = keras.Model(model.input, head.input)
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    concrete = tf.function(lambda images: below(images)).get_concrete_function(signature)
    network = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    arrays = io.BytesIO()
    kernel, bias = head.get_weights()
    np.savez(arrays, kernel=kernel, bias=bias)
    write_bytes(run.light_network_path, network)
    write_bytes(run.light_head_path, arrays.getvalue())
    record = {
        "features_sha256": hashlib.sha256(network).hexdigest(),
        "head_sha256": hashlib.sha256(arrays.getvalue()).hexdigest(),
        "largest_difference": 0.0,
        "images": 1,
    }
    run.update_manifest(light=record)


def give_known_network(run: Run) -> None:
    """Give a tiny run a network that every process can build, with random weights."""
    recipe = run.recipe.replace(backbone="malaria_cnn")
    write_text(run.recipe_path, recipe.to_toml())
    models.build(recipe).save(run.model_path)
