"""Entropies of discrete laws in bits, and the information bottleneck by its fixed points.

Source: Tishby, Pereira and Bialek, "The information bottleneck method", physics/0004057.
"""

from dataclasses import dataclass

import numpy as np

from dlmath import seeds


def entropy(p: np.ndarray) -> float:
    """Return -sum p log2 p, with 0 log 0 = 0."""
    return float(-np.sum(p * np.log2(np.where(p > 0, p, 1.0))))


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return sum p log2(p / q), infinite where q is 0 and p is not."""
    if np.any((q == 0) & (p > 0)):
        return float("inf")
    there = p > 0
    return float(np.sum(p[there] * np.log2(p[there] / q[there])))


def mutual_information(joint: np.ndarray) -> float:
    """Return I(X;Y) of a joint law (X, Y)."""
    return divergence(joint, np.outer(joint.sum(axis=1), joint.sum(axis=0)))


@dataclass(frozen=True)
class Bottleneck:
    """A representation T of X.

    Attributes:
        encoder: p(t | x), (X, T).
        about_input: I(X;T) in bits.
        about_label: I(T;Y) in bits.
        values: The objective I(X;T) - beta I(T;Y) after each step.
    """

    encoder: np.ndarray
    about_input: float
    about_label: float
    values: np.ndarray


def bottleneck(
    joint: np.ndarray, beta: float, letters: int, seed: int, steps: int = 150
) -> Bottleneck:
    """Return a fixed point of p(t|x) ~ p(t) exp(-beta D(p(y|x) || p(y|t))).

    Args:
        joint: The law of (X, Y), (X, Y), without empty rows.
        beta: Weight of what T says about Y.
        letters: Number of values of T.
        seed: Of the first encoder.
        steps: Number of iterations.
    """
    p = joint.sum(axis=1)
    given_x = joint / p[:, np.newaxis]
    noise = 0.1 * seeds.generator("encoder", seed).random((len(p), letters))
    encoder = np.eye(len(p), letters) + noise
    encoder /= encoder.sum(axis=1, keepdims=True)
    values = []
    for _ in range(steps):
        marginal = p @ encoder
        given_t = (encoder * p[:, np.newaxis]).T @ given_x / np.maximum(marginal, 1e-300)[:, None]
        cost = _nats(given_x, given_t)
        weights = marginal * np.exp(-beta * (cost - cost.min(axis=1, keepdims=True)))
        encoder = weights / weights.sum(axis=1, keepdims=True)
        about_input, about_label = _informations(p, encoder, given_x)
        values.append(about_input - beta * about_label)
    return Bottleneck(encoder, about_input, about_label, np.array(values))


def _informations(p: np.ndarray, encoder: np.ndarray, given_x: np.ndarray) -> tuple[float, float]:
    with_t = p[:, np.newaxis] * encoder
    return mutual_information(with_t), mutual_information(with_t.T @ given_x)


def _nats(given_x: np.ndarray, given_t: np.ndarray) -> np.ndarray:
    """Return D(p(y|x) || p(y|t)) in nats, (X, T), large but finite where it is infinite."""
    logs_x, logs_t = (np.log(np.maximum(given, 1e-300)) for given in (given_x, given_t))
    return np.sum(given_x * logs_x, axis=1)[:, np.newaxis] - given_x @ logs_t.T
