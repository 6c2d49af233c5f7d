"""Operators between functions, computed on grids: what is lost when the grid changes."""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def sampled(modes: np.ndarray, points: int) -> np.ndarray:
    """Return the function Re sum c_k e^{ikx} at 2 pi j / points, of modes c_0, ..., c_K."""
    x = 2 * np.pi * np.arange(points) / points
    return np.real(np.exp(1j * np.outer(x, np.arange(len(modes)))) @ modes)


def fourier_layer(values: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
    """Return the function whose first modes are multiplied, and whose others are dropped."""
    modes = np.fft.rfft(values)
    kept = np.zeros_like(modes)
    kept[: len(multipliers)] = modes[: len(multipliers)] * multipliers
    return np.fft.irfft(kept, len(values))


def operator(values: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """Return u <- F(u)^2 for one Fourier layer F after another, as a network on a grid."""
    for multipliers in layers:
        values = fourier_layer(values, multipliers) ** 2
    return values


@experiment(
    title="A network on functions is the same on every grid that is fine enough",
    statement=(
        "A Fourier layer multiplies the modes |k| <= K and drops the others; the square between "
        "two layers doubles the highest mode. On grids of more than 3K points all values of a "
        "network of such layers on the points that two grids share are equal: it is one operator "
        "on functions. It takes 2K points for a function and K more for what the square folds back "
        "(aliasing). On a grid of at most 3K points the values are others."
    ),
    sources=(Source("foundations", 133, "Understanding networks as operators between function"),),
    about=("sampled", "fourier_layer", "operator"),
    reference="Li et al., Fourier neural operator, arXiv:2010.08895; Bartolucci et al., "
    "Representation equivalent neural operators, arXiv:2305.19913",
    sabotage=Sabotage("the coarse grid has 3K - 3 points", {"points": 15}),
)
def one_operator_on_all_grids(*, points: int = 20, highest: int = 6, seed: int = 0) -> Outcome:
    """`points` of the coarse grid; `highest` is K."""
    rng = seeds.generator("operators", seed)
    modes = rng.normal(size=highest + 1) + 1j * rng.normal(size=highest + 1)
    layers = (rng.normal(size=(3, highest + 1)) + 1j * rng.normal(size=(3, highest + 1))) / 3
    layers[:, 0] = layers[:, 0].real  # the mean of a real function is real
    coarse, apart = operator(sampled(modes, points), layers), []
    for factor in (2, 3, 8):
        fine = operator(sampled(modes, factor * points), layers)
        apart.append(np.abs(fine[::factor] - coarse).max() / np.abs(fine).max())
    counts = np.arange(2 * highest + 1, 4 * highest)
    fine = operator(sampled(modes, 16 * 9 * 5 * 7), layers)
    means = np.array([operator(sampled(modes, int(count)), layers).mean() for count in counts])
    errors = np.abs(means - fine.mean()) / np.abs(fine).max()
    # One layer by its convolution sum, another way than the transform.
    x = 2 * np.pi * np.arange(points) / points
    kernel = sampled(np.r_[layers[0, 0], 2 * layers[0, 1:]], points)
    values = sampled(modes, points)
    summed = np.array([kernel[(j - np.arange(points)) % points] @ values for j in range(points)])
    wave = np.cos(2 * x)
    return Outcome(
        (
            at_least("least value of the network, which is a square", coarse, 0),
            at_most("shared points of two grids, over the largest value", apart, 1e-12),
            at_most(
                "mean over a grid of more than 3K points, away from the fine one",
                errors[counts > 3 * highest],
                1e-12,
            ),
            at_least(
                "mean over one of 2K + 1 to 3K points, away from it",
                errors[counts <= 3 * highest],
                1e-6,
            ),
            at_most(
                "a layer, away from the convolution with its kernel",
                np.abs(fourier_layer(values, layers[0]) - summed / points).max(),
                1e-12,
            ),
            at_most(
                "a layer of cos 2x, away from Re(m_2 e^{2ix})",
                np.abs(
                    fourier_layer(wave, layers[0]) - np.real(layers[0, 2] * np.exp(2j * x))
                ).max(),
                1e-12,
            ),
        ),
        curves(
            "Mean of the output, away from that of a fine grid",
            "points",
            "error",
            {"error": (counts, errors)},
            log=True,
        ),
    )
