r"""Recurrent cells in NumPy: a step s_t = F(x_t, s_(t-1)), its adjoint, and both over time.

Inputs (D,) and states (S,) are rows, for one sequence. Steps take complex numbers, so that the
derivative of anything that is unrolled can be had by complex steps, without the adjoints. The
equations are those of `dlmath.layers`, whose gates and blocks stand in the same order.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from dlmath.maths.activations import ACTIVATIONS


class Weights(NamedTuple):
    """The weights of a cell with B blocks of U columns, or their gradients.

    Attributes:
        kernel: (D, B U), for the input.
        recurrent: (U, B U), for the state.
        bias: (B U,); (2, B U) where the state's product has one of its own.
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray


class Pulled(NamedTuple):
    """What a gradient of a step's new state gives for what the step was made of."""

    x: np.ndarray
    state: np.ndarray
    weights: Weights


class Cell(Protocol):
    """A step and its adjoint. `blocks` is B, and a state has `parts` rows of U numbers, h first."""

    blocks: int
    parts: int

    @property
    def biases(self) -> int:
        """The number of rows of B U biases."""

    def step(self, x: np.ndarray, state: np.ndarray, weights: Weights) -> np.ndarray:
        """Return the next state."""

    def pull(self, x: np.ndarray, state: np.ndarray, weights: Weights, delta: np.ndarray) -> Pulled:
        """Return the gradients, for `delta` that of the next state."""


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)), of complex numbers too."""
    return (1 + np.tanh(z / 2)) / 2


@dataclass(frozen=True)
class SimpleCell:
    """h' = phi(x W + h U + b), with phi one of `ACTIVATIONS` by its name."""

    activation: str = "tanh"

    blocks, parts, biases = 1, 1, 1

    def step(self, x: np.ndarray, state: np.ndarray, weights: Weights) -> np.ndarray:
        w, u, b = weights
        return ACTIVATIONS[self.activation].value(x @ w + state @ u + b)

    def pull(self, x: np.ndarray, state: np.ndarray, weights: Weights, delta: np.ndarray) -> Pulled:
        w, u, b = weights
        at = delta * ACTIVATIONS[self.activation].slope(x @ w + state @ u + b)
        return Pulled(at @ w.T, at @ u.T, Weights(np.outer(x, at), np.outer(state, at), at))


class LstmCell:
    """Long short-term memory: blocks i, f, g, o; the state is h, then c."""

    blocks, parts, biases = 4, 2, 1

    def gates(self, x: np.ndarray, state: np.ndarray, weights: Weights) -> list[np.ndarray]:
        """Return i, f, g and o, (U,) each."""
        w, u, b = weights
        h, _ = np.split(state, 2)
        i, f, g, o = np.split(x @ w + h @ u + b, 4)
        return [sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)]

    def step(self, x: np.ndarray, state: np.ndarray, weights: Weights) -> np.ndarray:
        i, f, g, o = self.gates(x, state, weights)
        c = f * np.split(state, 2)[1] + i * g
        return np.concatenate([o * np.tanh(c), c])

    def pull(self, x: np.ndarray, state: np.ndarray, weights: Weights, delta: np.ndarray) -> Pulled:
        i, f, g, o = self.gates(x, state, weights)
        (h, c), (delta_h, delta_c) = np.split(state, 2), np.split(delta, 2)
        squashed = np.tanh(f * c + i * g)
        gamma = delta_c + delta_h * o * (1 - squashed**2)
        of_i, of_f = gamma * g * i * (1 - i), gamma * c * f * (1 - f)
        of_g, of_o = gamma * i * (1 - g**2), delta_h * squashed * o * (1 - o)
        at = np.concatenate([of_i, of_f, of_g, of_o])
        back = np.concatenate([at @ weights.recurrent.T, gamma * f])
        return Pulled(at @ weights.kernel.T, back, Weights(np.outer(x, at), np.outer(h, at), at))


