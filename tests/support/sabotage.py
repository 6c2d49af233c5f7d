"""Break a finished run in the ways that nobody notices, one at a time.

Each sabotage is a context manager around a copy of a run: it edits the run's files, or for its
duration the code that would run, as somebody does who gets that part of a library wrong.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.data import pipeline
from dlmath.doctor import images
from dlmath.models import loading
from dlmath.runs import Run, read_json, write_bytes, write_json, write_text
from dlmath.training import checkpoints
from dlmath.training.model_files import write_model


@dataclass(frozen=True)
class Sabotage:
    """One way to break a run.

    Attributes:
        fault: What is wrong then.
        check: The check of the doctor that has to name it.
        of: Breaks a run for the time of a `with` block.
    """

    fault: str
    check: str
    of: Callable[[Run], AbstractContextManager[None]]


def edits(change: Callable[[Run], object]) -> Callable[[Run], AbstractContextManager[None]]:
    """Return a sabotage that changes the run's files for good."""

    @contextmanager
    def broken(run: Run) -> Iterator[None]:
        change(run)
        yield

    return broken


def patches(target: object, name: str, value: object) -> Callable[[Run], AbstractContextManager]:
    """Return a sabotage of the code."""
    return lambda run: mock.patch.object(target, name, value)


def builds(change: Callable[[keras.Model], keras.Model]) -> Callable[[Run], AbstractContextManager]:
    """Return a sabotage of what builds the network of a run; its weights stay as they are."""
    return patches(
        loading, "build", lambda recipe, **options: change(models.build(recipe, **options))
    )


def _applied(model: keras.Model, first: list, last: Callable | None = None) -> keras.Model:
    """Return a chain of layers with others in front, and `last` in the place of its `logits`."""
    x = images_in = keras.Input(model.input_shape[1:], name="images")
    for layer in [*first, *model.layers[1:]]:
        x = last(x, layer) if last and layer.name == "logits" else layer(x)
    return keras.Model(images_in, x)


def scaled_twice(model: keras.Model) -> keras.Model:
    return _applied(model, [keras.layers.Rescaling(1 / 255, name="scaled_already")])


def two_softmaxes(model: keras.Model) -> keras.Model:
    def ends(x, layer):
        return keras.layers.Dense(layer.units, activation="softmax", name="logits")(x)

    return _applied(model, [], ends)


def batch_normalisation_updated(run: Run) -> None:
    model = models.load(run)
    layer = next(
        layer
        for layer in model.get_layer("backbone").layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    layer.moving_mean.assign(layer.moving_mean + 0.1)
    write_model(run, model)


def classes_swapped(run: Run) -> None:
    recipe = run.recipe
    write_text(run.recipe_path, recipe.replace(classes=recipe.classes[::-1]).to_toml())


def classes_swapped_everywhere(run: Run) -> None:
    classes_swapped(run)
    run.update_manifest(classes=list(run.recipe.classes))


def majority(run: Run) -> None:
    model = models.load(run)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([0 * kernel, np.array([4.0, -4.0], bias.dtype)])
    write_model(run, model)


def no_numbers(run: Run) -> None:
    model = models.load(run)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * np.nan, bias])
    write_model(run, model)


def flipped_bit(run: Run) -> None:
    data = bytearray(run.model_path.read_bytes())
    data[len(data) // 2] ^= 1
    run.model_path.write_bytes(data)


def threshold_of_the_test_part(run: Run) -> None:
    run.update_manifest(threshold={**run.manifest["threshold"], "chosen_on": "test"})


def opened_often(run: Run) -> None:
    lines = [{"at": "", "test_part": "x", "model": str(number)} for number in range(3)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_text(run.folder / "test_openings.jsonl", text)


def patient_on_both_sides(run: Run) -> None:
    with run.split_path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    train = next(row for row in rows if row["split"] == "train")
    next(row for row in rows if row["split"] == "test")["patient"] = train["patient"]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(run.split_path, text.getvalue())


def other_light_form(run: Run) -> None:
    head = dict(np.load(run.light_head_path))
    buffer = io.BytesIO()
    np.savez(buffer, **{**head, "bias": head["bias"] + [0.5, 0.0]})
    write_bytes(run.light_head_path, buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    run.update_manifest(light={**run.manifest["light"], "head_sha256": digest})


def flattering_figures(run: Run) -> None:
    metrics = read_json(run.metrics_path)
    metrics["metrics"]["accuracy"]["value"] = 0.999
    write_json(run.metrics_path, metrics)


def _same_seeds(seed: int, purpose: str, epoch: int, steps: int) -> np.ndarray:
    return np.tile(np.array([seed, 1], np.int32), (steps, 1))


def _without_optimizer(arrays, groups) -> None:
    kept = {name: group for name, group in groups.items() if name != "optimizer"}
    _restore(arrays, kept)


_restore = checkpoints.restore


def _without_antialiasing(encoded: tf.Tensor, size: int) -> tf.Tensor:
    image = tf.io.decode_image(encoded, 3, expand_animations=False)
    return tf.cast(tf.round(tf.image.resize(image, (size, size))), tf.uint8)


# A plain chain of layers with augmentation, evaluated once; of two classes.
OF_CHAINS = (
    Sabotage("pixels scaled twice", "scaling of pixels", builds(scaled_twice)),
    Sabotage("loss on probabilities", "output and loss", builds(two_softmaxes)),
    Sabotage("classes in another order", "class order", edits(classes_swapped)),
    Sabotage("classes swapped everywhere", "class order", edits(classes_swapped_everywhere)),
    Sabotage("majority predictor", "one class only", edits(majority)),
    Sabotage("NaN weights", "weights", edits(no_numbers)),
    Sabotage("a flipped bit in the model", "checksums", edits(flipped_bit)),
    Sabotage("threshold of the test part", "threshold", edits(threshold_of_the_test_part)),
    Sabotage("test part opened three times", "test part", edits(opened_often)),
    Sabotage("a patient on both sides", "patients apart", edits(patient_on_both_sides)),
    Sabotage("light form of another model", "light form", edits(other_light_form)),
    Sabotage("metrics of other predictions", "recorded metrics", edits(flattering_figures)),
    Sabotage("frozen augmentation", "augmentation", patches(pipeline, "_step_seeds", _same_seeds)),
    Sabotage(
        "optimizer not resumed", "resuming", patches(checkpoints, "restore", _without_optimizer)
    ),
    Sabotage(
        "resized without antialiasing",
        "preprocessing",
        patches(images, "decode_and_resize", _without_antialiasing),
    ),
)
# A pretrained backbone of which nothing was trained.
OF_FROZEN = (
    Sabotage(
        "batch normalisation updated in a frozen backbone",
        "frozen layers",
        edits(batch_normalisation_updated),
    ),
)
