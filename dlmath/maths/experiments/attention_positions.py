"""Sinusoidal positions: a shift is a rotation, and a head can look a number of places back."""

import numpy as np
from scipy.linalg import block_diag

from dlmath import seeds
from dlmath.maths.attention import attend, sines
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def frequencies(width: int, longest: float) -> np.ndarray:
    """Return w_i = longest^(-2i / width), (width / 2,)."""
    return longest ** (-2 * np.arange(width // 2) / width)


def turned(shift: float, width: int, longest: float) -> np.ndarray:
    """Return R_s (width, width), which takes e_t to e_(t+s): each pair turns by w_i s."""
    angles = shift * frequencies(width, longest)
    return block_diag(*[[[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] for a in angles])


@experiment(
    title="With sinusoidal positions a shift is a rotation",
    statement=(
        "With frequencies w_i the encoding e_t has pairs (sin w_i t, cos w_i t). The pair at t + "
        "s is that at t turned by the angle w_i s: e_(t+s) = R_s e_t for all t, R_s orthogonal "
        "and R_s R_u = R_(s+u). So <e_t, e_(t+s)> = sum of cos(w_i s) for all t, and |e_t|^2 = D "
        "/ 2. Queries c R_(-s) e_t and keys e_t make each position look s places back: its "
        "weight there is at least 1 / (1 + (n - 1) e^(-c g / sqrt(D))), g the least of sum(1 - "
        "cos(w_i u)) over u from 1 to n - 1."
    ),
    sources=(Source("tsemo", 605, "Transformer"), Source("murari", 493, "Transformers")),
    about=("sines", "turned", "frequencies"),
    reference="Vaswani et al., arXiv:1706.03762, section 3.5; Su et al., RoFormer, "
    "arXiv:2104.09864",
    sabotage=Sabotage("each position has a row of its own", {"positions": "learnt"}),
)
def sines_turn_with_the_position(
    *, positions: str = "sines", width: int = 16, length: int = 60, back: int = 3, seed: int = 0
) -> Outcome:
    """`positions` are sines, or learnt: random rows of the same length; `back` is s."""
    rng = seeds.generator("positions", seed)
    longest = 1e4
    rows = rng.normal(size=(length, width))
    rows *= np.sqrt(width / 2) / np.linalg.norm(rows, axis=1, keepdims=True)
    kinds = {"sines": sines(np.arange(length), width, longest), "learnt": rows}
    encoded = choose("positions", positions, kinds)
    shifts = (1, 2, 7, back)
    w = frequencies(width, longest)
    moved = [np.abs(encoded[s:] - encoded[:-s] @ turned(s, width, longest).T).max() for s in shifts]
    products = [
        np.abs(np.sum(encoded[s:] * encoded[:-s], axis=1) - np.cos(w * s).sum()).max()
        for s in shifts
    ]
    turn = turned(back, width, longest)
    group = turn @ turned(0.7, width, longest) - turned(back + 0.7, width, longest)
    sharp = 200.0
    weights = attend(sharp * encoded @ turn, encoded, encoded)[1]
    gaps = (1 - np.cos(np.outer(np.arange(1, length), w))).sum(axis=1)
    least = 1 / (1 + (length - 1) * np.exp(-sharp * gaps.min() / np.sqrt(width)))
    found = weights[np.arange(back, length), np.arange(length - back)]
    between = sines(np.array([0.5, 2.25]), width, longest)[:, :2]
    return Outcome(
        (
            at_most("e_(t+s) away from R_s e_t", moved, 1e-13),
            at_most("<e_t, e_(t+s)> away from the sum of cosines", products, 1e-13),
            at_most(
                "|e_t|^2 away from D / 2", np.abs(np.sum(encoded**2, axis=1) - width / 2), 1e-13
            ),
            at_most("R_s R_u away from R_(s+u)", np.abs(group).max(), 1e-14),
            at_most(
                "R_s R_s^T away from the identity",
                np.abs(turn @ turn.T - np.eye(width)).max(),
                1e-14,
            ),
            at_most(
                "first pair away from sin t, cos t",
                np.abs(between - [[np.sin(t), np.cos(t)] for t in (0.5, 2.25)]).max(),
                0,
            ),
            at_most(
                "last frequency away from 10^(-4 + 8 / D)",
                abs(w[-1] - 10 ** (8 / width - 4)),
                1e-18,
            ),
            at_least("weight s places back, less its bound", found - least, -1e-15),
            at_least("that bound", least, 0.99),
        ),
        curves(
            "Product of two encodings, by their distance",
            "distance",
            "product",
            {
                "from position 0": (np.arange(length), encoded @ encoded[0]),
                "from position 20": (np.arange(length) - 20, encoded @ encoded[20]),
            },
        ),
    )