@dataclass(frozen=True)
class GruCell:
    """The gated recurrent unit: blocks z, r, k; the reset gate before the product, or after it.

    After it, the product of the state has a bias of its own.
    """

    after: bool = False

    blocks, parts = 3, 1

    @property
    def biases(self) -> int:
        return 2 if self.after else 1

    def parts_of(
        self, x: np.ndarray, state: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, ...]:
        """Return the gates z and r, the product q that r meets after, and the candidate k."""
        width = 2 * len(state)
        own, other = weights.bias if self.after else (weights.bias, 0 * weights.bias)
        driven = x @ weights.kernel + own
        gates = state @ weights.recurrent[:, :width] + other[:width]
        z, r = np.split(sigmoid(driven[:width] + gates), 2)
        u, b = weights.recurrent[:, width:], other[width:]
        q = state @ u + b
        return z, r, q, np.tanh(driven[width:] + (r * q if self.after else (r * state) @ u))

    def step(self, x: np.ndarray, state: np.ndarray, weights: Weights) -> np.ndarray:
        z, _, _, k = self.parts_of(x, state, weights)
        return z * state + (1 - z) * k

    def pull(self, x: np.ndarray, state: np.ndarray, weights: Weights, delta: np.ndarray) -> Pulled:
        z, r, q, k = self.parts_of(x, state, weights)
        width = 2 * len(state)
        u = weights.recurrent[:, width:]
        of_z, of_k = delta * (state - k) * z * (1 - z), delta * (1 - z) * (1 - k**2)
        rho = of_k @ u.T
        of_r = (of_k * q if self.after else rho * state) * r * (1 - r)
        gates = np.concatenate([of_z, of_r])
        at, met = np.append(gates, of_k), of_k * r
        back = delta * z + gates @ weights.recurrent[:, :width].T
        last = np.outer(state, met) if self.after else np.outer(r * state, of_k)
        recurrent = np.hstack([np.outer(state, gates), last])
        bias = np.stack([at, np.append(gates, met)]) if self.after else at
        back = back + (met @ u.T if self.after else rho * r)
        return Pulled(at @ weights.kernel.T, back, Weights(np.outer(x, at), recurrent, bias))


CELLS: dict[str, Cell] = {
    "simple": SimpleCell(),
    "LSTM": LstmCell(),
    "GRU": GruCell(),
    "GRU, reset after": GruCell(after=True),
}


def drawn(
    cell: Cell, inputs: int, units: int, rng: np.random.Generator, scale: float = 1.0
) -> Weights:
    """Return independent normal weights whose deviation is `scale` over the root of the fan in."""
    columns = cell.blocks * units
    shape = (2, columns) if cell.biases == 2 else (columns,)
    return Weights(
        scale * rng.normal(size=(inputs, columns)) / np.sqrt(inputs),
        scale * rng.normal(size=(units, columns)) / np.sqrt(units),
        scale * rng.normal(size=shape),
    )


def unrolled(cell: Cell, xs: np.ndarray, first: np.ndarray, weights: Weights) -> np.ndarray:
    """Return the states s_0 ... s_T, (T + 1, S), for inputs (T, D)."""
    states = [first]
    for x in xs:
        states.append(cell.step(x, states[-1], weights))
    return np.array(states)


def through_time(
    cell: Cell, xs: np.ndarray, states: np.ndarray, weights: Weights, upstream: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Weights]:
    """Backpropagate through time: return the gradients of L in the inputs, states and weights.

    Args:
        cell: Of the recurrence.
        xs: (T, D).
        states: (T + 1, S), as `unrolled` gives them.
        weights: Of the cell.
        upstream: (T + 1, S), the gradients of L in each state as L itself contains it.
    """
    deltas, of_x = upstream.copy(), np.empty_like(xs)
    of_weights = [np.zeros_like(one) for one in weights]
    for t in reversed(range(len(xs))):
        pulled = cell.pull(xs[t], states[t], weights, deltas[t + 1])
        deltas[t] += pulled.state
        of_x[t] = pulled.x
        of_weights = [one + more for one, more in zip(of_weights, pulled.weights, strict=True)]
    return of_x, deltas, Weights(*of_weights)


def jacobians(cell: Cell, xs: np.ndarray, states: np.ndarray, weights: Weights) -> np.ndarray:
    """Return J_t = ds_t / ds_(t-1) for t = 1 ... T, (T, S, S), a row for each entry of s_t."""
    units = np.eye(states.shape[1])
    return np.array(
        [
            [cell.pull(x, state, weights, unit).state for unit in units]
            for x, state in zip(xs, states, strict=False)
        ]
    )
