"""Very wide random networks: Gaussian in the limit, and a tangent kernel that stays."""

import numpy as np
from scipy.stats import kstest

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment import Outcome, Sabotage, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

WIDTHS = np.array([2, 8, 32, 128, 512])


@experiment(
    title="Wide random networks approach a Gaussian process",
    statement=(
        "The output of a network of one hidden layer with independent weights of finite "
        "variance tends, as the width grows, to a normal law whose variance is the kernel, for "
        "ReLU |x|^2 / d at gain 2: the central limit theorem over the units. With Cauchy "
        "weights it does not."
    ),
    sources=(
        Source("foundations", 97, "Very wide networks approach Gaussian processes in the limit"),
        Source("foundations", 97, "How activations propagate through deep networks"),
    ),
    reference="Neal, Priors for infinite networks, 1994; Cho and Saul, 2009, equation 1",
    sabotage=Sabotage("the weights have no variance", {"weights": "cauchy"}),
)
def wide_networks_are_gaussian(
    *, weights: str = "normal", draws: int = 4000, seed: int = 0
) -> Outcome:
    """`weights` is normal or cauchy."""
    heavy = choose("weights", weights, {"normal": False, "cauchy": True})
    distances = []
    x = np.array([0.6, -1.0, 1.1])
    deviation = np.linalg.norm(x) / np.sqrt(3)
    for width in WIDTHS:
        rng = seeds.generator("gaussian process", seed, int(width))
        # A sum over the inputs of normal weights is normal: one number a unit is enough.
        hidden = np.maximum(rng.normal(size=(draws, width)) * deviation * np.sqrt(2), 0)
        last = rng.standard_cauchy((draws, width)) if heavy else rng.normal(size=(draws, width))
        outputs = (hidden * last).sum(axis=1) / np.sqrt(width)
        distances.append(float(kstest(outputs / deviation, "norm").statistic))
    chance = 1.95 / np.sqrt(draws)  # what a truly normal sample exceeds once in a thousand times
    return Outcome(
        (
            at_most("distance from normal at the largest width", distances[-1], chance),
            at_most("the same over that at the least width", distances[-1] / distances[0], 0.3),
        ),
        curves(
            "Kolmogorov's distance from the normal law",
            "log10 of width",
            "distance",
            {
                "distance": (np.log10(WIDTHS), distances),
                "one in 1000": (np.log10(WIDTHS), np.full(len(WIDTHS), chance)),
            },
            log=True,
        ),
    )


@experiment(
    title="The tangent kernel of a wide network hardly moves",
    statement=(
        "In the scaling of the tangent kernel, f = a . phi(W x / sqrt d) / sqrt n with all "
        "weights of size 1, training to a small loss changes the kernel by an amount that falls "
        "like n^(-1/2) or faster. In the mean-field scaling, 1/n, it does not fall."
    ),
    sources=(
        Source("foundations", 97, "Network Width Effects"),
        Source("foundations", 133, "Connect neural networks to kernel methods"),
    ),
    reference="Jacot, Gabriel and Hongler, Neural tangent kernel, arXiv:1806.07572; "
    "Chizat and Bach, On lazy training, arXiv:1812.07956",
    sabotage=Sabotage("the outputs are scaled by 1/n", {"power": 1.0}),
)
def tangent_kernel_drift(*, power: float = 0.5, draws: int = 6, seed: int = 0) -> Outcome:
    """`power` of the width n divides the output."""
    widths = np.array([16, 64, 256, 1024])
    drifts = np.zeros((draws, len(widths)))
    for draw in range(draws):
        for place, width in enumerate(widths):
            drifts[draw, place] = _drift(
                int(width), power, seeds.generator("drift", seed, draw, int(width))
            )
    means = drifts.mean(axis=0)
    slope = np.polyfit(np.log(widths), np.log(means), 1)[0]
    return Outcome(
        (at_most("power of the width in the drift", slope, -0.4),),
        curves(
            "Relative change of the tangent kernel",
            "log10 of width",
            "change",
            {
                "trained": (np.log10(widths), means),
                "n^-1/2": (np.log10(widths), means[0] * np.sqrt(widths[0] / widths)),
            },
            log=True,
        ),
    )


def _drift(width: int, power: float, rng: np.random.Generator) -> float:
    """Return |K_end - K_start| / |K_start| of a tanh network trained on eight points."""
    x, y = rng.normal(size=(8, 4)) / 2, rng.choice([-1.0, 1.0], 8)
    w, a = rng.normal(size=(4, width)), rng.normal(size=width)
    scale = width**-power
    start = _kernel(x, w, a, scale)
    # The kernel grows with n scale^2; the rate undoes that, so that all widths learn alike.
    rate = 0.5 / (width * scale**2)
    for _ in range(400):
        h = np.tanh(x @ w)
        inner = scale * (1 - h**2) * a  # df/d(pre-activation), (8, width)
        error = (scale * h @ a - y) / 8
        w, a = w - rate * x.T @ (error[:, None] * inner), a - rate * scale * h.T @ error
    change = _kernel(x, w, a, scale) - start
    return float(np.linalg.norm(change) / np.linalg.norm(start))


def _kernel(x: np.ndarray, w: np.ndarray, a: np.ndarray, scale: float) -> np.ndarray:
    """Return <grad f(x_i), grad f(x_j)> over both layers."""
    last = scale * np.tanh(x @ w)
    inner = scale * (1 - np.tanh(x @ w) ** 2) * a
    return last @ last.T + (x @ x.T) * (inner @ inner.T)
