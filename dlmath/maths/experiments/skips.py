"""U-Nets: what their skip connections carry past the bottleneck."""

import numpy as np
from scipy.linalg import block_diag

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

LEVELS = 3


def halved(rows: np.ndarray) -> np.ndarray:
    """Return the means of neighbours, (N, n / 2), of rows (N, n): average pooling by two."""
    return (rows[:, ::2] + rows[:, 1::2]) / 2


def doubled(rows: np.ndarray) -> np.ndarray:
    """Return rows (N, 2 n) in which each entry of rows (N, n) stands twice."""
    return np.repeat(rows, 2, axis=1)


def u_net(rows: np.ndarray, linked: tuple[bool, ...]) -> np.ndarray:
    """Return what a U-shaped network with fixed linear layers makes of rows (N, n).

    On the way down A_(l+1) is A_l, pooled by two. On the way up a decoder doubles what comes from
    below and, where level l is linked, adds A_l less the doubled A_(l+1), which a linear layer can
    compute from the skip.
    """
    down = [rows]
    for _ in linked:
        down.append(halved(down[-1]))
    up = down[-1]
    for level, link in reversed(list(enumerate(linked))):
        up = doubled(up) + (down[level] - doubled(down[level + 1]) if link else 0.0)
    return up


def haar_details(length: int, level: int) -> np.ndarray:
    """Return the orthonormal wavelets (length / 2^(level + 1), length) of Haar at a level."""
    half = 2**level
    one = np.concatenate([np.ones(half), -np.ones(half)]) / np.sqrt(2 * half)
    return block_diag(*[one] * (length // (2 * half)))


@experiment(
    title="A U-Net's skip connections carry the detail that its bottleneck cannot",
    statement=(
        "Signals of n numbers go through a bottleneck of n / 8, after three poolings by two. "
        "Whatever decoder follows, without skips the squared error is at least the sum of the "
        "squares of the signals' singular values beyond n / 8. With a skip at each level fixed "
        "linear layers give every signal back exactly; cutting only the skip of level l loses "
        "precisely the energy in the Haar wavelets of that scale."
    ),
    sources=(Source("murari", 84, "ResNets, U-Nets, Transformers"),),
    about=("u_net", "halved", "doubled", "haar_details"),
    reference="Ronneberger, Fischer and Brox, U-Net, arXiv:1505.04597; Burt and Adelson, The "
    "Laplacian pyramid, 1983; Mallat, A wavelet tour of signal processing, 2009, section 7.2",
    sabotage=Sabotage("there are no skip connections", {"skips": False}),
)
def skips_carry_the_detail(
    *, skips: bool = True, length: int = 64, signals: int = 200, seed: int = 0
) -> Outcome:
    """`length` is n, a multiple of 8; the signals have steps at random places, and noise."""
    rng = seeds.generator("skips", seed)
    places = np.arange(length)
    steps = rng.normal(size=(signals, 4, 1)) * (places > rng.uniform(0, length, (signals, 4, 1)))
    rows = steps.sum(axis=1) + 0.1 * rng.normal(size=(signals, length))
    whole = u_net(rows, (skips,) * LEVELS)
    losses, energies = [], []
    for level in range(LEVELS):
        cut = u_net(rows, tuple(skips and other != level for other in range(LEVELS)))
        losses.append(float(np.sum((rows - cut) ** 2)))
        energies.append(float(np.sum((rows @ haar_details(length, level).T) ** 2)))
    narrow = rows
    for _ in range(LEVELS):
        narrow = halved(narrow)
    best = narrow @ np.linalg.lstsq(narrow, rows)[0]  # the best decoder that is linear
    floor = np.sum(np.linalg.svd(rows, compute_uv=False)[length // 8 :] ** 2)
    shown = places / length
    return Outcome(
        (
            at_most("largest error with all skips", np.abs(whole - rows).max(), 1e-12),
            at_most(
                "loss by cutting one skip away from its wavelets' energy, relative",
                np.abs(np.divide(losses, energies) - 1).max(),
                1e-9,
            ),
            at_least(
                "squared error of the best decoder without skips over its floor",
                np.sum((rows - best) ** 2) / floor,
                1 - 1e-9,
            ),
        ),
        curves(
            "One signal",
            "place",
            "value",
            {
                "signal": (shown, rows[0]),
                "without skips": (shown, u_net(rows[:1], (False,) * LEVELS)[0]),
                "as run": (shown, whole[0]),
            },
        ),
    )
