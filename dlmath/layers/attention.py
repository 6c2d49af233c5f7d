r"""Attention: each position's output is a mean of values, weighted by how its query meets the keys.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, section 7 (lines 587-626);
Vaswani et al. 2017 (arXiv:1706.03762). For queries Q (T, d), keys K (S, d) and values V (S, e),

    O = P V,      P = softmax of the rows of A,      A = Q K^T / sqrt(d).

The rows of P are nonnegative and sum to 1: each row of O is a convex combination of the rows of V.
If the entries of q and k are independent with mean 0 and variance 1, <q, k> has variance d; the
root keeps that of A at 1. A position that is masked has weight 0; where all are, the output is 0.

**Backward.** With tr(ABC) = tr(BCA), as for the dense layer (`dense.py`), and g = dL/dO,

    dL/dV = P^T g,      dL/dP = g V^T =: B,
    dL/dA = P * (B - r),     r = the row sums of B * P,       (softmax, `activations.py`)
    dL/dQ = (dL/dA) K / sqrt(d),      dL/dK = (dL/dA)^T Q / sqrt(d).

**In blocks** (Dao et al. 2022, arXiv:2205.14135). The rows of P need not exist at once. Over blocks
of keys, keep for each row the largest score m, the sum l of e^(a - m) and the sum o of e^(a - m) v;
a block with a larger maximum m' scales what is there by e^(m - m'). At the end O = o / l. Backward
needs P again: block by block, P = e^(a - m) / l with m and l kept from the forward pass (their
sum m + log l, of one number, would lose l where m is large), and

    r = the row sums of B * P = g V^T P^T on the diagonal = the row sums of g * O,

which needs no block. Memory then grows as T, not as T S.

**Heads.** H of these run next to each other, each on its own d columns of X W_q, X W_k and X W_v,
and the layer's output is [O_1, ..., O_H] W_o + b.
"""

import math
from typing import Any, ClassVar, NamedTuple

import keras
import tensorflow as tf

from dlmath.layers import arguments, regularizers
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.dropout import Dropout
from dlmath.layers.graph_loops import scan
from dlmath.layers.hand_derived import Function, Gradients
from dlmath.layers.normalization import at_least_float32


class Weights(NamedTuple):
    """Attention weights of all keys, and what they were computed from.

    Attributes:
        q, k, v: (..., T, d), (..., S, d), (..., S, e).
        p: (..., T, S), the weights.
        factors: Of the dropout of p, or None.
    """

    q: tf.Tensor
    k: tf.Tensor
    v: tf.Tensor
    p: tf.Tensor
    factors: tf.Tensor | None


class DotProductAttention(Function):
    """O = softmax(Q K^T / sqrt(d)) V, and the weights; see the module's docstring.

    Shapes: q (..., T, d), k (..., S, d), v (..., S, e), o (..., T, e), weights (..., T, S).
    """

    def forward(
        self,
        q: tf.Tensor,
        k: tf.Tensor,
        v: tf.Tensor,
        *,
        keep: tf.Tensor | None = None,
        causal: bool = False,
        factors: tf.Tensor | None = None,
    ) -> tuple[tuple[tf.Tensor, tf.Tensor], Weights]:
        """Return (o, p) and the cache.

        Args:
            q: Queries.
            k: Keys.
            v: Values.
            keep: bool, broadcasts to (..., T, S): which keys a query may look at.
            causal: Position t may look only at the first t + 1 keys.
            factors: Multiplies the weights: a dropout. The weights are returned without it.
        """
        powers, _ = _powers(_scores(q, k), _allowed(keep, causal, q, k))
        total = tf.reduce_sum(powers, axis=-1, keepdims=True)
        p = powers / tf.where(total > 0, total, 1)
        used = p if factors is None else factors * p
        return (tf.matmul(used, v), p), Weights(q, k, v, p, factors)

    def backward(self, cache: Weights, g: tf.Tensor, g_p: tf.Tensor) -> Gradients:
        q, k, v, p, factors = cache
        of_p = tf.matmul(g, v, transpose_b=True)
        if factors is not None:
            of_p = factors * of_p
            used = factors * p
        else:
            used = p
        of_p = of_p + g_p
        of_a = p * (of_p - tf.reduce_sum(of_p * p, axis=-1, keepdims=True))
        scale = q.shape[-1] ** -0.5
        return {
            "q": scale * tf.matmul(of_a, k),
            "k": scale * tf.matmul(of_a, q, transpose_a=True),
            "v": tf.matmul(used, g, transpose_a=True),
        }


