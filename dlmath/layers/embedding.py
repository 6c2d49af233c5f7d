r"""Embeddings of tokens and positions.

**Tokens.** With e_j the row of a matrix E (V, D) that token j stands for, the layer gives y_t =
E[j_t]. The map E -> y is linear: it copies rows. Its adjoint adds each row of g back to where it
came from,

    <E[j], g> = sum over t of <e_(j_t), g_t> = <E, A>,      A_i = sum of the g_t with j_t = i,

so dL/dE = A; rows of tokens that did not occur get 0.

**Positions.** Vaswani et al. 2017 (arXiv:1706.03762), 3.5: with frequencies w_i = M^(-2i/D),

    p(t)_(2i) = sin(w_i t),       p(t)_(2i+1) = cos(w_i t).

The pair of one frequency turns by the angle w_i from t to t + 1: p(t + s) is a rotation of p(t)
that depends on s only, and <p(t), p(t + s)> = sum over i of cos(w_i s) does not depend on t.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath.layers import arguments, regularizers
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.hand_derived import Gradients


@keras.saving.register_keras_serializable("dlmath")
class Embedding(Layer):
    """Rows of a matrix by their numbers, as `keras.layers.Embedding`.

    Args:
        input_dim: Number V of tokens, 0..V-1.
        output_dim: Width D.
        embeddings_initializer, embeddings_regularizer: As in Keras.
        mask_zero: Token 0 is padding: it is masked for what follows.

    Shapes: integers (N, T) to (N, T, D); embeddings (V, D).

    Example:
        >>> import tensorflow as tf
        >>> from dlmath.layers import Embedding
        >>> Embedding(3, 2, embeddings_initializer="ones")(tf.constant([[2, 0]])).shape
        TensorShape([1, 2, 2])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_dim = arguments.whole(input_dim, "input_dim")
        self.output_dim = arguments.whole(output_dim, "output_dim")
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # large token numbers are not exact in half precision

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            name="embeddings",
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        y = self.apply(tokens=tf.cast(inputs, tf.int32))
        return tf.cast(y, self.compute_dtype)

    def compute_mask(self, inputs: tf.Tensor, mask: Any = None) -> tf.Tensor | None:
        return keras.ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def forward(self, embeddings: tf.Tensor, *, tokens: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        return tf.gather(embeddings, tokens), (tokens, shape_of(embeddings)[0])

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        tokens, count = cache
        rows = tf.reshape(g, (-1, g.shape[-1]))
        return {"embeddings": tf.math.unsorted_segment_sum(rows, tf.reshape(tokens, [-1]), count)}


@keras.saving.register_keras_serializable("dlmath")
class PositionEmbedding(Layer):
    """A learnt row for each position, as `keras_hub.layers.PositionEmbedding`; added by the user.

    Args:
        sequence_length: The longest sequence S.
        initializer: Of the rows.

    Shapes: x (N, T, D), T at most S, to the rows 0..T-1 for each sample, (N, T, D).

    Raises:
        ValueError: A sequence of known length is longer than S.
        tf.errors.InvalidArgumentError: One is, whose length is known only as it runs.
    """

    def __init__(self, sequence_length: int, initializer: Any = "glorot_uniform", **kwargs: Any):
        super().__init__(**kwargs)
        self.sequence_length = arguments.whole(sequence_length, "sequence_length")
        self.initializer = keras.initializers.get(initializer)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.position_embeddings = self.add_weight(
            shape=(self.sequence_length, input_shape[-1]),
            initializer=self.initializer,
            name="position_embeddings",
        )

    def forward(
        self, x: tf.Tensor, position_embeddings: tf.Tensor
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, Any]]:
        length = shape_of(x)[1]
        self._check_length(length)
        rows = tf.broadcast_to(position_embeddings[:length], shape_of(x))
        return rows, (x, length)

    def _check_length(self, length: int | tf.Tensor) -> None:
        """Refuse a sequence that has more positions than there are rows."""
        rule = f"A sequence must have at most {self.sequence_length} positions, `sequence_length`."
        if not isinstance(length, int):
            tf.debugging.assert_less_equal(length, self.sequence_length, rule)
        elif length > self.sequence_length:
            raise ValueError(f"{rule} Received: {length}")

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        x, length = cache
        missing = self.sequence_length - length
        rows = tf.pad(tf.reduce_sum(g, axis=0), [[0, missing], [0, 0]])
        return {"x": tf.zeros_like(x), "position_embeddings": rows}


@keras.saving.register_keras_serializable("dlmath")
class SinePositionEncoding(Layer):
    """Sines and cosines of the position, as `keras_hub.layers.SinePositionEncoding`.

    Args:
        max_wavelength: M, above 1; the longest wave has 2 pi M positions.

    Shapes: x (N, T, D) to the encodings for each sample, (N, T, D); they do not depend on x.
    """

    def __init__(self, max_wavelength: float = 10_000, **kwargs: Any):
        super().__init__(**kwargs)
        if not max_wavelength > 1:
            raise ValueError(
                f"`max_wavelength` must be above 1. Received: max_wavelength={max_wavelength!r}"
            )
        self.max_wavelength = max_wavelength
        self.supports_masking = True

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        _, length, width = shape_of(x)
        column = np.arange(width)
        frequency = self.max_wavelength ** (-2.0 * (column // 2) / width)
        angle = tf.cast(tf.range(length), x.dtype)[:, tf.newaxis] * frequency.astype(x.dtype.name)
        waves = tf.where(tf.constant(column % 2 == 0), tf.sin(angle), tf.cos(angle))
        return tf.broadcast_to(waves, shape_of(x)), x

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        return {"x": tf.zeros_like(cache)}
