"""Attention in blocks of keys with a running softmax, and its gradient that computes weights again.

Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867; Dao
et al., "FlashAttention", arXiv:2205.14135.
"""

from collections.abc import Iterator

import numpy as np

from dlmath import seeds
from dlmath.maths.attention import attend, attention_gradients, before
from dlmath.maths.differences import complex_step
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

EPS = float(np.finfo(float).eps)
Kept = tuple[np.ndarray, ...]


def blocks_of(keys: int, size: int) -> Iterator[slice]:
    """Yield the slices of blocks of that many keys; the last may be shorter."""
    for start in range(0, keys, size):
        yield slice(start, smallest_of(start + size, keys))


def in_blocks(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    size: int,
    allowed: np.ndarray,
    *,
    shifted: bool = True,
) -> tuple[np.ndarray, Kept]:
    """Return O (T, e), and what the gradient needs: Q, K, V, O and the logs of the sums, L (T, 1).

    For each row the largest score m so far, l = sum e^(a - m) and o = sum e^(a - m) v are held; a
    block with a larger maximum m' scales l and o by e^(m - m').

    Args:
        queries: (T, d).
        keys: (S, d).
        values: (S, e).
        size: Of the blocks of keys.
        allowed: bool (T, S), for each query at least one key of the first block.
        shifted: Whether m is taken out; otherwise it is 0 throughout.
    """
    largest = np.full((len(queries), 1), -np.inf if shifted else 0.0)
    total, out = np.zeros((len(queries), 1)), np.zeros((len(queries), values.shape[1]))
    for block in blocks_of(len(keys), size):
        scores = queries @ keys[block].T * queries.shape[1] ** -0.5
        scores = np.where(allowed[:, block], scores, -np.inf)
        now = np.maximum(largest, scores.max(axis=1, keepdims=True)) if shifted else largest
        powers, shrunk = np.exp(scores - now), np.exp(largest - now)
        total = shrunk * total + powers.sum(axis=1, keepdims=True)
        out = shrunk * out + powers @ values[block]
        largest = now
    outputs = out / total
    return outputs, (queries, keys, values, outputs, largest + np.log(total))


def block_gradients(kept: Kept, size: int, allowed: np.ndarray, upstream: np.ndarray) -> Kept:
    """Return dL/dQ, dL/dK and dL/dV, with the weights e^(a - L) computed again, block by block.

    The row sums of P * dL/dP are those of dL/dO * O, which needs no block.
    """
    queries, keys, values, outputs, logs = kept
    through = np.sum(upstream * outputs, axis=1, keepdims=True)
    of_queries, of_keys, of_values = (np.zeros(part.shape) for part in kept[:3])
    scale = queries.shape[1] ** -0.5
    for block in blocks_of(len(keys), size):
        scores = queries @ keys[block].T * scale
        weights = np.where(allowed[:, block], np.exp(scores - logs), 0.0)
        of_scores = weights * (upstream @ values[block].T - through) * scale
        of_queries += of_scores @ keys[block]
        of_keys[block] = of_scores.T @ queries
        of_values[block] = weights.T @ upstream
    return of_queries, of_keys, of_values


