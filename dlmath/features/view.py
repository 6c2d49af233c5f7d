"""Augmented views of images, each a pure function of recipe, number and image.

Where borders are swapped, the image that lends its border belongs to the function's arguments: it
is drawn from the training images by what is hashed of the image, and its hash is part of the key.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from operator import attrgetter

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
_OF_THE_REGION = ("region_width", "region_height")


@dataclass(frozen=True)
class View:
    """An augmented view of every image: the k-th draw of the recipe's augmentation.

    Attributes:
        recipe: The recipe, with its augmentation and seed.
        number: k, the number of the draw, from 1.
        lenders: The images whose borders may surround the region of another, where borders are
            swapped.
    """

    recipe: Recipe
    number: int
    lenders: tuple[ImageRecord, ...] = field(default=(), compare=False, repr=False)

    @cached_property
    def text(self) -> str:
        """All settings that decide the view, as the cache key of its features."""
        fields = {
            name: getattr(self.recipe, name)
            for name, about in settings_of(type(self.recipe)).items()
            if about.changes_views and self._decides(name)
        }
        if "gamma" in fields:
            # A compiled graph divides by 255 by multiplying, and so rounds otherwise than the
            # single operations that computed views before.
            fields["compiled"] = True
        return json.dumps({"view": self.number, **fields}, sort_keys=True)

    def _decides(self, name: str) -> bool:
        if name in _OF_THE_REGION:
            return self.recipe.border_swap > 0
        return bool(getattr(self.recipe, name)) or name in _ALWAYS_IN_KEYS

    def key(self, example: ImageRecord) -> bytes:
        """Return the key of an image's row: of the bytes of its file, not of the file's name."""
        key = self._own_key(example)
        partner = self.partner(example)
        return hashlib.sha256(key + bytes.fromhex(partner.sha256)).digest() if partner else key

    def partner(self, example: ImageRecord) -> ImageRecord | None:
        """Return the image that lends its border to an image, any other with the same chance.

        None where no borders are swapped, or there is no other image.
        """
        hashes, lenders = self._by_hash
        own = bisect_left(hashes, example.sha256)
        is_among = own < len(hashes) and hashes[own] == example.sha256
        others = len(hashes) - is_among
        if not others:
            return None
        drawn = int.from_bytes(self._own_key(example)[8:16], "little") % others
        return lenders[drawn + (is_among and drawn >= own)]

    def apply(self, pixels: np.ndarray, key: bytes, border: np.ndarray | None = None) -> np.ndarray:
        """Augment an image by draws that depend on nothing but its key.

        Args:
            pixels: uint8 (S, S, 3).
            key: At least 8 bytes, made of the image and the view.
            border: uint8 (S, S, 3), the image that may lend its border, warped by a draw of its
                own; None for none.

        Returns:
            float32 (S, S, 3) in 0..255.
        """
        seed = np.frombuffer(key[:8], "<i4") & 0x7FFFFFFF
        images = np.stack([pixels] if border is None else [pixels, border])
        with tf.device("CPU:0"):
            augmented: np.ndarray = _compiled(self.recipe)(images, seed).numpy()
        return augmented

    def _own_key(self, example: ImageRecord) -> bytes:
        return hashlib.sha256(bytes.fromhex(example.sha256) + self.text.encode()).digest()

    @cached_property
    def _by_hash(self) -> tuple[list[str], list[ImageRecord]]:
        """The images that may lend their borders, by the hash of their files, in its order."""
        if not self.recipe.border_swap:
            return [], []
        different = {one.sha256: one for one in sorted(self.lenders, key=attrgetter("sha256"))}
        return list(different), list(different.values())


@lru_cache
def _compiled(recipe: Recipe) -> Callable[[np.ndarray, np.ndarray], tf.Tensor]:
    """Return what augments the first of one or two images by a seed, (S, S, 3).

    There are two graphs, since in a single one a range of the recipe would be multiplied by the
    side before it is by its draw, and shifts would be rounded otherwise than by the single
    operations that computed views before.
    """
    compiled = partial(tf.function, autograph=False)

    @compiled
    def draw(images: tf.Tensor, seed: tf.Tensor) -> augment.Draw:
        return augment.draw(recipe, images.shape[0], seed)

    @compiled
    def apply_to_first(images: tf.Tensor, drawn: augment.Draw) -> tf.Tensor:
        warped = augment.warp(tf.cast(images, tf.float32), drawn)
        return augment.finish(warped, augment.first_of(drawn))[0]

    def augmented(images: np.ndarray, seed: np.ndarray) -> tf.Tensor:
        pixels = tf.constant(images)
        return apply_to_first(pixels, draw(pixels, tf.constant(seed, tf.int32)))

    return augmented
