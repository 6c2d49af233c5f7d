"""Class probabilities of many images under a model, as fast as the device allows."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from dlmath.data.rows import Rows
from dlmath.inference.classifier import batches
from dlmath.reporting import Progress

BATCH_SIZE = 64

# One traced function a model, so that an evaluation after each epoch traces once. Weights are
# read when it runs, so it follows the training; it goes when the model goes.
_traced: "WeakKeyDictionary[keras.Model, Callable[[tf.Tensor], tf.Tensor]]" = WeakKeyDictionary()


def predict_probabilities(
    model: keras.Model,
    pixels: Rows,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the class probabilities of N images, in inference mode.

    Args:
        model: Maps images float32 (N, H, W, 3) in 0..255 to probabilities (N, K); or what lies
            within the network.
        pixels: (N, H, W, 3) in 0..255, uint8 or floating; may be mapped from a file. Or the
            activations that the model takes.
        batch_size: Images at a time, at least 1; the last batch may be smaller.
        progress: Called after each batch with (images done, N).

    Returns:
        float64 (N, K). NaN where the model gives no number; nothing is hidden here.
    """
    predict = trace(model)
    found = [
        predict(tf.cast(tf.convert_to_tensor(batch), tf.float32)).numpy()
        for batch in batches(pixels, batch_size, progress)
    ]
    if not found:
        return np.empty((0, model.output_shape[-1]))
    return np.concatenate(found).astype(np.float64)


def trace(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a model's function, traced once, with an open batch axis: no batch traces it again.

    Keras's own `predict` would compile with XLA, which on a CPU is many times slower for
    depthwise convolutions.
    """
    if model not in _traced:
        signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        call = tf.function(lambda images: model(images, training=False), autograph=False)
        _traced[model] = call.get_concrete_function(signature)
    return _traced[model]
