"""Stressed images: composites with the border of another class, and corruptions.

A model that reads the class from the border passes a plain validation, and fails on composites:
what it makes of them says whether it looks at the region. A model that reads it from how bright,
fine or compressed an image is fails on corruptions. See `dlmath.data.augment`, which draws such
images for training.

Source: the idea of a fixed set of corruptions is that of Hendrycks, Dietterich, "Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019, arXiv:1903.12261.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dlmath.data import augment, degradation
from dlmath.data.sources import ImageRecord
from dlmath.recipe import Recipe
from dlmath.seeds import generator

MOST_IMAGES = 1_024  # a validation part may be larger than memory allows
_AT_ONCE = 32


def _factor(value: float) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda images: tf.clip_by_value(images * value, 0, 255)


def _resolution(fraction: float) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda images: degradation.lower_resolution(images, tf.fill([len(images)], fraction))


def _jpeg(quality: int) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda images: degradation.compress_as_jpeg(images, tf.fill([len(images)], quality))


# A person still reads each of them.
CORRUPTIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "darker": _factor(0.7),
    "brighter": _factor(1.3),
    "coarser": _resolution(0.5),
    "jpeg": _jpeg(20),
}


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
    rows = _some(labels, random)
    borders = np.array([random.choice(np.flatnonzero(labels != labels[row])) for row in rows])
    mask = _mask(recipe, *images.shape[1:3])
    made = np.empty((len(rows), *images.shape[1:]), np.uint8)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        mixed = mask * images[rows[part]] + (1 - mask) * images[borders[part]]
        made[part] = mixed.round()
    return made, rows


def region_masked(images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return images whose region is filled with the mean of the border: nothing of it is left.

    The region is a rectangle here: the soft mask of composites lets some of its corners through.

    Args:
        images: uint8 (N, H, W, 3), in memory or mapped from a file.
        recipe: Its region.

    Returns:
        uint8 of the same shape.
    """
    return _only(images, ~region_pixels(recipe, *images.shape[1:3]))


def border_masked(images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return images whose border is filled with the mean of the region, as `region_masked` does."""
    return _only(images, region_pixels(recipe, *images.shape[1:3]))


def region_pixels(recipe: Recipe, height: int, width: int) -> np.ndarray:
    """Return which pixels lie in the region of a recipe, bool (height, width)."""
    down, across = (
        np.abs((np.arange(size) + 0.5) / size - 0.5) < side / 2
        for size, side in ((height, recipe.region_height), (width, recipe.region_width))
    )
    return down[:, np.newaxis] & across


def _only(images: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Keep the pixels where `shown` (H, W) holds, and fill the others with the mean of those."""
    made = np.array(images)
    for image in made:
        image[~shown] = image[shown].mean(axis=0).round()
    return made


def _mask(recipe: Recipe, height: int, width: int) -> np.ndarray:
    half = tf.constant([0.5])
    sides = (tf.constant([side]) for side in (recipe.region_width, recipe.region_height))
    region = augment.Rectangle(half, half, *sides)
    found: np.ndarray = augment.region_mask(region, height, width).numpy()
    return found


def stressed_rows(labels: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return the rows (M,) of the images that are stressed: all, or `MOST_IMAGES` of them.

    Args:
        labels: (N,) class indices; each class keeps an image.
        recipe: Its seed.
    """
    return _some(labels, generator(recipe.seed, "corruptions"))


def _some(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    order = random.permutation(len(labels))
    first_of_classes = np.unique(labels[order], return_index=True)[1]
    others = np.setdiff1d(np.arange(len(order)), first_of_classes)
    return np.sort(order[np.concatenate([first_of_classes, others])[:MOST_IMAGES]])


@dataclass(frozen=True)
class Corruption:
    """One corruption for each image, drawn by the image and the seed; a view as features have them.

    Attributes:
        seed: The recipe's.
    """

    seed: int

    @property
    def text(self) -> str:
        """All that decides the corruption, as the cache key of its features."""
        return json.dumps({"corruption": list(CORRUPTIONS), "seed": self.seed, "version": 1})

    def key(self, example: ImageRecord) -> bytes:
        """Return the key of a corrupted image: of the bytes of its file, not of the file's name."""
        return hashlib.sha256(bytes.fromhex(example.sha256) + self.text.encode()).digest()

    def apply(self, pixels: np.ndarray, keys: Sequence[bytes]) -> np.ndarray:
        """Return the corrupted images, float32 (n, S, S, 3) in 0..255.

        Args:
            pixels: uint8 (n, S, S, 3).
            keys: n keys, of which the first byte chooses the kind of corruption.
        """
        kinds = np.array([key[0] % len(CORRUPTIONS) for key in keys])
        made = np.empty(pixels.shape, np.float32)
        with tf.device("CPU:0"):
            for number, corrupt in enumerate(CORRUPTIONS.values()):
                rows = np.flatnonzero(kinds == number)
                if len(rows):
                    made[rows] = corrupt(tf.constant(pixels[rows], tf.float32)).numpy()
        return made
