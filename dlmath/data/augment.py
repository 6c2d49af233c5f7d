r"""Random flips, turns, zooms, shifts and brightness of training images.

Drawing the numbers and applying them are apart, so that a test can pass known numbers, and both
are pure functions: the draw of its seed, the rest of the draw. One affine warp carries out all
that moves pixels, so an image is interpolated once.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from dlmath.recipe import Recipe, settings_of
from dlmath.recipe.metadata import AUGMENTATION


class Draw(NamedTuple):
    """One augmentation for each of B images; every array is float32 (B,).

    The parts apply in this order: flips, zoom, rotation, shift, then brightness.
    """

    flip_horizontal: tf.Tensor  # -1 mirrors left to right, 1 leaves
    flip_vertical: tf.Tensor  # -1 mirrors top to bottom, 1 leaves
    zoom: tf.Tensor  # magnification about the centre
    rotation: tf.Tensor  # radians, anticlockwise to the viewer
    shift_right: tf.Tensor  # fraction of the width
    shift_down: tf.Tensor  # fraction of the height
    brightness: tf.Tensor  # factor of the pixels: black stays black


def is_off(recipe: Recipe) -> bool:
    """Return whether the recipe asks for no augmentation at all."""
    about = settings_of(type(recipe))
    return not any(getattr(recipe, name) for name in about if about[name].section == AUGMENTATION)


def draw(recipe: Recipe, count: int, seed: tuple[int, int] | tf.Tensor) -> Draw:
    """Draw augmentations uniformly within the recipe's ranges.

    Turning one part on or off leaves the numbers of the others as they are.

    Args:
        recipe: Its fields flip_horizontal, flip_vertical, zoom, rotation, shift, brightness.
        count: The number of images B.
        seed: Two int32 numbers that fully decide the result.
    """
    # The algorithm is named: "auto_select" draws other numbers on other devices.
    unit = tf.random.stateless_uniform((7, count), seed, -1, 1, alg="philox")
    ones = tf.ones(count)
    return Draw(
        flip_horizontal=tf.where(unit[0] < 0, -1.0, 1.0) if recipe.flip_horizontal else ones,
        flip_vertical=tf.where(unit[1] < 0, -1.0, 1.0) if recipe.flip_vertical else ones,
        zoom=1 + recipe.zoom * unit[2],
        rotation=math.radians(recipe.rotation) * unit[3],
        shift_right=recipe.shift * unit[4],
        shift_down=recipe.shift * unit[5],
        brightness=1 + recipe.brightness * unit[6],
    )


def apply(images: tf.Tensor, drawn: Draw) -> tf.Tensor:
    """Augment images, float32 (B, H, W, C) in 0..255; same shape and range out.

    Interpolation is bilinear; what comes in from outside the image is black, as next to a
    collimated radiograph and around a segmented cell.
    """
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_inverse_transforms(drawn, height, width),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    brightened = warped * drawn.brightness[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.ensure_shape(tf.clip_by_value(brightened, 0, 255), images.shape)


def _inverse_transforms(drawn: Draw, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    r"""Return the maps from output to input pixels as the operation takes them, (B, 8).

    Forward, about the centre c = ((W-1)/2, (H-1)/2), with y pointing down:

        out = R(rotation) zoom F (in - c) + c + shift,  F = diag(flips),
        R(t) = [[cos t, sin t], [-sin t, cos t]]

    so, as F and R are orthogonal,

        in = F R(rotation)^T (out - c - shift) / zoom + c.

    The rows are (a0, a1, a2, b0, b1, b2, 0, 0) with in_x = a0 x + a1 y + a2, in_y = b0 x + ...
    """
    height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cosine, sine = tf.cos(drawn.rotation) / drawn.zoom, tf.sin(drawn.rotation) / drawn.zoom
    a0, a1 = drawn.flip_horizontal * cosine, -drawn.flip_horizontal * sine
    b0, b1 = drawn.flip_vertical * sine, drawn.flip_vertical * cosine
    origin_x = centre_x + drawn.shift_right * width
    origin_y = centre_y + drawn.shift_down * height
    a2 = centre_x - a0 * origin_x - a1 * origin_y
    b2 = centre_y - b0 * origin_x - b1 * origin_y
    zero = tf.zeros_like(a0)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)
