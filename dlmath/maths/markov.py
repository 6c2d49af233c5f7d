r"""Markov sources of letters: their stationary law and entropy rate, samples, models from counts.

A source of order k over S letters is the law p(y | x_1..x_k) of the next letter after the last k,
oldest first: an array (S, ..., S) of k + 1 axes whose last one sums to 1. All entries are above 0,
so there is one stationary law of k letters, and all that follows is about the source in it. With
H_m = H(next | last m letters), in nats,

    H_0 >= H_1 >= ... >= H_k = H_(k+1) = ... = the entropy rate,

and H_m - H_k is the conditional mutual information of the next letter and the older ones.
Source: Cover and Thomas, *Elements of information theory*, 2006, section 4.2.
"""

import numpy as np
from scipy.special import entr, xlogy


def stationary_law(law: np.ndarray) -> np.ndarray:
    """Return the stationary law of k letters, (S,) * k: the fixed point of one step."""
    letters = len(law)
    states = law.size // letters
    befores = np.repeat(np.arange(states), letters)
    afters = np.arange(law.size) % states  # the oldest letter leaves, the new one enters
    moves = np.zeros((states, states))
    np.add.at(moves, (befores, afters), law.ravel())
    # One of the equations of the fixed point follows from the others: the sum takes its place.
    equations = moves.T - np.eye(states)
    equations[-1] = 1.0
    return np.linalg.solve(equations, np.eye(states)[-1]).reshape(law.shape[:-1])


def block_law(law: np.ndarray, length: int) -> np.ndarray:
    """Return the law of `length` letters in a row, (S,) * length."""
    joint = stationary_law(law)
    while joint.ndim < length:
        joint = joint[..., np.newaxis] * law
    while joint.ndim > length:
        joint = joint.sum(axis=0)
    return joint


def law_given(law: np.ndarray, context: int) -> np.ndarray:
    """Return the law of the next letter given the last `context` ones, (S,) * (context + 1)."""
    joint = block_law(law, context + 1)
    return joint / joint.sum(axis=-1, keepdims=True)


def entropy_rate(law: np.ndarray) -> float:
    """Return the mean entropy of the next letter given all before it, in nats."""
    return float(np.sum(stationary_law(law) * entr(law).sum(axis=-1)))


def expected_loss(law: np.ndarray, model: np.ndarray) -> float:
    """Return the mean of -log q(y | x) over the source, in nats.

    Args:
        law: Of the source.
        model: q, (S,) * (m + 1), of any context m.
    """
    return float(-np.sum(xlogy(block_law(law, model.ndim), model)))


def sampled(law: np.ndarray, draws: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return independent texts, (draws, length), that begin in the stationary law.

    Args:
        law: Of order k.
        draws: Number of texts.
        length: At least k.
        rng: Of the draws.
    """
    letters, order = len(law), law.ndim - 1
    states = law.size // letters
    rows = law.reshape(states, letters).cumsum(axis=1)
    state = rng.choice(states, draws, p=stationary_law(law).ravel())
    text = np.empty((draws, length), np.int64)
    text[:, :order] = np.stack(np.unravel_index(state, law.shape[:-1]), axis=1)
    for place in range(order, length):
        # The last sum may be below 1 by rounding.
        text[:, place] = (rng.random(draws)[:, np.newaxis] > rows[state, :-1]).sum(axis=1)
        state = (state * letters + text[:, place]) % states
    return text


def counted(text: np.ndarray, context: int, letters: int) -> np.ndarray:
    """Return how often each letter follows each context in each text.

    Args:
        text: (draws, length).
        context: m.
        letters: S.

    Returns:
        (draws,) + (S,) * (m + 1).
    """
    draws = len(text)
    windows = np.lib.stride_tricks.sliding_window_view(text, context + 1, axis=1)
    codes = windows @ letters ** np.arange(context, -1, -1)  # (draws, length - m)
    cells = letters ** (context + 1)
    offsets = cells * np.arange(draws)[:, np.newaxis]
    found = np.bincount((codes + offsets).ravel(), minlength=draws * cells)
    return found.reshape(draws, *(letters,) * (context + 1))


def shares(counts: np.ndarray) -> np.ndarray:
    """Return counts as laws of the last axis: the model with the least loss on what was counted."""
    return counts / counts.sum(axis=-1, keepdims=True)
