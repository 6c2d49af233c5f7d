r"""Transformer blocks: attention and a position-wise network, each with a residual link.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, section 7 (lines 605-626);
Vaswani et al. 2017 (arXiv:1706.03762). A block adds to its input what a sublayer gives,

    after (the paper):    y = LN(x + F(x)),        before (`normalize_first`):  y = x + F(LN(x)),

with layer normalisation LN. Where F is small the second is close to the identity, and its Jacobian
is I + J_F: the gradient has a way around every sublayer, which LN after the sum rescales (Xiong et
al. 2020, arXiv:2002.04745).

The blocks are made of the layers of this package, so all their gradients are derived by hand.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import activations, arguments
from dlmath.layers.dense import Dense
from dlmath.layers.dropout import Dropout
from dlmath.layers.layer_normalization import LayerNormalization
from dlmath.layers.multi_head_attention import MultiHeadAttention


class _Block(keras.layers.Layer):
    """What encoder and decoder blocks share.

    Args:
        intermediate_dim: Width of the position-wise network between its two maps.
        num_heads: Number of heads; each has the input's width divided by it.
        dropout: Share dropped in training of what each sublayer gives, and of attention weights.
        activation: Between the two maps.
        layer_norm_epsilon: Added to the variance.
        normalize_first: Normalise what goes into a sublayer, not the sum.
        block_size: As in `MultiHeadAttention`.
    """

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        activation: str = "relu",
        layer_norm_epsilon: float = 1e-5,
        normalize_first: bool = False,
        block_size: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.intermediate_dim = arguments.whole(intermediate_dim, "intermediate_dim")
        self.num_heads = arguments.whole(num_heads, "num_heads")
        self.dropout = arguments.fraction(dropout, "dropout")
        self.activation = activations.name_of(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.normalize_first = normalize_first
        self.block_size = block_size
        self.supports_masking = True

    def _attention(self, width: int, name: str) -> MultiHeadAttention:
        if width % self.num_heads:
            raise ValueError(
                "The input's width must be a multiple of `num_heads`. Received: a width of "
                f"{width}, num_heads={self.num_heads}"
            )
        return MultiHeadAttention(
            self.num_heads,
            width // self.num_heads,
            dropout=0.0 if self.block_size else self.dropout,
            block_size=self.block_size,
            dtype=self.dtype_policy,
            name=name,
        )

    def _normalization(self, name: str) -> LayerNormalization:
        return LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    def _build_feedforward(self, shape: tuple) -> None:
        self.feedforward_in = Dense(
            self.intermediate_dim, self.activation, dtype=self.dtype_policy, name="feedforward_in"
        )
        self.feedforward_out = Dense(shape[-1], dtype=self.dtype_policy, name="feedforward_out")
        self.feedforward_normalization = self._normalization("feedforward_normalization")
        self.feedforward_in.build(shape)
        self.feedforward_out.build((*shape[:-1], self.intermediate_dim))
        self.feedforward_normalization.build(shape)
        self.dropped = Dropout(self.dropout, dtype=self.dtype_policy, name="dropped")

    def _feedforward(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        return self._linked(
            x,
            lambda x: self.feedforward_out(self.feedforward_in(x)),
            self.feedforward_normalization,
            training=training,
        )

    def _linked(
        self, x: tf.Tensor, sublayer: Callable, normalization: Callable, *, training: bool
    ) -> tf.Tensor:
        """Add to x what a sublayer gives, normalised before it or after the sum."""
        given = sublayer(normalization(x) if self.normalize_first else x)
        y = x + self.dropped(given, training=training)
        return y if self.normalize_first else normalization(y)

    def get_config(self) -> dict[str, Any]:
        names = (
            "intermediate_dim",
            "num_heads",
            "dropout",
            "activation",
            "layer_norm_epsilon",
            "normalize_first",
            "block_size",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def compute_output_shape(self, shape: tuple, *_: Any) -> tuple:
        return shape


@keras.saving.register_keras_serializable("dlmath")
class TransformerEncoder(_Block):
    """A block in which each position attends to all, as `keras_hub.layers.TransformerEncoder`.

    Args:
        intermediate_dim, num_heads, dropout, activation, layer_norm_epsilon, normalize_first,
            block_size: See `_Block` and `MultiHeadAttention`.

    Shapes: x (N, T, D) to (N, T, D); D a multiple of `num_heads`.
    """

    def build(self, inputs_shape: tuple) -> None:
        self.attention = self._attention(inputs_shape[-1], "attention")
        self.attention_normalization = self._normalization("attention_normalization")
        self.attention.build(inputs_shape, inputs_shape)
        self.attention_normalization.build(inputs_shape)
        self._build_feedforward(inputs_shape)

    def call(
        self,
        inputs: tf.Tensor,
        padding_mask: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Return the block's output.

        Args:
            inputs: (N, T, D).
            padding_mask: bool (N, T), False at padding; by default Keras's mask.
            attention_mask: bool (N, T, T).
            mask: Keras's mask.
            training: Whether to drop.
        """
        keep = mask if padding_mask is None else padding_mask

        def attend(x: tf.Tensor) -> tf.Tensor:
            return self.attention(
                x, x, value_mask=keep, attention_mask=attention_mask, training=training
            )

        x = self._linked(inputs, attend, self.attention_normalization, training=training)
        return self._feedforward(x, training=training)


