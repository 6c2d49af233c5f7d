"""Very wide random networks: Gaussian in the limit, and a tangent kernel that stays."""

import numpy as np
from scipy.stats import kstest

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

WIDTHS = np.array([2, 8, 32, 128, 512])


def arc_cosine(left: np.ndarray, right: np.ndarray) -> float:
    """Return E f(left) f(right) for f = a . ReLU(W x) / sqrt n with W_ij from N(0, 2 / d)."""
    lengths = np.linalg.norm(left) * np.linalg.norm(right)
    angle = np.arccos(np.clip(left @ right / lengths, -1, 1))
    turned = np.sin(angle) + (np.pi - angle) * np.cos(angle)
    return float(lengths * turned / (np.pi * len(left)))


@experiment(
    title="Wide random networks approach a Gaussian process",
    statement=(
        "The outputs at several points of a network of one hidden layer with independent weights "
        "of finite variance tend, as the width grows, to a joint normal law: the central limit "
        "theorem over the units. For ReLU at gain 2 its covariance is |x| |x'| (sin t + (pi - t) "
        "cos t) / (pi d), t being the angle between x and x'. With Cauchy weights it is not so."
    ),
    sources=(
        Source("foundations", 97, "Very wide networks approach Gaussian processes in the limit"),
        Source("foundations", 97, "How activations propagate through deep networks"),
    ),
    about=("arc_cosine", "compute.hidden", "compute.outputs"),
    reference="Neal, Priors for infinite networks, 1994; Cho and Saul, 2009, equation 6",
    sabotage=Sabotage("the weights have no variance", {"weights": "cauchy"}),
)
def wide_networks_are_gaussian(
    *, weights: str = "normal", draws: int = 4000, seed: int = 0
) -> Outcome:
    """`weights` is normal or cauchy, those of the last layer."""
    heavy = choose("weights", weights, {"normal": False, "cauchy": True})
    x = np.array([[0.6, -1.0, 1.1], [1.2, 0.3, -0.2]])
    kernel = np.array([[arc_cosine(p, q) for q in x] for p in x])
    # What a W x is: normal, of covariance 2 x x^T / d, so two numbers a unit are enough.
    root = np.linalg.cholesky(2 * x @ x.T / 3)
    whiten = np.linalg.inv(np.linalg.cholesky(kernel)).T
    turns = np.linspace(0, np.pi, 8, endpoint=False)
    directions = np.stack([np.cos(turns), np.sin(turns)])  # a joint law is known by its shadows
    distances = []
    for width in WIDTHS:
        rng = seeds.generator("gaussian process", seed, int(width))
        last = rng.standard_cauchy((draws, width)) if heavy else rng.normal(size=(draws, width))
        hidden = np.maximum(rng.normal(size=(draws, width, 2)) @ root.T, 0)
        outputs = np.einsum("nw,nwp->np", last, hidden) / np.sqrt(width)
        shadows = outputs @ whiten @ directions
        distances.append(max(float(kstest(one, "norm").statistic) for one in shadows.T))
    chance = 2.3 / np.sqrt(draws)  # what one of eight truly normal samples exceeds once in 5000
    return Outcome(
        (
            at_most("distance from the normal law at the largest width", distances[-1], chance),
            at_most("the same over that at the least width", distances[-1] / distances[0], 0.3),
        ),
        curves(
            "Kolmogorov's distance from the normal law",
            "log10 of width",
            "distance",
            {
                "distance": (np.log10(WIDTHS), distances),
                "rarely by chance": (np.log10(WIDTHS), np.full(len(WIDTHS), chance)),
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
    about=("_drift", "_kernel"),
    reference="Jacot, Gabriel and Hongler, Neural tangent kernel, arXiv:1806.07572; "
    "Chizat and Bach, On lazy training, arXiv:1812.07956",
    sabotage=Sabotage("the outputs are scaled by 1/n", {"power": 1.0}),
)
def tangent_kernel_drift(*, power: float = 0.5, draws: int = 6, seed: int = 0) -> Outcome:
    """`power` of the width n divides the output."""
    widths = np.array([16, 64, 256, 1024])
    drifts, losses = np.zeros((2, draws, len(widths)))
    for draw in range(draws):
        for place, width in enumerate(widths):
            drifts[draw, place], losses[draw, place] = _drift(
                int(width), power, seeds.generator("drift", seed, draw, int(width))
            )
    means = drifts.mean(axis=0)
    slope = np.polyfit(np.log(widths), np.log(means), 1)[0]
    return Outcome(
        (
            at_most("power of the width in the drift", slope, -0.4),
            at_most("largest loss at the end over that at the start", losses.max(), 0.1),
        ),
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


def _drift(width: int, power: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return |K_end - K_start| / |K_start| and loss_end / loss_start, of a trained tanh network."""
    x, y = rng.normal(size=(6, 6)) / 2, rng.choice([-1.0, 1.0], 6)
    w, a = rng.normal(size=(6, width)), rng.normal(size=width)
    scale = width**-power
    start, first = _kernel(x, w, a, scale), np.sum((scale * np.tanh(x @ w) @ a - y) ** 2)
    # The kernel grows with n scale^2; the rate undoes that, so that all widths learn alike.
    rate = 1 / (width * scale**2)
    for _ in range(400):
        h = np.tanh(x @ w)
        inner = scale * (1 - h**2) * a  # df/d(pre-activation), (6, width)
        error = (scale * h @ a - y) / 6
        w, a = w - rate * x.T @ (error[:, None] * inner), a - rate * scale * h.T @ error
    change = _kernel(x, w, a, scale) - start
    last = np.sum((scale * np.tanh(x @ w) @ a - y) ** 2)
    return float(np.linalg.norm(change) / np.linalg.norm(start)), float(last / first)


def _kernel(x: np.ndarray, w: np.ndarray, a: np.ndarray, scale: float) -> np.ndarray:
    """Return <grad f(x_i), grad f(x_j)> over both layers."""
    last = scale * np.tanh(x @ w)
    inner = scale * (1 - np.tanh(x @ w) ** 2) * a
    return last @ last.T + (x @ x.T) * (inner @ inner.T)