class BlockwiseAttention(Function):
    """The same O over blocks of keys, without the weights; see the module's docstring.

    Args:
        block_size: Keys at a time. Memory grows as T times this.
    """

    def __init__(self, block_size: int):
        self.block_size = block_size

    def forward(
        self,
        q: tf.Tensor,
        k: tf.Tensor,
        v: tf.Tensor,
        *,
        keep: tf.Tensor | None = None,
        causal: bool = False,
    ) -> tuple[tf.Tensor, tuple]:
        blocks = self._blocks(k, v, _whole_rows(keep, k), causal, q)

        def step(carry: tuple, inputs: tuple) -> tuple[tuple, tuple]:
            largest, total, out = carry
            k, v, keep, first = inputs
            a = _scores(q, k)
            allowed = self._allowed(keep, causal, first, q)
            powers, now = _powers(a, allowed, largest)
            shrunk = tf.exp(largest - now)
            total = shrunk * total + tf.reduce_sum(powers, axis=-1, keepdims=True)
            return (now, total, shrunk * out + tf.matmul(powers, v)), ()

        rows = tf.zeros_like(q[..., :1])
        start = (rows + q.dtype.min / 4, rows, rows * v[..., :1, :])
        (largest, total, out), _ = scan(step, start, blocks)
        total = tf.where(total > 0, total, 1)
        o = out / total
        return o, (q, k, v, o, largest, total, keep, causal)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        q, k, v, o, largest, total, keep, causal = cache
        through = tf.reduce_sum(g * o, axis=-1, keepdims=True)
        scale = q.shape[-1] ** -0.5

        def step(carry: tuple, inputs: tuple) -> tuple[tuple, tuple]:
            (of_q,) = carry
            k, v, keep, first = inputs
            allowed = self._allowed(keep, causal, first, q)
            powers = tf.exp(tf.where(allowed, _scores(q, k) - largest, 0))
            p = tf.where(allowed, powers / total, 0)
            of_a = p * (tf.matmul(g, v, transpose_b=True) - through)
            of_k = scale * tf.matmul(of_a, q, transpose_a=True)
            return (of_q + scale * tf.matmul(of_a, k),), (of_k, tf.matmul(p, g, transpose_a=True))

        blocks = self._blocks(k, v, _whole_rows(keep, k), causal, q)
        (of_q,), (of_k, of_v) = scan(step, (tf.zeros_like(q),), blocks)
        return {"q": of_q, "k": self._joined(of_k, k), "v": self._joined(of_v, v)}

    def _blocks(
        self, k: tf.Tensor, v: tf.Tensor, keep: tf.Tensor, causal: bool, q: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Keys, values, masks and the first place of each block, the blocks first."""
        size = self.block_size
        count = -(-shape_of(k)[-2] // size)
        missing = count * size - shape_of(k)[-2]

        def cut(x: tf.Tensor) -> tf.Tensor:
            """(..., S, d) to (blocks, ..., size, d), filled up with zeros."""
            rank = len(x.shape)
            filled = tf.pad(x, [[0, 0]] * (rank - 2) + [[0, missing], [0, 0]])
            shape = shape_of(x)
            filled = tf.reshape(filled, [*shape[:-2], count, size, shape[-1]])
            return tf.transpose(filled, [rank - 2, *range(rank - 2), rank - 1, rank])

        of_keys = tf.linalg.matrix_transpose(cut(tf.linalg.matrix_transpose(keep)))
        return cut(k), cut(v), of_keys, size * tf.range(count)

    def _joined(self, blocks: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        """(blocks, ..., size, d) to (..., S, d)."""
        rank = len(like.shape)
        x = tf.transpose(blocks, [*range(1, rank - 1), 0, rank - 1, rank])
        shape = shape_of(like)
        return tf.reshape(x, [*shape[:-2], -1, shape[-1]])[..., : shape[-2], :]

    def _allowed(self, keep: tf.Tensor, causal: bool, first: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
        if not causal:
            return keep
        places = first + tf.range(self.block_size)
        return keep & (places <= tf.range(shape_of(q)[-2])[:, tf.newaxis])


def _whole_rows(keep: tf.Tensor | None, k: tf.Tensor) -> tf.Tensor:
    """A mask (..., 1 or T, S) with one entry for each key."""
    if keep is None:
        return tf.ones([*[1] * (len(k.shape) - 1), shape_of(k)[-2]], tf.bool)
    return keep


def _scores(q: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
    return tf.matmul(q, k, transpose_b=True) / math.sqrt(q.shape[-1])


def _allowed(keep: tf.Tensor | None, causal: bool, q: tf.Tensor, k: tf.Tensor) -> tf.Tensor | None:
    if not causal:
        return keep
    before = tf.range(shape_of(k)[-2]) <= tf.range(shape_of(q)[-2])[:, tf.newaxis]
    return before if keep is None else keep & before


def _powers(
    a: tf.Tensor, allowed: tf.Tensor | None, largest: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """e^(a - m) with the largest allowed score m of each row, 0 where not allowed; and m.

    m is subtracted from all scores of a row, which changes no weight: no gradient goes through it.
    """
    lowest = a.dtype.min / 4
    if allowed is not None:
        a = tf.where(allowed, a, lowest)
    m = tf.reduce_max(tf.stop_gradient(a), axis=-1, keepdims=True)
    if largest is not None:
        m = tf.maximum(m, largest)
    powers = tf.exp(a - m)
    return powers if allowed is None else tf.where(allowed, powers, 0), m


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
