"""Tokens as particles on a sphere, which move by attention, layer after layer.

Source: Geshkovski, Letrouit, Polyanskiy and Rigollet, "A mathematical perspective on transformers",
arXiv:2312.10794. With weights p_ij in proportion to e^(beta <x_i, x_j>), tokens x_i on the unit
sphere, and the projection P_x y = y - <x, y> x that layer normalisation stands for,

    dx_i/dt = P_(x_i) sum_j p_ij V x_j.
"""

import numpy as np

from dlmath import seeds
from dlmath.maths.attention import attend
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def velocity(tokens: np.ndarray, beta: float, sign: float) -> np.ndarray:
    """Return dx/dt (n, d) of tokens (n, d) on the unit sphere, with V = sign I."""
    pull = sign * attend(tokens, tokens, tokens, scale=beta)[0]
    return pull - np.sum(tokens * pull, axis=1, keepdims=True) * tokens


def moved(tokens: np.ndarray, beta: float, sign: float, step: float, steps: int) -> np.ndarray:
    """Return the tokens at the times 0, step, ..., (steps + 1, n, d), by Runge and Kutta's method.

    Its error is of the order of step^4. After each step the tokens are brought back to the sphere,
    which with V = -I they leave otherwise.
    """
    path = [tokens]
    for _ in range(steps):
        x = path[-1]
        first = velocity(x, beta, sign)
        second = velocity(x + step / 2 * first, beta, sign)
        third = velocity(x + step / 2 * second, beta, sign)
        last = velocity(x + step * third, beta, sign)
        x = x + step / 6 * (first + 2 * second + 2 * third + last)
        path.append(x / np.linalg.norm(x, axis=1, keepdims=True))
    return np.array(path)


def energy(tokens: np.ndarray, beta: float) -> np.ndarray:
    """Return the sum over i and j of e^(beta <x_i, x_j>) / (2 beta), of tokens (..., n, d)."""
    products = np.einsum("...id,...jd->...ij", tokens, tokens)
    return np.exp(beta * products).sum(axis=(-2, -1)) / (2 * beta)


@experiment(
    title="Tokens that move by attention gather in one point",
    statement=(
        "Tokens on the unit sphere move with the velocity of attention, Q = K = V = I, projected "
        "on the tangent space. If all lie in an open half, <x_i, w> > 0, they come together in "
        "one point: the least <x_i, w> never falls, and in the end the distances shrink as e^-t. "
        "If no inner product is negative the smallest never falls. The sum of e^(beta <x_i, "
        "x_j>) / (2 beta) grows at the rate sum Z_i |dx_i/dt|^2, Z_i the sum of token i's e^(beta "
        "<x_i, x_j>), wherever the tokens are. Two opposite tokens stay where they are. With V = "
        "-I they spread."
    ),
    sources=(Source("murari", 503, "interprets them as interacting particle systems"),),
    about=("velocity", "moved", "energy"),
    reference="Geshkovski, Letrouit, Polyanskiy and Rigollet, arXiv:2312.10794, section 3.4 and "
    "lemma 6.4",
    sabotage=Sabotage("V = -I", {"sign": -1.0}),
)
def tokens_gather_in_one_point(
    *, sign: float = 1.0, tokens: int = 10, beta: float = 2.0, seed: int = 0
) -> Outcome:
    """`tokens` in space, on a half of the sphere with <x, w> >= 0.2; V is `sign` times I."""
    rng = seeds.generator("flow", seed)
    start = _upper(rng, tokens)
    step, steps = 0.05, 320
    path = moved(start, beta, sign, step, steps)
    fine = moved(start, beta, sign, step / 2, 80)[::2]
    height = path[:, :, 2].min(axis=1)
    spread = 1 - _least_product(path)
    late = slice(steps // 2, 3 * steps // 4)
    times = step * np.arange(steps + 1)
    rates = np.diff(np.log(np.maximum(spread[late], 1e-300))) / step
    narrow = moved(np.abs(start), beta, sign, step, steps)
    around = rng.normal(size=(tokens, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    speed = velocity(around, beta, 1.0)
    grown = np.imag(energy(around + 1e-20j * speed, beta)) / 1e-20
    weighted = np.exp(beta * around @ around.T).sum(axis=1) @ np.sum(speed**2, axis=1)
    poles = np.array([[0.0, 0, 1], [0, 0, -1]])
    apart = moved(_upper(rng, 4), beta, -1.0, step, steps)
    return Outcome(
        (
            at_most("path away from that with half the step", np.abs(fine - path[:41]).max(), 1e-6),
            at_least("least <x_i, w>: its smallest change in a step", np.diff(height), -1e-9),
            at_most("in the end: 1 less the smallest inner product", spread[-1], 1e-4),
            at_least(
                "tokens in one octant: smallest change of the least product",
                np.diff(_least_product(narrow)),
                -1e-9,
            ),
            at_least("late: rate of 1 less the smallest inner product", rates, -2.001),
            at_most("late: the same", rates, -1.999),
            at_most(
                "growth of the energy away from sum Z_i |dx_i/dt|^2, relative",
                abs(grown / weighted - 1),
                1e-12,
            ),
            at_most("speed of two opposite tokens", np.abs(velocity(poles, beta, sign)), 0),
            at_most("V = -I: change of the energy in a step", np.diff(energy(apart, beta)), 1e-9),
        ),
        curves(
            "Tokens come together",
            "time",
            "1 less the smallest inner product",
            {
                "as run": (times, spread),
                "e^-2t": (times, spread[late][0] * np.exp(-2 * (times - times[late][0]))),
            },
            log=True,
        ),
    )


def _upper(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return random points (count, 3) of the unit sphere, at heights from 0.2 to 1."""
    height, angle = rng.uniform(0.2, 1, count), rng.uniform(0, 2 * np.pi, count)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def _least_product(path: np.ndarray) -> np.ndarray:
    return np.min(path @ np.swapaxes(path, 1, 2), axis=(1, 2))