@experiment(
    title="Attention in blocks is attention, with memory that grows as the length",
    statement=(
        "With the largest score so far taken out, attention over blocks of keys of any size is "
        "the plain one, up to rounding: scores up to 10,000 that are exact, n keys in b blocks, "
        "values up to 1 give outputs that differ by at most (2 n + 4 b + 10) units of rounding. "
        "Its gradient, which computes the weights again from the logs of their sums, is that of "
        "the kept weights: within 1e-10, as a log of 10,000 is rounded by 1e-12. What is kept for "
        "it is 4 T d + T numbers, where the plain one keeps 3 T d + T^2."
    ),
    sources=(Source("tsemo", 602, "The attention weights are"),),
    about=("in_blocks", "block_gradients", "blocks_of", "attention_gradients", "attend"),
    reference="Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135, algorithms "
    "1, 2 and 4, theorem 1; Rabe and Staats, arXiv:2112.05682",
    sabotage=Sabotage("the largest score is not taken out", {"shifted": False}),
)
def attention_in_blocks(*, shifted: bool = True, length: int = 12, seed: int = 0) -> Outcome:
    """All sizes of blocks from 1 to `length`, which is the number of queries and of keys."""
    rng = seeds.generator("blocks", seed)
    mask = before(length)
    errors, slopes, kept, scores = [], [], [], []
    for largest in (1.0, 100.0, 1e4, -1e4):
        q, k, v, g = _drawn(rng, length, largest)
        outputs, weights = attend(q, k, v, allowed=mask)
        stored = attention_gradients(q, k, v, weights, g)
        units = [np.abs(part).max() for part in (k, q, np.ones(1))]  # of each gradient's rounding
        scores += [(q @ k.T / 2).max(), (q @ k.T / 2).min()]
        for size in range(1, length + 1):
            found, cache = in_blocks(q, k, v, size, mask, shifted=shifted)
            room = EPS * (2 * length + 4 * -(-length // size) + 10)
            errors.append(np.abs(found - outputs).max() / room)
            again = block_gradients(cache, size, mask, g)
            slopes += [
                np.abs(a - b).max() / unit for a, b, unit in zip(again, stored, units, strict=True)
            ]
            kept.append(sum(part.size for part in cache))
    plain = sum(part.size for part in (q, k, v, weights))
    wrong = _gradient_errors(_drawn(rng, length, 1.0), mask)
    lengths = 2.0 ** np.arange(3, 13)
    return Outcome(
        (
            at_most("outputs apart, in units of rounding, over the bound", errors, 1),
            at_most("gradients away from those of kept weights, relative", slopes, 1e-10),
            at_most("those away from complex steps", wrong, 1e-13),
            at_least("largest score of the third case", scores[4], 1e4),
            at_most("all scores of the last one", scores[6], -9e3),
            at_most("numbers kept away from 4 T d + T", np.abs(np.array(kept) - 17 * length), 0),
            at_most("plain: away from 3 T d + T^2", abs(plain - 12 * length - length**2), 0),
        ),
        curves(
            "Numbers kept for the gradient, d = 64",
            "log2 of length",
            "numbers",
            {
                "in blocks": (np.log2(lengths), 257 * lengths),
                "plain": (np.log2(lengths), 192 * lengths + lengths**2),
            },
            log=True,
        ),
    )


def _gradient_errors(drawn: Kept, mask: np.ndarray) -> list[float]:
    """Return how far `attention_gradients` are from complex steps of <O, g>: for Q, K and V."""
    q, k, v, g = drawn
    by_hand = attention_gradients(q, k, v, attend(q, k, v, allowed=mask)[1], g)
    losses = (
        lambda x: np.sum(g * attend(x, k, v, allowed=mask)[0]),
        lambda x: np.sum(g * attend(q, x, v, allowed=mask)[0]),
        lambda x: np.sum(g * attend(q, k, x, allowed=mask)[0]),
    )
    return [
        float(np.abs(complex_step(loss, part) - found).max())
        for loss, part, found in zip(losses, (q, k, v), by_hand, strict=True)
    ]


def _drawn(rng: np.random.Generator, length: int, largest: float) -> tuple[np.ndarray, ...]:
    """Return Q, K, V and dL/dO, (length, 4) each.

    Scores are whole numbers over 2, and so exact: one at least is as large as `largest`, or all are
    near it where it is negative. Values and upstream lie in [-1, 1].
    """
    reach = np.ceil(np.sqrt(abs(largest) / 2))
    whole = np.rint((reach if largest > 0 else 1) * rng.uniform(-1, 1, (2, length, 4)))
    if largest > 0:
        whole[:, -1] = reach
    else:
        whole[0, :, 0], whole[1, :, 0] = 2 * reach, -2 * reach
    return whole[0], whole[1], *rng.uniform(-1, 1, (2, length, 4))
