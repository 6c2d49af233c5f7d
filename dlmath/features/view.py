"""Augmented views of images, each a pure function of recipe, number and image."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dlmath.data import augment
from dlmath.data.sources import ImageRecord
from dlmath.recipe import Recipe, settings_of

# The fields of the first keys. Fields that came later are left out while they are off, so that
# what was cached before stays valid.
_ALWAYS_IN_KEYS = frozenset(
    ("brightness", "flip_horizontal", "flip_vertical", "rotation", "seed", "shift", "zoom")
)


@dataclass(frozen=True)
class View:
    """An augmented view of every image: the k-th draw of the recipe's augmentation.

    Attributes:
        recipe: The recipe, with its augmentation and seed.
        number: k, the number of the draw, from 1.
    """

    recipe: Recipe
    number: int

    @property
    def text(self) -> str:
        """All settings that decide the view, as the cache key of its features."""
        fields = {
            name: value
            for name, about in settings_of(type(self.recipe)).items()
            if about.changes_views
            and ((value := getattr(self.recipe, name)) or name in _ALWAYS_IN_KEYS)
        }
        return json.dumps({"view": self.number, **fields}, sort_keys=True)

    def key(self, example: ImageRecord) -> bytes:
        """Return the key of an image's row: of the bytes of its file, not of the file's name."""
        return hashlib.sha256(bytes.fromhex(example.sha256) + self.text.encode()).digest()

    def apply(self, pixels: np.ndarray, keys: Sequence[bytes]) -> np.ndarray:
        """Augment images by draws that depend on nothing but the view and the image.

        Args:
            pixels: uint8 (n, S, S, 3).
            keys: n keys of at least 8 bytes, each made of the image and the view.

        Returns:
            float32 (n, S, S, 3) in 0..255.
        """
        with tf.device("CPU:0"):
            return np.concatenate(
                [self._one(image, key) for image, key in zip(pixels, keys, strict=True)]
            )

    def _one(self, image: np.ndarray, key: bytes) -> np.ndarray:
        seed = tf.constant(np.frombuffer(key[:8], "<i4") & 0x7FFFFFFF)
        drawn = augment.draw(self.recipe, 1, seed)
        return augment.apply(tf.constant(image[np.newaxis], tf.float32), drawn).numpy()
