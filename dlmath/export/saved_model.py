"""Write a classifier as a SavedModel that needs TensorFlow alone."""

from pathlib import Path

import keras
import tensorflow as tf

from dlmath.data.images import decode_and_resize_batch
from dlmath.evaluation.classifier import Classifier


def write_saved_model(classifier: Classifier, path: Path) -> None:
    """Write a SavedModel folder with two signatures.

        serving_default(images: string (N,))                 whole PNG or JPEG files
        serve_pixels(pixels: float32 (N, size, size, 3))     RGB in 0..255, resized before

    Both return `probabilities`, float32 (N, K), and `classes`, string (N, K): the names in the
    same order, repeated in each row, since TensorFlow Serving joins and splits requests along
    the first axis of every output.
    """
    size = classifier.image_size

    def serve_pixels(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = classifier.model(pixels, training=False)
        names = tf.constant([list(classifier.classes)])  # (1, K)
        return {
            "probabilities": tf.cast(probabilities, tf.float32),
            "classes": tf.repeat(names, tf.shape(probabilities)[0], axis=0),
        }

    def serving_default(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return serve_pixels(tf.cast(decode_and_resize_batch(images, size), tf.float32))

    archive = keras.export.ExportArchive()
    archive.track(classifier.model)
    archive.add_endpoint(
        "serving_default", serving_default, [tf.TensorSpec((None,), tf.string, name="images")]
    )
    archive.add_endpoint(
        "serve_pixels",
        serve_pixels,
        [tf.TensorSpec((None, size, size, 3), tf.float32, name="pixels")],
    )
    archive.write_out(path, verbose=False)
