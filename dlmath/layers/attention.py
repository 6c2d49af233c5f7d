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
"""

import math
from typing import NamedTuple

import tensorflow as tf

from dlmath.layers.base import shape_of
from dlmath.layers.graph_loops import scan
from dlmath.layers.hand_derived import Function, Gradients


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
