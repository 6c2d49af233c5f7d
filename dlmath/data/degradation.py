"""Loss of image quality, each image by its own amount: coarser pixels, noise, JPEG compression.

Pure functions of float32 images (B, H, W, C) in 0..255 and of numbers (B,); same shape and range
out. Training draws the numbers (`dlmath.data.augment`); a stressed validation fixes them.
"""

from collections.abc import Callable

import tensorflow as tf


def lower_resolution(images: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """Shrink each image to a fraction of its sides and enlarge it again.

    What is finer than the shrunk pixels is gone, and with it the sign of how fine the original was.

    Args:
        images: Any number of channels.
        fraction: Above 0; at 1 an image stays as it is, bit for bit.
    """
    size = tf.shape(images)[1:3]

    def one(image_and_fraction: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        image, part = image_and_fraction
        smaller = tf.round(tf.cast(size, tf.float32) * part)
        smaller = tf.maximum(tf.cast(smaller, tf.int32), 1)
        coarse = tf.image.resize(image[tf.newaxis], smaller, "area")
        return tf.image.resize(coarse, size)[0]

    return _each(one, images, fraction)


def add_noise(
    images: tf.Tensor, deviation: tf.Tensor, seed: tuple[int, int] | tf.Tensor
) -> tf.Tensor:
    """Add Gaussian noise, the same in all channels, so that grey stays grey.

    Args:
        images: Any number of channels.
        deviation: Standard deviation, as a fraction of the range 0..255.
        seed: Two int32 numbers that decide the noise.
    """
    shape = tf.concat([tf.shape(images)[:3], [1]], 0)
    noise = tf.random.stateless_normal(shape, seed, alg="philox")
    amount = 255 * deviation[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.clip_by_value(images + amount * noise, 0, 255)


def compress_as_jpeg(images: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    """Encode each image as a JPEG of its own quality, and decode it.

    Args:
        images: One channel or three; rounded to whole grey levels first.
        quality: int32, 0..100. The chroma is stored at half the resolution, as most files have it.
    """

    def one(image_and_quality: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        image, level = image_and_quality
        levels = tf.cast(tf.round(image), tf.uint8)
        again = tf.image.adjust_jpeg_quality(levels, level, dct_method="INTEGER_ACCURATE")
        return tf.cast(again, tf.float32)

    return _each(one, images, quality)


def _each(
    change: Callable[[tuple[tf.Tensor, tf.Tensor]], tf.Tensor],
    images: tf.Tensor,
    numbers: tf.Tensor,
) -> tf.Tensor:
    signature = tf.TensorSpec(images.shape[1:], tf.float32)
    changed = tf.map_fn(change, (images, numbers), fn_output_signature=signature)
    return tf.ensure_shape(changed, images.shape)
