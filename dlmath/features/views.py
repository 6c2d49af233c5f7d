"""Augmented views of images, so that a head that is solved can still learn from them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dlmath.data import augment
from dlmath.recipe import Recipe, settings_of


@dataclass(frozen=True)
class View:
    """One way to look at every image again: the k-th draw of the recipe's augmentation.

    Attributes:
        recipe: Its augmentation and seed.
        number: Which draw, from 1.
    """

    recipe: Recipe
    number: int

    @property
    def text(self) -> str:
        """All that decides the view, for the key of its features."""
        about = settings_of(type(self.recipe))
        fields = {name: getattr(self.recipe, name) for name in about if about[name].changes_views}
        return json.dumps({"view": self.number, **fields}, sort_keys=True)

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
