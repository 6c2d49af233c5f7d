"""Laws on finitely many answers that rewards and checkers make of a first law."""

import numpy as np


def gibbs(p: np.ndarray, reward: np.ndarray, temperature: float) -> np.ndarray:
    """Return q_i = p_i exp(r_i / temperature) / Z, the law of the answers to a reward.

    Args:
        p: First law, (answers,).
        reward: Of each answer.
        temperature: Above 0.
    """
    weights = p * np.exp((reward - reward.max()) / temperature)
    return weights / weights.sum()


def nats(q: np.ndarray, p: np.ndarray) -> float:
    """Return D(q || p) = sum of q_i log(q_i / p_i) in nats, infinite where p_i = 0 < q_i."""
    there = q > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(q[there] * np.log(q[there] / p[there])))


def accepted(p: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the law of an answer given that a checker accepts it.

    Args:
        p: First law, (answers,).
        right: Whether each is accepted, at least one that has a chance.
    """
    return p * right / np.sum(p * right)


def best_of(p: np.ndarray, reward: np.ndarray, draws: int) -> np.ndarray:
    """Return the law of the answer of largest reward among independent draws from p.

    With F(r) the chance that the reward is at most r, F(r-) that it is below r, and n draws, the
    best has the reward r with chance F(r)^n - F(r-)^n. Answers of one reward share it as p does.

    Args:
        p: First law, (answers,).
        reward: Of each answer.
        draws: n, at least 1.
    """
    no_better = np.array([p[reward <= r].sum() for r in reward])
    worse = np.array([p[reward < r].sum() for r in reward])
    same = np.array([p[reward == r].sum() for r in reward])
    return p * (no_better**draws - worse**draws) / same