@keras.saving.register_keras_serializable("dlmath")
class TransformerDecoder(_Block):
    """A block in which positions attend to those before them, and to an encoder's output if given.

    As `keras_hub.layers.TransformerDecoder`; with the decoder's sequence only, it is a block of a
    language model.

    Args:
        intermediate_dim, num_heads, dropout, activation, layer_norm_epsilon, normalize_first,
            block_size: See `_Block` and `MultiHeadAttention`.

    Shapes: decoder_sequence (N, T, D), encoder_sequence (N, S, E), output (N, T, D).
    """

    def build(
        self, decoder_sequence_shape: tuple, encoder_sequence_shape: tuple | None = None
    ) -> None:
        self.attention = self._attention(decoder_sequence_shape[-1], "attention")
        self.attention_normalization = self._normalization("attention_normalization")
        self.attention.build(decoder_sequence_shape, decoder_sequence_shape)
        self.attention_normalization.build(decoder_sequence_shape)
        self.cross_attention = None
        if encoder_sequence_shape is not None:
            self.cross_attention = self._attention(decoder_sequence_shape[-1], "cross_attention")
            self.cross_normalization = self._normalization("cross_normalization")
            self.cross_attention.build(decoder_sequence_shape, encoder_sequence_shape)
            self.cross_normalization.build(decoder_sequence_shape)
        self._build_feedforward(decoder_sequence_shape)

    def call(
        self,
        decoder_sequence: tf.Tensor,
        encoder_sequence: tf.Tensor | None = None,
        decoder_padding_mask: tf.Tensor | None = None,
        encoder_padding_mask: tf.Tensor | None = None,
        use_causal_mask: bool = True,
        training: bool = False,
    ) -> tf.Tensor:
        """Return the block's output.

        Args:
            decoder_sequence: (N, T, D).
            encoder_sequence: (N, S, E), or None; the same at every call.
            decoder_padding_mask: bool (N, T), False at padding.
            encoder_padding_mask: bool (N, S).
            use_causal_mask: Whether a position sees only those up to it.
            training: Whether to drop.
        """

        def attend(x: tf.Tensor) -> tf.Tensor:
            return self.attention(
                x,
                x,
                value_mask=decoder_padding_mask,
                use_causal_mask=use_causal_mask,
                training=training,
            )

        x = self._linked(decoder_sequence, attend, self.attention_normalization, training=training)
        if self.cross_attention is not None:
            if encoder_sequence is None:
                raise ValueError(
                    "This decoder was built with an encoder's sequence. Received: none."
                )
            encoded, cross_attention = encoder_sequence, self.cross_attention

            def cross(x: tf.Tensor) -> tf.Tensor:
                return cross_attention(
                    x, encoded, value_mask=encoder_padding_mask, training=training
                )

            x = self._linked(x, cross, self.cross_normalization, training=training)
        return self._feedforward(x, training=training)
