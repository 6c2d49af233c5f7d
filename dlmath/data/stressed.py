"""Composites: the region of each image in the border of an image of another class.

A model that reads the class from the border passes a plain validation, and fails on these: what it
makes of them says whether it looks at the region. See `dlmath.data.augment`, which draws such
images for training.
"""

import numpy as np
import tensorflow as tf

from dlmath.data import augment
from dlmath.recipe import Recipe
from dlmath.seeds import generator

MOST_IMAGES = 1_024  # a validation part may be larger than memory allows
_AT_ONCE = 32


def composites(
    images: np.ndarray, labels: np.ndarray, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray]:
    """Return composites, each with the border of an image of another class.

    Args:
        images: uint8 (N, H, W, 3), in memory or mapped from a file.
        labels: (N,) class indices, of two classes at least.
        recipe: Its region and its seed.

    Returns:
        uint8 (M, H, W, 3), and the row (M,) in `images` whose region each one shows; M is N, but at
        most `MOST_IMAGES`, drawn by the seed.
    """
    random = generator(recipe.seed, "composites")
    rows = np.sort(random.permutation(len(images))[:MOST_IMAGES])
    borders = np.array([random.choice(np.flatnonzero(labels != labels[row])) for row in rows])
    mask = _mask(recipe, *images.shape[1:3])
    made = np.empty((len(rows), *images.shape[1:]), np.uint8)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        mixed = mask * images[rows[part]] + (1 - mask) * images[borders[part]]
        made[part] = mixed.round()
    return made, rows


def _mask(recipe: Recipe, height: int, width: int) -> np.ndarray:
    half = tf.constant([0.5])
    sides = (tf.constant([side]) for side in (recipe.region_width, recipe.region_height))
    region = augment.Rectangle(half, half, *sides)
    found: np.ndarray = augment.region_mask(region, height, width).numpy()
    return found
