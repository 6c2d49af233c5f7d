"""Convert a network to LiteRT, its batch normalisation folded and its variables constants."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from dlmath.chatter import without_chatter
from dlmath.features.folding import fold_batch_normalization


def to_litert(model: keras.Model, calibration: np.ndarray | None = None) -> bytes | None:
    """Return a LiteRT file that computes `model` in inference mode, or None if it cannot.

    Args:
        model: From one float32 input (N, S, S, 3) to one output. The batch axis stays open.
        calibration: Images (n, S, S, 3) in 0..255. With them weights and activations become 8-bit
            integers, whose ranges are those that the images give; inputs and outputs stay float32.
    """
    folded = fold_batch_normalization(model)
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    call = tf.function(lambda images: folded(images, training=False), autograph=False)
    # Not by `from_concrete_functions`, which asks for the model too: with it the weights stay
    # variables, and the network runs at a twentieth of the speed.
    converter = tf.lite.TFLiteConverter([call.get_concrete_function(signature)])
    if calibration is not None:
        images = calibration.astype(np.float32)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
    try:
        with warnings.catch_warnings(), without_chatter():
            # That inputs stay float32, which is meant.
            warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
            return converter.convert()
    except Exception:
        # The converter raises what it likes when it has no kernel for an operation, such as those
        # of half precision. The caller keeps to Keras then, which computes the same.
        return None
