"""Hopfield networks: an energy that falls, and retrieval as attention."""

import numpy as np
from scipy.special import logsumexp, softmax

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences


def hebbian(patterns: np.ndarray) -> np.ndarray:
    """Return the weights sum over p of x_p x_p^T without their diagonal, for patterns (P, N)."""
    weights = patterns.T @ patterns
    return weights - np.diag(np.diag(weights))


def energy(state: np.ndarray, weights: np.ndarray) -> int:
    """Return -s^T W s / 2, times 2 so that it is whole."""
    return int(-state @ weights @ state)


def settle(state: np.ndarray, weights: np.ndarray, sweeps: int) -> tuple[np.ndarray, list[int]]:
    """Set one unit after another to the sign of its input; return the end and all energies.

    A unit whose input is 0 stays. It ends after a sweep that changes nothing.
    """
    state, energies = state.copy(), [energy(state, weights)]
    for _ in range(sweeps):
        before = state.copy()
        for unit, row in enumerate(weights):
            inputs = int(row @ state)
            if inputs * state[unit] < 0:
                state[unit] = -state[unit]
                energies.append(energy(state, weights))
        if np.array_equal(before, state):
            break
    return state, energies


@experiment(
    title="A Hopfield network's energy falls, with symmetric weights",
    statement=(
        "With symmetric whole weights without a diagonal, units that take the sign of their input "
        "one after another lower -s^T W s/2 at every flip, by at least 2 where all inputs have the "
        "parity of whole numbers, so they stop after finitely many, at a fixed point. All units at "
        "once may go back and forth between two states for ever. Without symmetry the energy may "
        "rise: of two units, one that copies the other, twice as strongly as that one negates it, "
        "neither ever stops."
    ),
    sources=(
        Source("foundations", 136, "Attractors: Regions of state space that attract trajectories"),
    ),
    about=("settle", "hebbian", "energy"),
    reference="Hopfield, Neural networks and physical systems, PNAS 1982; Goles and Martinez, 1990",
    sabotage=Sabotage("the weights below the diagonal have the other sign", {"below": -1}),
)
def hopfield_energy_falls(*, below: int = 1, units: int = 41, seed: int = 0) -> Outcome:
    """`below` multiplies the weights below the diagonal."""
    rng = seeds.generator("hopfield", seed)
    falls: list[int] = []
    ends, flips, kept = [], [], []
    chart: list[int] = []
    for patterns in (3, 10, 30):
        x = rng.choice([-1, 1], size=(patterns, units))
        symmetric = hebbian(x)
        kept.append(int(np.abs(symmetric - symmetric.T).max() + np.abs(np.diag(symmetric)).max()))
        kept.append(abs(int(symmetric[0, 1]) - int(x[:, 0] @ x[:, 1])))
        weights = np.triu(symmetric) + below * np.tril(symmetric, -1)
        start = rng.choice([-1, 1], size=units)
        end, energies = settle(start, weights, 200)
        falls.extend(-np.diff(energies))
        ends.append(int(np.min(end * (weights @ end))))
        flips.append(len(energies) - 1)
        # Each flip changes one unit: as many units differ from the start, but for an even number.
        kept.append((int(np.abs(end - start).sum()) - 2 * flips[-1]) % 4)
        # A sum over pairs, another way to the energy.
        pairs = sum(int(symmetric[i, j]) * end[i] * end[j] for i in range(units) for j in range(i))
        kept.append(abs(energy(end, symmetric) + 2 * int(pairs)))
        chart = energies
    _, cycled = settle(np.array([1, -1]), np.array([[0, 2], [-1, 0]]), 50)
    swap = np.array([[0, 1], [1, 0]])
    both = [np.array([1, -1])]
    for _ in range(4):
        both.append(np.sign(swap @ both[-1]))
    return Outcome(
        (
            at_least("least fall of twice the energy at a flip", falls, 4),
            at_least("least of s_i (W s)_i at the end", ends, 0),
            at_least("flips", flips, 1),
            at_most(
                "weights that are not as they should be, and energies not sums over pairs", kept, 0
            ),
            at_least("copy and negation: flips in 50 sweeps", len(cycled) - 1, 99),
            at_least(
                "copy and negation: largest rise of twice the energy", np.diff(cycled).max(), 2
            ),
            at_most(
                "two units at once: states that are not the one two steps before",
                [float(np.abs(both[2] - both[0]).sum()), float(np.abs(both[3] - both[1]).sum())],
                0,
            ),
            at_least(
                "two units at once: difference of consecutive states",
                float(np.abs(both[1] - both[0]).sum()),
                4,
            ),
        ),
        sequences("Twice the energy, flip by flip", "flip", "energy", {"energy": chart}),
    )


