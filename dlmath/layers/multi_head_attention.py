r"""Attention with several heads, each of its own projections of queries, keys and values.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, section 7 (lines 605-626);
Vaswani et al. 2017 (arXiv:1706.03762). H heads of `attention.py`, each on its own d columns,

    O_h = attention of X W_q,h + b_q,h,  Z W_k,h + b_k,h  and  Y W_v,h + b_v,h,
    y   = the sum over h of O_h W_o,h, and b_o.

**Backward**, for the gradient g of y: of O_h it is g W_o,h^T, from which attention's own backward
pass gives those of the projected queries, keys and values. A projection u = x W + b is a dense
layer (`dense.py`) of every place: dL/dx = sum over h of dL/du_h W_h^T, dL/dW_h = x^T dL/du_h,
dL/db_h = the sum of dL/du_h. The bias of the keys adds one number to all scores of a query, so its
gradient is 0.
"""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from dlmath.layers import arguments, regularizers
from dlmath.layers.attention import BlockwiseAttention, DotProductAttention
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.dropout import Dropout
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.normalization import at_least_float32


@keras.saving.register_keras_serializable("dlmath")
class MultiHeadAttention(Layer):
    """Attention with several heads, as `keras.layers.MultiHeadAttention`.

    Args:
        num_heads: Number H of heads; 1 is the paper's.
        key_dim: Width d of a head's queries and keys.
        value_dim: Width e of a head's values; by default d.
        dropout: Share of the weights dropped in training.
        use_bias: Add biases to the four projections.
        output_shape: Width of the output; by default that of the query.
        block_size: Compute in blocks of so many keys, with memory linear in the length; then there
            are no weights to return or to drop. None computes all at once.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: As in Keras.
        seed: Of the dropout.

    Call: `layer(query, value, key=None, query_mask=None, value_mask=None, key_mask=None,
    attention_mask=None, return_attention_scores=False, training=False, use_causal_mask=False)`.
    A query whose keys are all masked gets 0, where Keras averages what is masked.

    Shapes: query (N, T, D), value (N, S, E), key (N, S, F), masks (N, T), (N, S), (N, T, S); output
    (N, T, output_shape), weights (N, H, T, S).

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported.
    """

    kept_as: ClassVar[dict[str, str]] = {"output_shape": "output_width"}

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | None = None,
        block_size: int | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_heads = arguments.whole(num_heads, "num_heads")
        self.key_dim = arguments.whole(key_dim, "key_dim")
        self.value_dim = self.key_dim if not value_dim else arguments.whole(value_dim, "value_dim")
        self.dropout = arguments.fraction(dropout, "dropout")
        self.use_bias = use_bias
        self.output_width = output_shape and arguments.whole(output_shape, "output_shape")
        self.block_size = block_size and arguments.whole(block_size, "block_size")
        if self.block_size and self.dropout:
            raise ValueError(
                "Attention in blocks has no weights to drop. Received: "
                f"block_size={block_size}, dropout={dropout}. Leave one of the two out."
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.seed = seed
        self.supports_masking = True
        self._dropout = Dropout(dropout, seed=seed, dtype=self.dtype_policy)

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: tuple | None = None) -> None:
        heads, d, e = self.num_heads, self.key_dim, self.value_dim
        width = self.output_width or query_shape[-1]
        key_width = (key_shape or value_shape)[-1]

        def add(name: str, kernel: tuple, bias: tuple) -> None:
            setattr(self, f"{name}_kernel", self._kernel(f"{name}_kernel", kernel))
            added = self._bias(f"{name}_bias", bias) if self.use_bias else None
            setattr(self, f"{name}_bias", added)

        add("query", (query_shape[-1], heads, d), (heads, d))
        add("key", (key_width, heads, d), (heads, d))
        add("value", (value_shape[-1], heads, e), (heads, e))
        add("output", (heads, e, width), (width,))

    def _kernel(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            shape=shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name=name,
        )

    def _bias(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            shape=shape,
            initializer=self.bias_initializer,
            regularizer=self.bias_regularizer,
            name=name,
        )

    def call(  # type: ignore[override]  # a value is required as well
        self,
        query: tf.Tensor,
        value: tf.Tensor,
        key: tf.Tensor | None = None,
        query_mask: tf.Tensor | None = None,
        value_mask: tf.Tensor | None = None,
        key_mask: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        if return_attention_scores and self.block_size:
            raise ValueError(
                "Attention in blocks never has all its weights. Received: "
                f"return_attention_scores=True, block_size={self.block_size}. Leave one out."
            )
        key = value if key is None else key
        keep = _merged(
            None if query_mask is None else query_mask[:, tf.newaxis, :, tf.newaxis],
            None if value_mask is None else value_mask[:, tf.newaxis, tf.newaxis, :],
            None if key_mask is None else key_mask[:, tf.newaxis, tf.newaxis, :],
            None if attention_mask is None else attention_mask[:, tf.newaxis],
        )
        inputs = [at_least_float32(x) for x in (query, value, key)]
        factors = None
        if training and self.dropout:
            shape = [shape_of(query)[0], self.num_heads, shape_of(query)[1], shape_of(key)[1]]
            factors = self._dropout.draw(tf.zeros(shape, inputs[0].dtype))
        found = self.apply(*inputs, keep=keep, causal=use_causal_mask, factors=factors)
        y, *weights = found if isinstance(found, tuple) else (found,)
        y = tf.cast(y, self.compute_dtype)
        return (y, weights[0]) if return_attention_scores else y

    def compute_mask(
        self, query: tf.Tensor, value: Any = None, query_mask: Any = None, **_: Any
    ) -> Any:
        return query_mask

    def forward(
        self,
        query: tf.Tensor,
        value: tf.Tensor,
        key: tf.Tensor,
        query_kernel: tf.Tensor,
        key_kernel: tf.Tensor,
        value_kernel: tf.Tensor,
        output_kernel: tf.Tensor,
        query_bias: tf.Tensor | None = None,
        key_bias: tf.Tensor | None = None,
        value_bias: tf.Tensor | None = None,
        output_bias: tf.Tensor | None = None,
        *,
        keep: tf.Tensor | None = None,
        causal: bool = False,
        factors: tf.Tensor | None = None,
    ) -> tuple[Any, tuple]:
        q = _projected(query, query_kernel, query_bias)
        k = _projected(key, key_kernel, key_bias)
        v = _projected(value, value_kernel, value_bias)
        given = {} if factors is None else {"factors": factors}
        found, cache = self._attention().forward(q, k, v, keep=keep, causal=causal, **given)
        o, *weights = found if isinstance(found, tuple) else (found,)
        y = tf.einsum("nhte,hed->ntd", o, output_kernel)
        if output_bias is not None:
            y = y + output_bias
        kernels = (query_kernel, key_kernel, value_kernel, output_kernel)
        return (y, *weights) if weights else y, ((query, key, value), kernels, o, cache)

    def backward(self, cache: tuple, g: tf.Tensor, *g_weights: tf.Tensor) -> Gradients:
        (query, key, value), kernels, o, of_attention = cache
        *_, output_kernel = kernels
        of_o = tf.einsum("ntd,hed->nhte", g, output_kernel)
        inner = self._attention().backward(of_attention, of_o, *g_weights)
        gradients = {
            "output_kernel": tf.einsum("nhte,ntd->hed", o, g),
            "output_bias": tf.reduce_sum(g, axis=[0, 1]),
        }
        inputs = {"query": query, "key": key, "value": value}
        for (name, x), kernel, part in zip(inputs.items(), kernels, "qkv", strict=False):
            delta = inner[part]
            gradients[name] = tf.einsum("nhtk,dhk->ntd", delta, kernel)
            gradients[f"{name}_kernel"] = tf.einsum("ntd,nhtk->dhk", x, delta)
            gradients[f"{name}_bias"] = tf.reduce_sum(delta, axis=[0, 2])
        return gradients

    def _attention(self) -> DotProductAttention | BlockwiseAttention:
        return BlockwiseAttention(self.block_size) if self.block_size else DotProductAttention()


def _projected(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
    """X W + b for each head: (N, T, D) to (N, H, T, d)."""
    y = tf.einsum("ntd,dhk->nhtk", x, kernel)
    return y if bias is None else y + bias[:, tf.newaxis]


def _merged(*masks: tf.Tensor | None) -> tf.Tensor | None:
    """Which keys all the masks keep; None where there is no mask."""
    found = [tf.cast(mask, tf.bool) for mask in masks if mask is not None]
    if not found:
        return None
    kept = found[0]
    for mask in found[1:]:
        kept = kept & mask
    return kept
