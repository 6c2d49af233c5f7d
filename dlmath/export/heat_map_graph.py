"""Grad-CAM of the decided class in TensorFlow operations, as `dlmath.explain.grad_cam` computes it.

Where the head was made of from-scratch layers, its gradient is the one derived by hand: it is
traced into the graph, which needs none of our code when it runs.
"""

import tensorflow as tf

from dlmath.errors import DataError
from dlmath.explain.classifier_parts import ClassifierParts


def can_explain(parts: ClassifierParts) -> bool:
    """Whether the model has a feature map to explain."""
    try:
        return parts.feature_map is not None
    except DataError:
        return False


def heat_maps(parts: ClassifierParts, pixels: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Return the maps, float32 (N, S, S) and at least 0, of class `index` (N,) of each image.

    Args:
        parts: The classifier.
        pixels: float32 (N, S, S, 3) in 0..255.
        index: int32 (N,).
    """
    features, gradients = parts.differentiate(pixels, index)
    alpha = tf.reduce_mean(gradients, axis=(1, 2))  # (N, C)
    coarse = tf.nn.relu(tf.einsum("nhwc,nc->nhw", features, alpha))
    size = parts.image_size
    return tf.image.resize(coarse[..., tf.newaxis], (size, size))[..., 0]  # bilinear, as Pillow's
