"""Gated recurrences: what the gates of an LSTM keep of a gradient, and what a GRU saves."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.differences import complex_step
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.experiments.recurrent_gradients import norms_of, orthogonal, products
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.recurrences import (
    Cell,
    GruCell,
    LstmCell,
    SimpleCell,
    Weights,
    drawn,
    jacobians,
    sigmoid,
    unrolled,
)

LSTM = LstmCell()
SIZES = ((1, 1), (3, 2), (2, 5), (4, 4))  # D and U


class Held(NamedTuple):
    """A map from step t to T with gates held at their values.

    Attributes:
        jacobians: (T + 1, U, U), by complex steps.
        off: How far it leads from where the recurrence itself leads.
    """

    jacobians: np.ndarray
    off: float


@experiment(
    title="The cell of an LSTM keeps gradients as its forget gates say",
    statement=(
        "With the gates of an LSTM held at their values, dc_T / dc_t is exactly the diagonal "
        "matrix of the products of the forget gates after t: no recurrent weights, no slopes. It "
        "is at least f^(T-t) for forget gates of at least f, which a bias sets as near to 1 as is "
        "wanted, where a simple recurrence with |U| = rho has at most rho^(T-t). Gates see h, and "
        "so c: then dc_T / dc_t is that product where U = 0, and in general not otherwise. A GRU "
        "whose gates and candidates are held has the products of its update gates."
    ),
    sources=(
        Source("tsemo", 578, "It seems that LSTM can preserve gradients"),
        Source("tsemo", 567, "Long Short-Term Memory (LSTM)"),
        Source("tsemo", 566, "LSTM or GRU can solve this issue"),
    ),
    about=("forgotten", "running", "cells_held", "cells_free", "updates_held", "least_gate"),
    reference="Gers, Schmidhuber and Cummins, Learning to forget, Neural Computation 12, 2000",
    sabotage=Sabotage("the gates are not held: they see h", {"gates": "free"}),
)
def forget_gates_carry_the_gradient(
    *, gates: str = "held", length: int = 60, units: int = 6, rho: float = 0.9, seed: int = 0
) -> Outcome:
    """`gates` are held at their values, or free; `rho` is the norm of the simple recurrence."""
    rng = seeds.generator("forget gates", seed)
    xs, first = rng.uniform(-1, 1, size=(length, 3)), rng.uniform(-1, 1, size=2 * units)
    weights = open_lstm(units, rng)
    states = unrolled(LSTM, xs, first, weights)
    kept = forgotten(xs, states, weights)
    held, free = cells_held(xs, states, weights), cells_free(xs, states, weights)
    found = choose("gates", gates, {"held": held.jacobians, "free": free})
    of_gru, updates = updates_held(xs, first[:units], rng)
    without = weights._replace(recurrent=0 * weights.recurrent)
    blind = unrolled(LSTM, xs, first, without)
    seen = np.abs(free - diagonals(kept))[0].max() / kept[0].max()
    simple = simple_norms(xs, first[:units], rho, rng)
    steps = np.arange(length, -1.0, -1.0)
    least = least_gate(weights)
    return Outcome(
        (
            at_most(
                "dc_T / dc_t away from the products of f, relative",
                apart(found, kept),
                1e-12,
            ),
            at_most(
                "U = 0, gates not held: the same",
                apart(cells_free(xs, blind, without), forgotten(xs, blind, without)),
                1e-12,
            ),
            at_least("U not 0, gates not held: the same, for t = 0", seen, 0.01),
            at_least("products of f over f^(T-t)", (kept.T / least**steps).ravel(), 1 - 1e-12),
            at_least("least f, by the bias", least, 0.98),
            at_most(
                "least f away from f at the worst input", abs(least - worst_gate(weights)), 1e-12
            ),
            at_most("held: away from the end of the recurrence", (held.off, of_gru.off), 1e-12),
            at_most("simple recurrence: norm over rho^(T-t)", simple / rho**steps, 1 + 1e-12),
            at_most(
                "GRU held: dh_T / dh_t away from the products of z, relative",
                apart(of_gru.jacobians, updates),
                1e-12,
            ),
        ),
        sequences(
            "Norm of the Jacobian from t to T",
            "t",
            "norm",
            {"LSTM, gates held": kept.max(axis=1), "simple": simple},
            log=True,
        ),
    )


def open_lstm(units: int, rng: np.random.Generator) -> Weights:
    """Return weights of an LSTM for 3 inputs, with a bias of 7 in the forget gates."""
    weights = drawn(LSTM, 3, units, rng, 0.5)
    bias = weights.bias.copy()
    bias[units : 2 * units] = 7
    return weights._replace(bias=bias)


def least_gate(weights: Weights) -> float:
    """Return the least value that a forget gate can take for inputs and states in [-1, 1]."""
    reach = sum(np.abs(one).sum(axis=0) for one in weights[:2])
    return float(np.split(sigmoid(weights.bias - reach), 4)[1].min())


def worst_gate(weights: Weights) -> float:
    """Return the least forget gate over the inputs and states that each unit likes least."""
    signs = [-np.sign(np.split(one, 4, axis=1)[1]) for one in weights[:2]]
    gates = [
        LSTM.gates(x, np.append(h, 0 * h), weights)[1][unit]
        for unit, (x, h) in enumerate(zip(*(one.T for one in signs), strict=True))
    ]
    return float(np.min(gates))


def forgotten(xs: np.ndarray, states: np.ndarray, weights: Weights) -> np.ndarray:
    """Return the products of the forget gates after t, for t = 0 ... T, (T + 1, U)."""
    gates = [LSTM.gates(x, state, weights)[1] for x, state in zip(xs, states[:-1], strict=True)]
    return running(np.array(gates))


def running(gates: np.ndarray) -> np.ndarray:
    """Return the products of rows t + 1 ... T for t = 0 ... T, of gates (T, U)."""
    return np.vstack([np.cumprod(gates[::-1], axis=0)[::-1], np.ones(gates.shape[1])])


def cells_held(xs: np.ndarray, states: np.ndarray, weights: Weights) -> Held:
    """Hold the gates of each step, and follow the cell from each t."""
    held = [LSTM.gates(x, state, weights) for x, state in zip(xs, states[:-1], strict=True)]

    def last(c: np.ndarray, start: int) -> np.ndarray:
        for i, f, g, _ in held[start:]:
            c = f * c + i * g
        return c

    return followed(last, np.split(states, 2, axis=1)[1])


def followed(last: Callable[[np.ndarray, int], np.ndarray], trajectory: np.ndarray) -> Held:
    """Return where a map from step t to T leads from each point of a trajectory, and how it bends.

    Args:
        last: Takes a state and its t.
        trajectory: (T + 1, U).
    """

    def bend(t: int) -> np.ndarray:
        return complex_step(lambda one: last(one, t), trajectory[t])

    steps = range(len(trajectory))
    ends = np.array([last(trajectory[t], t) for t in steps])
    off = np.abs(ends - trajectory[-1]).max()
    return Held(np.array([bend(t) for t in steps]), float(off))


def cells_free(xs: np.ndarray, states: np.ndarray, weights: Weights) -> np.ndarray:
    """Return dc_T / dc_t as it is, also through h and the gates, (T + 1, U, U)."""
    units = states.shape[1] // 2
    return products(jacobians(LSTM, xs, states, weights))[:, units:, units:]


def updates_held(
    xs: np.ndarray, first: np.ndarray, rng: np.random.Generator
) -> tuple[Held, np.ndarray]:
    """Hold z and k of a GRU, and follow its state from each t; return the products of z as well."""
    cell = GruCell()
    weights = drawn(cell, xs.shape[1], len(first), rng)
    states = unrolled(cell, xs, first, weights)
    held = [cell.parts_of(x, h, weights) for x, h in zip(xs, states[:-1], strict=True)]

    def last(h: np.ndarray, start: int) -> np.ndarray:
        for z, _, _, k in held[start:]:
            h = z * h + (1 - z) * k
        return h

    return followed(last, states), running(np.array([z for z, *_ in held]))


def diagonals(rows: np.ndarray) -> np.ndarray:
    """Return the diagonal matrix of each row."""
    return rows[:, :, np.newaxis] * np.eye(rows.shape[1])


def apart(matrices: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return how far matrices are from the diagonal ones of rows, over these, at each t."""
    return np.abs(matrices - diagonals(rows)).max(axis=(1, 2)) / np.abs(rows).max(axis=1)


