"""Stressed validation: what a model scores on composites and on corrupted validation images."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from dlmath.data.sources import ImageRecord
from dlmath.data.stressed import Corruption, composites, stressed_rows
from dlmath.recipe import Recipe
from dlmath.training import validation

Predict = Callable[[np.ndarray], np.ndarray]  # images (M, S, S, 3) to probabilities (M, K)


class StressedValidation:
    """Stressed images of a validation part, made once, and the AUCs of a model on them.

    Args:
        images: uint8 (N, S, S, 3), in memory or mapped from a file.
        labels: (N,) class indices.
        examples: The N images that they are of.
        recipe: Its region, seed and classes.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        examples: Sequence[ImageRecord],
        recipe: Recipe,
    ):
        self.images = images
        self.labels = labels
        self.examples = examples
        self.recipe = recipe

    def measure(self, predict: Predict) -> dict[str, float]:
        """Return `corrupted_auc`, and `stress_auc` of composites where a region is named."""
        named = {} if self.recipe.region is None else {"stress_auc": self.composites}
        parts = {**named, "corrupted_auc": self.corrupted}
        return {
            name: validation.auc(predict(images), self.labels[rows], self.recipe)
            for name, (images, rows) in parts.items()
        }

    @cached_property
    def composites(self) -> tuple[np.ndarray, np.ndarray]:
        """Composites uint8 (M, S, S, 3), and the rows (M,) whose regions they show."""
        return composites(self.images, self.labels, self.recipe)

    @cached_property
    def corrupted(self) -> tuple[np.ndarray, np.ndarray]:
        """Corrupted images uint8 (M, S, S, 3), and their rows (M,)."""
        corruption = Corruption(self.recipe.seed)
        rows = stressed_rows(self.labels, self.recipe)
        keys = [corruption.key(self.examples[row]) for row in rows]
        made = corruption.apply(self.images[rows], keys)
        return made.round().astype(np.uint8), rows
