"""A run under examination: data that several checks need, read once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from dlmath import models
from dlmath.data.pixels import load_pixels
from dlmath.data.run_data import RunData
from dlmath.data.sources import ImageRecord
from dlmath.errors import DlmathError
from dlmath.inference.probabilities import predict_probabilities
from dlmath.recipe import Recipe
from dlmath.runs import Run

IMAGES = 64  # of a part that are looked at: enough to tell, soon done


class Unavailable(Exception):
    """Raised where a check cannot be made of this run."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of one part of a run's data.

    Attributes:
        examples: N of them, as many of each class as can be.
        pixels: uint8 (N, size, size, 3).
        labels: (N,) class indices in the order of the recipe.
    """

    examples: tuple[ImageRecord, ...]
    pixels: np.ndarray
    labels: np.ndarray


class ExaminedRun:
    """A run whose model and images are read when a check first needs them.

    Args:
        run: Any run that has a recipe and a manifest.
    """

    def __init__(self, run: Run):
        self.run = run

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return self.run.recipe

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the run."""
        return self.run.manifest

    @cached_property
    def model(self) -> keras.Model:
        """The model, as every command loads it."""
        return self._or_unavailable("model", lambda: models.load(self.run))

    @cached_property
    def training(self) -> Part:
        """Images that the run was trained on."""
        return self._part("train")

    @cached_property
    def validation(self) -> Part:
        """Images that the run was validated on."""
        return self._part("validation")

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The probabilities of the model for `validation`, float64 (N, K)."""
        return predict_probabilities(self.model, self.validation.pixels)

    @cached_property
    def _data(self) -> RunData:
        return RunData(self.run)

    def _part(self, name: str) -> Part:
        own = self._or_unavailable("data", lambda: self._data.part(name))
        examples = spread(own, self.recipe)
        pixels = self._or_unavailable(
            "images",
            lambda: load_pixels(examples, self.recipe.image_size, on_bad_file="skip"),
        )
        labels = [self.recipe.classes.index(example.label) for example in pixels.examples]
        return Part(pixels.examples, pixels.array, np.array(labels, int))

    def _or_unavailable(self, what: str, get: Any) -> Any:
        try:
            return get()
        except DlmathError as error:
            raise Unavailable(f"The run's {what} cannot be read: {error}") from error


def spread(
    examples: tuple[ImageRecord, ...], recipe: Recipe, most: int = IMAGES
) -> list[ImageRecord]:
    """Return up to `most` examples, the classes in turn, each class's spread over its patients.

    Where there are more classes than `most`, there is one example of each.
    """
    turns: list[tuple[int, ImageRecord]] = []
    for name in recipe.classes:
        of_class = [example for example in examples if example.label == name]
        wanted = min(len(of_class), max(1, most // len(recipe.classes)))
        rows = np.linspace(0, len(of_class) - 1, wanted).round().astype(int)
        turns += [(turn, of_class[row]) for turn, row in enumerate(rows)]
    return [example for _, example in sorted(turns, key=lambda one: one[0])]