def simple_norms(
    xs: np.ndarray, first: np.ndarray, rho: float, rng: np.random.Generator
) -> np.ndarray:
    """Return |dh_T / dh_t| of a simple recurrence with |U| = rho."""
    cell, units = SimpleCell(), len(first)
    weights = drawn(cell, xs.shape[1], units, rng)._replace(recurrent=rho * orthogonal(units, rng))
    return norms_of(products(jacobians(cell, xs, unrolled(cell, xs, first, weights), weights)))


@experiment(
    title="A GRU has three quarters of the weights of an LSTM",
    statement=(
        "For D inputs and U units an LSTM has 4 U (D + U + 1) weights and a GRU 3 U (D + U + 1), "
        "exactly three quarters, in the matrix products too; the state depends on each of them. "
        "The form with the reset gate after the product adds 3 U biases, of which the 2 U of the "
        "gates shift the same sums as those that are there: only U are new."
    ),
    sources=(
        Source("tsemo", 579, "Gated Recurrent Unit (GRU)"),
        Source("tsemo", 587, "more efficient due to fewer parameters"),
    ),
    about=("in_use", "ranks"),
    reference="Cho et al., Learning phrase representations, 2014, arXiv:1406.1078",
    sabotage=Sabotage("the reset gate comes after the product", {"after": True}),
)
def gru_has_three_quarters_of_the_weights(*, after: bool = False, seed: int = 0) -> Outcome:
    """`after` is whether the GRU that is counted applies the reset gate after the product."""
    rng = seeds.generator("weights counted", seed)
    counts: dict[str, list[int]] = {"LSTM": [], "GRU": [], "reset after": []}
    ratios, new, same = [], [], []
    for inputs, units in SIZES:
        found = {
            name: effects(cell, inputs, units, rng)
            for name, cell in (
                ("LSTM", LSTM),
                ("GRU", GruCell(after)),
                ("reset after", GruCell(after=True)),
            )
        }
        for name, of in found.items():
            counts[name].append(in_use(of))
        ratios.append(in_use(found["GRU"][:2]) / in_use(found["LSTM"][:2]))
        two = found["reset after"].bias
        same.append(np.abs(two[0, : 2 * units] - two[1, : 2 * units]).max() / np.abs(two).max())
        new.append(ranks(np.concatenate(two)) - ranks(two[0]) - units)
    d, u = np.array(SIZES).T
    formula = u * (d + u + 1)
    return Outcome(
        (
            at_most("LSTM: weights off 4 U (D + U + 1)", off(counts["LSTM"], 4 * formula), 0),
            at_most("GRU: weights off 3/4 of the LSTM's", off(counts["GRU"], 3 * formula), 0),
            at_most("GRU: entries of its products off 3/4", np.abs(np.array(ratios) - 0.75), 0),
            at_most(
                "reset after: weights off 3 U more",
                off(counts["reset after"], 3 * formula + 3 * u),
                0,
            ),
            at_most("the two biases of a gate: effects apart, relative", same, 1e-12),
            at_most("directions that the second bias adds, off U", np.abs(new), 0),
        ),
        curves(
            "Weights",
            "U (D + U + 1)",
            "weights",
            {name: (np.sort(formula), np.sort(found)) for name, found in counts.items()},
        ),
    )


def off(counts: list[int], wanted: np.ndarray) -> np.ndarray:
    """Return how far counts are from those that are wanted."""
    return np.abs(np.array(counts) - wanted)


def in_use(effects_of: Sequence[np.ndarray]) -> int:
    """Return the number of weights that the states depend on."""
    return sum(int(np.count_nonzero(np.any(one, axis=-1))) for one in effects_of)


def effects(cell: Cell, inputs: int, units: int, rng: np.random.Generator) -> Weights:
    """Return the derivatives of the states in each weight, by complex steps, as the last axis."""
    weights = drawn(cell, inputs, units, rng)
    xs, first = rng.normal(size=(2 * units + 2, inputs)), rng.normal(size=cell.parts * units)

    def of(name: str) -> np.ndarray:
        return complex_step(
            lambda one: unrolled(cell, xs, first, weights._replace(**{name: one}))[1:].ravel(),
            getattr(weights, name),
        )

    return Weights(*map(of, Weights._fields))


def ranks(effects_of: np.ndarray) -> int:
    """Return how many weights move the states in directions of their own."""
    return int(np.linalg.matrix_rank(effects_of, rtol=1e-9))
