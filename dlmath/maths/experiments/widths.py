"""Very wide random networks: Gaussian in the limit, and a tangent kernel that stays."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import kstest

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
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
        distances.append(largest_of(float(kstest(one, "norm").statistic) for one in shadows.T))
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


@dataclass(frozen=True)
class Scaled:
    """f(x) = scale * a . tanh(W^T x), a network of one hidden layer.

    Attributes:
        w: (d, n).
        a: (n,).
        scale: n to a negative power.
    """

    w: np.ndarray
    a: np.ndarray
    scale: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return f of rows (N, d), as (N,)."""
        return self.scale * np.tanh(x @ self.w) @ self.a

    def stepped(self, x: np.ndarray, y: np.ndarray, rate: float) -> "Scaled":
        """Return the network after a step of gradient descent on the mean of (f - y)^2 / 2."""
        h = np.tanh(x @ self.w)
        error = (self(x) - y) / len(y)
        inner = self.scale * (1 - h**2) * self.a  # df/d(pre-activation), (N, n)
        return Scaled(
            self.w - rate * x.T @ (error[:, np.newaxis] * inner),
            self.a - rate * self.scale * h.T @ error,
            self.scale,
        )

    def kernel(self, x: np.ndarray) -> np.ndarray:
        """Return <grad f(x_i), grad f(x_j)> over both layers, (N, N)."""
        h = np.tanh(x @ self.w)
        inner = self.scale * (1 - h**2) * self.a
        return self.scale**2 * h @ h.T + (x @ x.T) * (inner @ inner.T)


@experiment(
    title="The tangent kernel of a wide network hardly moves",
    statement=(
        "In the scaling of the tangent kernel, f = a . phi(W x / sqrt d) / sqrt n with all "
        "weights of size 1, training to a small loss changes the kernel by an amount that falls "
        "like n^(-1/2) or faster. In the mean-field scaling, 1/n, it does not fall. As K is the "
        "kernel of the gradients, a short step of rate r moves the outputs by -r K (f - y) / N."
    ),
    sources=(
        Source("foundations", 97, "Network Width Effects"),
        Source("foundations", 133, "Connect neural networks to kernel methods"),
    ),
    about=("Scaled", "_drift"),
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
    network, x, y = _drawn(16, power, seeds.generator("drift", seed))
    jacobian = np.vstack(
        [
            central(lambda w: Scaled(w, network.a, network.scale)(x), network.w).reshape(-1, 6),
            central(lambda a: Scaled(network.w, a, network.scale)(x), network.a),
        ]
    )  # (parameters, N)
    kernel = network.kernel(x)
    moved = (network.stepped(x, y, 1e-6)(x) - network(x)) / 1e-6
    expected = -kernel @ (network(x) - y) / len(y)
    return Outcome(
        (
            at_most("power of the width in the drift", slope, -0.4),
            # Corrections of the kernel are of the order 1/n, and no smaller.
            at_least("the same", slope, -1.1),
            at_most(
                "loss at the end over that at the start, mean at the worst width",
                losses.mean(axis=0).max(),
                0.1,
            ),
            at_most(
                "kernel away from differences of the outputs, relative",
                np.abs(kernel - jacobian.T @ jacobian).max() / np.abs(kernel).max(),
                1e-6,
            ),
            at_most(
                "outputs after a short step away from -r K (f - y)/N, relative",
                np.abs(moved - expected).max() / np.abs(expected).max(),
                1e-4,
            ),
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


def _drawn(
    width: int, power: float, rng: np.random.Generator
) -> tuple[Scaled, np.ndarray, np.ndarray]:
    """Return a random network, rows (6, 6) and targets (6,)."""
    x, y = rng.normal(size=(6, 6)) / 2, rng.choice([-1.0, 1.0], 6)
    return Scaled(rng.normal(size=(6, width)), rng.normal(size=width), width**-power), x, y


def _drift(width: int, power: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return |K_end - K_start| / |K_start| and loss_end / loss_start, of a trained network."""
    network, x, y = _drawn(width, power, rng)
    start, first = network.kernel(x), np.sum((network(x) - y) ** 2)
    # The kernel grows with n scale^2; the rate undoes that, so that all widths learn alike.
    rate = 1 / (width * network.scale**2)
    for _ in range(400):
        network = network.stepped(x, y, rate)
    change, last = network.kernel(x) - start, np.sum((network(x) - y) ** 2)
    return float(np.linalg.norm(change) / np.linalg.norm(start)), float(last / first)
