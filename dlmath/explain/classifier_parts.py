r"""The parts of a classifier that an explanation needs: its score, and the score's gradients.

**The score.** A softmax is the same when a number is added to all logits, so a single logit says
nothing. What the probabilities do fix is the log-odds of a class c against all others,

    s_c = log(p_c / (1 - p_c)) = z_c - log sum over k != c of exp(z_k),

computed from the logits z. For two classes it is z_c - z_other. The methods below explain s_c in
the place of the class score of their papers.
"""

from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from dlmath.errors import DataError

BATCH_SIZE = 32
_LEAST = 1e-30  # of a probability whose logarithm is taken; float32 ends near 1e-38


class FeatureGradients(NamedTuple):
    """The last feature map A of one image and the gradient of a class's log-odds there."""

    features: np.ndarray  # float32 (h, w, C)
    gradients: np.ndarray  # float32 (h, w, C), ds_c/dA


class ImageGradients(NamedTuple):
    """The log-odds of a class for N images, and their gradients at the pixels."""

    log_odds: np.ndarray  # float64 (N,)
    gradients: np.ndarray  # float32 (N, H, W, 3), ds_c/dx


class ClassifierParts:
    """A classifier cut at its last feature map: `images -> body -> A -> head -> scores`.

    Weights are read at each call, so what is done to the model shows here.

    Args:
        model: Images float32 (N, S, S, 3) in 0..255 to probabilities (N, K), as
            `dlmath.models.build` or `dlmath.models.load` gives it.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.image_size = int(model.input_shape[1])
        self.classes = int(model.output_shape[-1])

    @cached_property
    def feature_map(self) -> keras.KerasTensor:
        """The last map (N, h, w, C) before the image's places are pooled or flattened away.

        A layer without weights that only makes it coarser is stepped over: the map before it
        says the same more finely.

        Raises:
            DataError: The model has no such map.
        """
        layers = [layer for layer in self.model.layers if not isinstance(layer, keras.Model)]
        # The inputs of a nested model are its own, not those of the graph in which it is called.
        found = next((layer.input for layer in reversed(layers) if _is_map(layer)), None)
        if found is None:
            raise DataError(
                f"The model {self.model.name!r} has no feature map to explain: none of its layers "
                "takes (N, h, w, C). Take --method integrated_gradients or occlusion."
            )
        while producer := next((one for one in layers if one.output is found), None):
            if producer.weights or not _is_map(producer):
                break
            if producer.input.shape[1:3] == found.shape[1:3]:
                break
            found = producer.input
        return found

    def log_odds(self, images: np.ndarray, index: int) -> np.ndarray:
        """Return s_c, float64 (N,), for images (N, S, S, 3) in 0..255."""
        batches = [self._log_odds(batch, index) for batch in _batches(images)]
        return np.concatenate(batches).astype(np.float64)

    def probabilities(self, images: np.ndarray, index: int) -> np.ndarray:
        """Return p_c, float64 (N,), for images (N, S, S, 3) in 0..255."""
        return 1 / (1 + np.exp(-self.log_odds(images, index)))

    def at_pixels(self, images: np.ndarray, index: int) -> ImageGradients:
        """Return s_c and its gradients at the pixels of images (N, S, S, 3)."""
        found = [self._at_pixels(batch, index) for batch in _batches(images)]
        log_odds, gradients = zip(*found, strict=True)
        return ImageGradients(
            np.concatenate(log_odds).astype(np.float64), np.concatenate(gradients)
        )

    def at_features(self, image: np.ndarray, index: int) -> FeatureGradients:
        """Return the feature map of one image (S, S, 3) and the gradient of s_c there."""
        features, gradients = self._at_features(tf.cast(image[None], tf.float32), index)
        return FeatureGradients(features.numpy()[0], gradients.numpy()[0])

    @cached_property
    def _scores(self) -> tuple[keras.KerasTensor, bool]:
        """The logits; or the probabilities, and that they are, where the last layer makes both."""
        last = self.model.layers[-1]
        is_softmax = type(last).__name__ == "Softmax"  # Keras's, or the one from scratch
        return (last.input, False) if is_softmax else (self.model.output, True)

    @cached_property
    def _log_odds(self) -> tf.types.experimental.PolymorphicFunction:
        scores, are_probabilities = self._scores
        whole = keras.Model(self.model.input, scores)

        def function(images: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
            return _log_odds_of(whole(images, training=False), index, are_probabilities)

        return self._trace(function)

    @cached_property
    def _at_pixels(self) -> tf.types.experimental.PolymorphicFunction:
        log_odds = self._log_odds

        def function(images: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(images)
                score = log_odds(images, index)
            return score, tape.gradient(score, images)  # each score depends only on its image

        return self._trace(function)

    def differentiate(self, images: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the feature maps A (N, h, w, C) and ds_c/dA, only in TensorFlow operations.

        Args:
            images: float32 (N, S, S, 3) in 0..255.
            index: int32, of the class of all images (), or of each (N,).
        """
        body, head = self._halves
        features = body(images, training=False)
        with tf.GradientTape() as tape:
            tape.watch(features)
            given = head(features, training=False)
            score = _log_odds_of(given, index, self._scores[1])
        gradients = tape.gradient(score, features)
        return tf.cast(features, tf.float32), tf.cast(gradients, tf.float32)

    @cached_property
    def _halves(self) -> tuple[keras.Model, keras.Model]:
        scores, _ = self._scores
        body = keras.Model(self.model.input, self.feature_map)
        return body, keras.Model(self.feature_map, scores)

    @cached_property
    def _at_features(self) -> tf.types.experimental.PolymorphicFunction:
        return self._trace(self.differentiate)

    def _trace(self, function: object) -> tf.types.experimental.PolymorphicFunction:
        images = tf.TensorSpec((None, *self.model.input_shape[1:]), tf.float32)
        signature = (images, tf.TensorSpec((), tf.int32))
        return tf.function(function, input_signature=signature, autograph=False)


def _is_map(layer: keras.layers.Layer) -> bool:
    """Return whether the layer's input is one map (N, h, w, C)."""
    return isinstance(layer.input, keras.KerasTensor) and len(layer.input.shape) == 4


def _log_odds_of(scores: tf.Tensor, index: tf.Tensor, are_probabilities: bool) -> tf.Tensor:
    """Return (N,) log-odds from (N, K) logits or probabilities: the same formula holds for both.

    log p differs from the logits by a number that is equal for all classes, and cancels.
    """
    scores = tf.cast(scores, tf.float32)
    if are_probabilities:
        scores = tf.math.log(tf.maximum(scores, _LEAST))
    own = tf.one_hot(index, scores.shape[-1])
    others = tf.reduce_logsumexp(scores - 1e9 * own, axis=1)  # exp makes it exactly 0
    return tf.reduce_sum(scores * own, axis=1) - others


def _batches(images: np.ndarray) -> list[tf.Tensor]:
    starts = range(0, len(images), BATCH_SIZE)
    return [tf.cast(images[first : first + BATCH_SIZE], tf.float32) for first in starts]
