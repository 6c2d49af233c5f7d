"""The decoded images and labels of the training and validation parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlmath.data.listing import counted, listed
from dlmath.data.pixels import BadFile, Pixels, bad_files_error, load_pixels, reserve_room
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.errors import DataError
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.training.preparation import Prepared


@dataclass(frozen=True)
class Labelled:
    """Resized images with their class indices.

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
class TrainingData:
    """The images of the training and validation parts, never of the test part."""

    train: Labelled
    validation: Labelled

    @property
    def warnings(self) -> list[str]:
        """The warnings about files that were skipped."""
        return bad_file_warnings([*self.train.pixels.bad, *self.validation.pixels.bad])


def load_images(prepared: Prepared, reporter: Reporter) -> TrainingData:
    """Decode the images of the training and validation parts.

    Raises:
        DataError: A file is bad and the recipe does not skip those, or a part has no image left.
    """
    recipe, split = prepared.recipe, prepared.split
    return TrainingData(
        _load(split.train, recipe, reporter, "reading training images"),
        _load(split.validation, recipe, reporter, "reading validation images"),
    )


def reserve_room_for_pixels(split: Split, recipe: Recipe) -> None:
    """Make room in the cache for the pixels that `load_images` keeps there.

    Raises:
        DataError: The disk has no room for them.
    """
    for examples in (split.train, split.validation):
        reserve_room(examples, recipe.image_size)


def _load(
    examples: Sequence[ImageRecord], recipe: Recipe, reporter: Reporter, task: str
) -> Labelled:
    pixels = load_pixels(
        examples,
        recipe.image_size,
        on_bad_file=recipe.on_bad_file,
        progress=reporter.task(task),
    )
    require_every_class(pixels.examples, len(pixels.bad), recipe, task)
    return Labelled(pixels, class_indices(pixels.examples, recipe))


def check_readable_files(
    examples: Sequence[ImageRecord], faults: Mapping[str, str], recipe: Recipe
) -> None:
    """Refuse files that cannot be read, where the recipe does not skip them.

    Args:
        examples: All images that would be read.
        faults: The reason for each bad file, by file name.
        recipe: The recipe, whose `on_bad_file` decides.

    Raises:
        DataError: Files are bad; the message names the first of them.
    """
    bad = [BadFile(one.file, faults[one.file]) for one in examples if one.file in faults]
    if bad and recipe.on_bad_file == "error":
        raise bad_files_error(bad, len(examples))


def require_every_class(
    examples: Sequence[ImageRecord], bad: int, recipe: Recipe, task: str
) -> None:
    """Refuse images of which a class has none.

    Args:
        examples: The images that could be read.
        bad: The number of files that could not be read.
        recipe: The recipe, with its classes.
        task: The task in which it was noticed.

    Raises:
        DataError: A class has no image; the message names it.
    """
    present = {example.label for example in examples}
    if absent := [name for name in recipe.classes if name not in present]:
        raise DataError(
            f"While {task}: there is no readable image of {listed(absent)}. "
            f"Received: {counted(bad, 'bad file')}. Repair them, or add images."
        )


def bad_file_warnings(bad: Sequence[BadFile]) -> list[str]:
    """Return the warnings about files that were skipped."""
    if not bad:
        return []
    named = ", ".join(one.file for one in bad[:10]) + (" …" if len(bad) > 10 else "")
    skipped = "was skipped" if len(bad) == 1 else "were skipped"
    return [f"{counted(len(bad), 'file')} could not be read and {skipped}: {named}"]


def class_indices(examples: Sequence[ImageRecord], recipe: Recipe) -> np.ndarray:
    """Return the class of each image, (N,), in the order of the recipe's classes."""
    index = {name: number for number, name in enumerate(recipe.classes)}
    return np.array([index[example.label] for example in examples])
