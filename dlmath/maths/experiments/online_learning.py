"""Learning round by round, against any sequence of losses: regret."""

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import mean_range
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


@experiment(
    title="Online gradient descent has small regret",
    statement=(
        "Against any sequence of convex losses with gradients of at most G on a ball of diameter "
        "D, projected gradient descent with rates D / (G sqrt t) loses at most 3/2 G D sqrt(T) "
        "more than the best fixed point in hindsight. Of random directions every method loses "
        "as much on average as the best fixed point gains, sqrt(pi T) / 2 in the plane, so the "
        "bound is right but for its constant."
    ),
    sources=(Source("foundations", 156, "Online learning performance measures"),),
    about=("_regrets",),
    reference="Zinkevich, Online convex programming, 2003; Hazan, arXiv:1909.05207, theorems 3.1 "
    "and 3.2",
    sabotage=Sabotage("the rate falls so fast that it cannot follow", {"power": 2.0}),
)
def online_regret(*, power: float = 0.5, rounds: int = 2000, seed: int = 0) -> Outcome:
    """`power` of t divides the rate; losses are linear: 256 sequences at random, one misleads."""
    rng = seeds.generator("regret", seed)
    turns = rng.uniform(0, 2 * np.pi, (256, rounds))
    slopes = np.where(np.arange(rounds) < 10, -1.0, 0.3)
    misleading = _regrets(slopes[np.newaxis, :, np.newaxis] * [1.0, 0.0], power)
    random = _regrets(np.stack([np.cos(turns), np.sin(turns)], axis=2), power)  # G = 1
    first = np.stack([np.cos(turns[:1]), np.sin(turns[:1])], axis=2)
    steady = _regrets(np.tile([1.0, 0.0], (1, rounds, 1)), power)
    # So small that the ball's edge is never met: points are sums, and so is the regret.
    small = 1e-3 * np.stack([np.cos(turns[:4]), np.sin(turns[:4])], axis=2)
    free = _regrets(small, power)
    root = np.sqrt(np.arange(1, rounds + 1))
    ends = random[:, -1] / root[-1]
    shown = np.arange(0, rounds, 20)
    return Outcome(
        (
            at_most("random: largest regret over 3 sqrt(T)", (random / (3 * root)).max(), 1),
            at_most("misleading: the same", (misleading / (3 * root)).max(), 1),  # D = 2
            at_least("random: regret over sqrt(T), largest mean", mean_range(ends, 1e-5)[1], LOST),
            at_most("random: the same, least mean", mean_range(ends, 1e-5)[0], LOST),
            at_most(
                "a sequence among others: regret away from that of it only",
                np.abs(random[:1] - _regrets(first, power)).max(),
                1e-12,
            ),
            at_most("one loss over and over: regret away from 1", np.abs(steady - 1).max(), 1e-12),
            at_most(
                "losses too small for the ball: regret away from its sum, relative",
                np.abs(free - _free_regrets(small)).max() / np.abs(free).max(),
                1e-9,
            ),
        ),
        curves(
            "Regret",
            "round",
            "regret",
            {
                "random": (shown, random.mean(axis=0)[shown]),
                "misleading": (shown, misleading[0, shown]),
                "bound": (shown, 3 * root[shown]),
            },
        ),
    )


LOST = np.sqrt(np.pi) / 2  # the mean length, over sqrt(T), of a sum of T random unit vectors


def _free_regrets(gradients: np.ndarray) -> np.ndarray:
    """Return the regrets of descent with rates 2 / sqrt(t) that never meets the ball's edge."""
    times = np.arange(1, gradients.shape[1] + 1)[:, np.newaxis]
    moves = -2 * gradients / np.sqrt(times)
    points = np.cumsum(moves, axis=1) - moves  # before each round
    losses = np.cumsum(np.sum(gradients * points, axis=2), axis=1)
    return losses + np.linalg.norm(np.cumsum(gradients, axis=1), axis=2)


def _regrets(gradients: np.ndarray, power: float) -> np.ndarray:
    """Return the regret after each round, (S, T), of descent in the unit ball from 0.

    Args:
        gradients: (S, T, 2), of S sequences of linear losses.
        power: Of t; it divides the rate.
    """
    points, losses = np.zeros((len(gradients), 2)), []
    for t in range(gradients.shape[1]):
        losses.append(np.sum(gradients[:, t] * points, axis=1))
        points = points - 2 / (t + 1) ** power * gradients[:, t]
        points = points / np.maximum(1.0, np.linalg.norm(points, axis=1, keepdims=True))
    # The best fixed point of the unit ball against linear losses is opposite to their sum.
    best = np.linalg.norm(np.cumsum(gradients, axis=1), axis=2)
    return np.cumsum(losses, axis=0).T + best
