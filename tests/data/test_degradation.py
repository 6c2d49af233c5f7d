import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dlmath.data.degradation import add_noise, compress_as_jpeg, lower_resolution

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3)).astype(np.float32)


def test_at_a_fraction_of_one_an_image_stays_and_at_a_half_pairs_are_averaged():
    stripes = np.tile([0.0, 200.0], (2, 16, 12)).astype(np.float32)[..., np.newaxis]

    found = lower_resolution(tf.constant(stripes), tf.constant([1.0, 0.5])).numpy()

    np.testing.assert_array_equal(found[0], stripes[0])
    np.testing.assert_allclose(found[1], 100, atol=1e-3)


def test_the_least_resolution_is_one_pixel_that_holds_the_mean():
    found = lower_resolution(tf.constant(IMAGES), tf.fill([3], 1e-3)).numpy()

    means = IMAGES.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, np.broadcast_to(means, IMAGES.shape), rtol=1e-4)


def test_noise_has_its_deviation_and_is_the_same_in_all_channels():
    grey = tf.fill((2, 200, 200, 3), 127.0)

    found = add_noise(grey, tf.constant([0.0, 0.04]), (1, 2)).numpy()

    np.testing.assert_array_equal(found[0], 127)
    assert found[1].std() == pytest.approx(0.04 * 255, rel=0.02)
    assert found[1].mean() == pytest.approx(127, abs=0.2)
    np.testing.assert_array_equal(found[1, ..., 0], found[1, ..., 2])
    np.testing.assert_array_equal(found, add_noise(grey, tf.constant([0.0, 0.04]), (1, 2)))
    assert np.any(found != add_noise(grey, tf.constant([0.0, 0.04]), (1, 3)))


@pytest.mark.parametrize("quality", [5, 30, 95])
def test_a_grey_jpeg_is_that_of_pillow(quality):
    grey = IMAGES[:1, ..., :1]

    found = compress_as_jpeg(tf.constant(grey), tf.constant([quality])).numpy()

    file = io.BytesIO()
    Image.fromarray(grey[0, ..., 0].astype(np.uint8)).save(file, "JPEG", quality=quality)
    expected = np.asarray(Image.open(file), np.float32)
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=2)  # another inverse transform


def test_each_image_has_its_own_quality_in_a_map_too():
    def compress(images, qualities):
        return compress_as_jpeg(images, qualities)

    qualities = tf.constant([[5, 40, 95]])
    (found,) = tf.data.Dataset.from_tensor_slices((IMAGES[np.newaxis], qualities)).map(compress)

    losses = np.abs(found.numpy() - IMAGES).mean(axis=(1, 2, 3))
    assert losses[0] > losses[1] > losses[2] > 0
    np.testing.assert_array_equal(found, compress(tf.constant(IMAGES), qualities[0]))
