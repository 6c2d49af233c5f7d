"""CutMix: train on images with a rectangle of another one, and labels mixed by area.

    x = m * x_i + (1 - m) * x_j,    y = lam * y_i + (1 - lam) * y_j,    lam = mean of m,

where m is 0 inside the rectangle and 1 outside. Its sides are sqrt(1 - l) of the image's with
l ~ Beta(alpha, alpha), its centre is uniform over the image, and what lies outside is cut off; so
lam is taken from the pixels that are left, and exact.

Source: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
Features", ICCV 2019, arXiv:1905.04899, eq. 1 and 2, and its published code for the lam of what is
left. The paper draws one rectangle a batch, with alpha 1.

The labels, and weights, are mixed by `mix_up.blend_weighted`, as those of Mixup.
"""

from typing import NamedTuple

import tensorflow as tf

from dlmath.layers import mix_up


class Cut(NamedTuple):
    """A cutting of rows: row i shows a rectangle of row `mix.partner[i]`."""

    mix: mix_up.Mix  # lam is the share of pixels that row i keeps
    box: tf.Tensor  # (N, 4) int32: top, bottom, left, right, in pixels, ends left out


def draw(
    batch_size: int | tf.Tensor,
    alpha: float,
    size: tuple[int | tf.Tensor, int | tf.Tensor],
    *,
    per: str = "example",
    seed: tuple[int, int] | tf.Tensor,
) -> Cut:
    """Draw the rectangles of one batch, as a pure function of the arguments.

    Args:
        batch_size: Number N of examples.
        alpha: Strength, at least 0; at 0 nothing is cut. The paper uses 1.
        size: Height and width of the images, in pixels.
        per: `example` draws a rectangle for each row, `batch` one for all.
        seed: Two integers, as `tf.random.stateless_*` takes them.

    Raises:
        ValueError: `alpha` is not a finite number of at least 0, or `per` is unknown.
    """
    drawn = mix_up.draw(batch_size, alpha, per=per, seed=seed)
    further = tf.random.experimental.stateless_fold_in(
        tf.cast(seed, tf.int32), 1, alg=mix_up.ALGORITHM
    )
    centre = tf.random.stateless_uniform([batch_size, 2], further, alg=mix_up.ALGORITHM)
    if per == "batch":
        centre = tf.repeat(centre[:1], batch_size, axis=0)
    pixels = tf.cast(tf.stack(size), tf.float32)  # (2,)
    half = tf.sqrt(1 - drawn.lam)[:, tf.newaxis] * pixels / 2  # (N, 2)
    edges = tf.stack([centre * pixels - half, centre * pixels + half], axis=2)  # (N, 2, 2)
    edges = tf.clip_by_value(tf.round(edges), 0.0, pixels[:, tf.newaxis])
    sides = edges[..., 1] - edges[..., 0]
    lam = 1 - tf.reduce_prod(sides / pixels, axis=1)
    box = tf.reshape(tf.cast(edges, tf.int32), [-1, 4])
    return Cut(mix_up.Mix(lam, drawn.partner), box)


def blend(images: tf.Tensor, cut: Cut) -> tf.Tensor:
    """Apply a draw to images (N, H, W, C) of any dtype; the same out."""
    top, bottom, left, right = (
        edge[:, tf.newaxis, tf.newaxis, tf.newaxis] for edge in tf.unstack(cut.box, axis=1)
    )
    y = tf.range(tf.shape(images)[1])[tf.newaxis, :, tf.newaxis, tf.newaxis]
    x = tf.range(tf.shape(images)[2])[tf.newaxis, tf.newaxis, :, tf.newaxis]
    inside = (y >= top) & (y < bottom) & (x >= left) & (x < right)
    return tf.where(inside, tf.gather(images, cut.mix.partner), images)