def retrieve(states: np.ndarray, keys: np.ndarray, values: np.ndarray, beta: float) -> np.ndarray:
    """Return softmax(beta xi K^T) V for each row xi of the states (N, d), with K, V (P, d)."""
    return softmax(beta * states @ keys.T, axis=1) @ values


def modern_energy(states: np.ndarray, patterns: np.ndarray, beta: float) -> np.ndarray:
    """Return -lse(beta X xi)/beta + |xi|^2/2 for each row xi."""
    return -logsumexp(beta * states @ patterns.T, axis=1) / beta + np.sum(states**2, axis=1) / 2


@experiment(
    title="Retrieval from a modern Hopfield network is attention",
    statement=(
        "Attention with queries xi, keys X and values X, and scores scaled by beta, is one step of "
        "the concave-convex procedure on E(xi) = -lse(beta X xi)/beta + |xi|^2/2: it is xi - grad "
        "E(xi), and lowers E by at least half of the squared length of the step. Where the score "
        "of a pattern with itself leads those with the others by D, a step from there moves by at "
        "most (P - 1) e^{-beta D} times the largest distance of two patterns. With other values "
        "than the keys no energy need fall."
    ),
    sources=(
        Source("foundations", 136, "Attractors: Regions of state space that attract trajectories"),
        Source("murari", 503, "a promising interpretation relates them with dynamical systems"),
    ),
    about=("retrieve", "modern_energy"),
    reference="Ramsauer et al., Hopfield networks is all you need, arXiv:2008.02217, theorems 1 "
    "and 4",
    sabotage=Sabotage("values are other vectors than the keys", {"values": "others"}),
)
def retrieval_is_attention(*, values: str = "keys", beta: float = 2.0, seed: int = 0) -> Outcome:
    """`values` are keys or others."""
    rng = seeds.generator("retrieval", seed)
    patterns = rng.normal(size=(12, 20))
    kinds = {"keys": patterns, "others": rng.normal(size=(12, 20))}
    kept = choose("values", values, kinds)
    states, path, room = rng.normal(size=(30, 20)), [], []
    slopes = []
    for _ in range(12):
        after = retrieve(states, patterns, kept, beta)
        fall = modern_energy(states, patterns, beta) - modern_energy(after, patterns, beta)
        room.append(fall - np.sum((after - states) ** 2, axis=1) / 2)
        path.append(modern_energy(states, patterns, beta))
        steps = 1e-20j * np.eye(20)
        slope = np.array([_complex_energy(states + step, patterns, beta).imag for step in steps]).T
        slopes.append(np.abs(states - slope / 1e-20 - after).max())
        states = after
    # One pattern at a time, on the sphere so that scores say which is nearest.
    unit = patterns / np.linalg.norm(patterns, axis=1, keepdims=True)
    scores = unit @ unit.T
    lead = 1 - np.max(scores - 2 * np.eye(12), axis=1)
    far = np.linalg.norm(unit[:, np.newaxis] - unit, axis=2).max()
    sharp = 10.0
    moved = np.linalg.norm(retrieve(unit, unit, unit, sharp) - unit, axis=1)
    bound = 11 * np.exp(-sharp * lead) * far
    return Outcome(
        (
            at_least("least fall of E less half the squared step", room, -1e-10),
            at_most("attention away from xi - grad E", slopes, 1e-10),
            at_most(
                "energy away from its formula without a safe logarithm",
                np.abs(
                    modern_energy(states, patterns, beta) - _complex_energy(states, patterns, beta)
                ),
                1e-10,
            ),
            at_most("movement of a pattern over its bound", moved / bound, 1),
            at_most(
                "mean of the values, away from attention without scores",
                np.abs(retrieve(states, 0 * patterns, kept, beta) - kept.mean(axis=0)).max(),
                1e-12,
            ),
        ),
        sequences(
            "Energy of a query, step by step",
            "step",
            "E",
            {"largest": np.max(path, axis=1), "smallest": np.min(path, axis=1)},
        ),
    )


def _complex_energy(states: np.ndarray, patterns: np.ndarray, beta: float) -> np.ndarray:
    """Return the energy of complex states, by its formula."""
    powers = np.exp(beta * states @ patterns.T)
    return -np.log(powers.sum(axis=1)) / beta + np.sum(states**2, axis=1) / 2
