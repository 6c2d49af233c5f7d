"""The network of a classifier as one function for converters, every affine map folded."""

from collections.abc import Callable

import keras
import tensorflow as tf

from dlmath.features.folding import fold_batch_normalization
from dlmath.inference.keras_classifier import KerasClassifier

NetworkFunction = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def network_function(classifier: KerasClassifier) -> NetworkFunction:
    """Return the function from pixels float32 (N, S, S, 3) to `probabilities` and `features`.

    `features` are there only where the classifier has an out-of-distribution score.
    """
    return as_function(folded_network(classifier))


def folded_network(classifier: KerasClassifier) -> keras.Model:
    """Return a copy of the classifier's network, every affine map folded, with both outputs.

    Folding is not only for speed: tensors of a layer that are not variables, such as the statistics
    of Keras's `Normalization`, would become further inputs of the file.
    """
    model = classifier.model
    outputs = [model.output]
    if classifier.ood_score is not None:
        outputs.append(model.get_layer("logits").input)
    return fold_batch_normalization(keras.Model(model.input, outputs))


def as_function(folded: keras.Model) -> NetworkFunction:
    """Return the outputs of `folded_network` by their names."""

    def function(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        found = keras.tree.flatten(folded(pixels, training=False))
        names = ("probabilities", "features")
        return {name: tf.cast(one, tf.float32) for name, one in zip(names, found, strict=False)}

    return function
