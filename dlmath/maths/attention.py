r"""Attention with one head on NumPy arrays, with its gradient by hand, and layer normalisation.

Source: Tsemo, section 7 (lines 598-627); Vaswani et al. 2017, arXiv:1706.03762. With queries Q
(T, d), keys K (S, d) and values V (S, e),

    O = P V,      P = softmax of the rows of A,      A = c Q K^T,      c = 1 / sqrt(d).

With g = dL/dO, B = g V^T and r the row sums of P * B,

    dL/dV = P^T g,     dL/dA = P * (B - r),     dL/dQ = c (dL/dA) K,     dL/dK = c (dL/dA)^T Q.

All but the gradient also takes complex numbers, for derivatives by complex steps.
"""

from dataclasses import dataclass

import numpy as np

from dlmath.maths.network import softmax


def attend(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    *,
    allowed: np.ndarray | None = None,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs (T, e) and the weights (T, S).

    Args:
        queries: (T, d).
        keys: (S, d).
        values: (S, e).
        allowed: bool (T, S), which keys a query looks at: one at least.
        scale: c; by default 1 / sqrt(d).
    """
    scores = queries @ keys.T * (queries.shape[1] ** -0.5 if scale is None else scale)
    weights = softmax(scores if allowed is None else np.where(allowed, scores, -np.inf))
    return weights @ values, weights


def attention_gradients(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    upstream: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dL/dQ (T, d), dL/dK (S, d) and dL/dV (S, e).

    Args:
        queries: Q, (T, d).
        keys: K, (S, d).
        values: V, (S, e).
        weights: P, (T, S), with the scale 1 / sqrt(d).
        upstream: dL/dO, (T, e).
    """
    of_weights = upstream @ values.T
    through = np.sum(weights * of_weights, axis=1, keepdims=True)
    of_scores = weights * (of_weights - through) * queries.shape[1] ** -0.5
    return of_scores @ keys, of_scores.T @ queries, weights.T @ upstream


def softmax_jacobian(p: np.ndarray) -> np.ndarray:
    """Return diag(p) - p p^T, (n, n): the Jacobian of the softmax where its value is p (n,)."""
    return np.diag(p) - np.outer(p, p)


def layer_norm(rows: np.ndarray, epsilon: float = 0.0) -> np.ndarray:
    """Return each row (N, D) less its mean, over the root of its variance plus epsilon."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + epsilon)


def before(length: int) -> np.ndarray:
    """Return the causal mask (length, length): a position looks at itself and those before it."""
    return np.tri(length, dtype=bool)


def sines(places: np.ndarray, width: int, longest: float = 1e4) -> np.ndarray:
    """Return the encodings (N, width) of places (N,): sin(w_i t) and cos(w_i t) by turns.

    Args:
        places: t, any real numbers.
        width: Even; frequencies are w_i = longest^(-2i / width) for i below width / 2.
        longest: The longest wave over 2 pi, in places.
    """
    angles = np.outer(places, longest ** (-np.arange(0, width, 2) / width))
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(places), width)


@dataclass(frozen=True)
class Block:
    """A transformer block with one head as the paper has it: LN(X + W Z), Z the attention of X.

    Attributes:
        query: (D, d).
        key: (D, d).
        value: (D, e).
        linear: W, (e, D), on each row of Z.
    """

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    linear: np.ndarray

    def attended(self, rows: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        """Return Z W (T, D) for rows (T, D)."""
        q, k, v = rows @ self.query, rows @ self.key, rows @ self.value
        return attend(q, k, v, allowed=allowed)[0] @ self.linear

    def __call__(self, rows: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        """Return LN(X + Z W) (T, D) for rows X (T, D)."""
        return layer_norm(rows + self.attended(rows, allowed))


def random_block(rng: np.random.Generator, width: int) -> Block:
    """Return a block whose four square matrices have entries N(0, 1 / width)."""
    return Block(*rng.normal(size=(4, width, width)) / np.sqrt(width))
