"""What goes into a training: the model, and the images of two parts with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from dlmath import models
from dlmath.data.pixels import BadFile, Pixels, load_pixels
from dlmath.data.sources import Example
from dlmath.errors import DataError
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.training.devices import Placement
from dlmath.training.prepare import Prepared


@dataclass(frozen=True)
class Labelled:
    """Resized images with the class of each.

    Attributes:
        pixels: N images.
        labels: (N,) class indices in the order of the recipe's classes.
    """

    pixels: Pixels
    labels: np.ndarray

    def one_hot(self, classes: int) -> np.ndarray:
        """Return the labels as (N, classes) float32."""
        return np.eye(classes, dtype=np.float32)[self.labels]


@dataclass(frozen=True)
class Ingredients:
    """A recipe's model, untrained, and its training and validation images. Never the test part."""

    recipe: Recipe
    model: keras.Model
    train: Labelled
    validation: Labelled

    @property
    def warnings(self) -> list[str]:
        """What is to be said of files that were skipped."""
        return bad_file_warnings([*self.train.pixels.bad, *self.validation.pixels.bad])


def gather(prepared: Prepared, placement: Placement, reporter: Reporter) -> Ingredients:
    """Build the model, which can fail soonest, then decode the images.

    Raises:
        WeightsError: The pretrained weights cannot be had.
        DataError: A file is bad and the recipe does not skip those, or a part has no image left.
    """
    recipe, split = prepared.recipe, prepared.split
    labels = class_indices(split.train, recipe)
    prior = np.bincount(labels, minlength=len(recipe.classes)) / len(labels)
    reporter.say(f"Building {recipe.backbone} …")
    with placement.strategy.scope():
        model = models.build(recipe, class_prior=prior)
    return Ingredients(
        recipe,
        model,
        _load(split.train, recipe, reporter, "reading training images"),
        _load(split.validation, recipe, reporter, "reading validation images"),
    )


def _load(examples: Sequence[Example], recipe: Recipe, reporter: Reporter, task: str) -> Labelled:
    pixels = load_pixels(
        examples,
        recipe.image_size,
        on_bad_file=recipe.on_bad_file,
        progress=lambda done, total: reporter.progress(task, done, total),
    )
    require_every_class(pixels.examples, pixels.bad, recipe, task)
    return Labelled(pixels, class_indices(pixels.examples, recipe))


def require_every_class(
    examples: Sequence[Example], bad: Sequence[BadFile], recipe: Recipe, task: str
) -> None:
    """Refuse to go on while a class has no image.

    Raises:
        DataError: Named by the task in which it was noticed.
    """
    if {example.label for example in examples} < set(recipe.classes):
        raise DataError(
            f"While {task}: no readable image of every class is left. "
            f"Received: {len(bad)} bad files. Repair them, or add images."
        )


def bad_file_warnings(bad: Sequence[BadFile]) -> list[str]:
    """Return what is to be said of files that were skipped."""
    if not bad:
        return []
    named = ", ".join(one.file for one in bad[:10]) + (" …" if len(bad) > 10 else "")
    return [f"{len(bad)} files could not be read and were skipped: {named}"]


def class_indices(examples: Sequence[Example], recipe: Recipe) -> np.ndarray:
    """Return the class of each image, (N,), in the order of the recipe's classes."""
    index = {name: number for number, name in enumerate(recipe.classes)}
    return np.array([index[example.label] for example in examples])
