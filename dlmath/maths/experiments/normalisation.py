"""Experiments on normalisation: its effect on gradients, on the rate, and on the output."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


@experiment(
    title="Batch normalisation does not see the scale of the weights",
    statement=(
        "The output of a dense layer followed by batch normalisation is the same when the "
        "weights are multiplied by a positive constant, if epsilon is small against the "
        "variance: it has mean 0 and variance 1 over the rows. So the gradient is orthogonal to "
        "the weights, unit by unit, and shrinks by the same constant."
    ),
    sources=(
        Source("tsemo", 498, "normalize the inputs of each layer"),
        Source("murari", 345, "batch/weight norm"),
        Source("foundations", 177, "Statistical analysis of internal covariate shift"),
    ),
    about=("normalised_columns", "compute.output", "compute.gradient"),
    reference="Ioffe and Szegedy, Batch normalization, arXiv:1502.03167, section 3.3",
    sabotage=Sabotage("epsilon is not small against the variance", {"epsilon": 1.0}),
)
def batch_normalisation_is_scale_free(
    *, epsilon: float = 1e-12, factor: float = 7.0, seed: int = 0
) -> Outcome:
    """`factor` multiplies the weights."""
    rng = seeds.generator("batch normalisation", seed)
    x, w, g = rng.normal(size=(32, 6)), rng.normal(size=(6, 4)), rng.normal(size=(32, 4))

    def output(weights: np.ndarray) -> np.ndarray:
        return normalised_columns(x @ weights, epsilon)[0]

    def gradient(weights: np.ndarray) -> np.ndarray:
        xhat, deviation = normalised_columns(x @ weights, epsilon)
        return x.T @ ((g - g.mean(axis=0) - xhat * np.mean(g * xhat, axis=0)) / deviation)

    factors = np.geomspace(0.1, 100, 25)
    changes = [np.abs(output(c * w) - output(w)).max() for c in factors]
    slope, later = gradient(w), gradient(factor * w)
    moments = output(w).mean(axis=0), (output(w) ** 2).mean(axis=0) - 1
    variance = (x @ w).var(axis=0)
    held = (normalised_columns(x @ w, 1.0)[0] ** 2).mean(axis=0) - variance / (variance + 1)
    return Outcome(
        (
            at_most(
                "largest change of the output", np.abs(output(factor * w) - output(w)).max(), 1e-9
            ),
            at_most("largest <w, dL/dw> of a unit", np.abs((w * slope).sum(axis=0)).max(), 1e-9),
            at_most(
                "gradient at c w times c, away from that at w",
                np.abs(factor * later - slope).max(),
                1e-9,
            ),
            at_most("mean of the output away from 0, variance from 1", np.abs(moments).max(), 1e-9),
            at_most("variance at epsilon = 1 away from v / (v + 1)", np.abs(held).max(), 1e-12),
            at_most(
                "gradient away from differences of <output, G>",
                np.abs(slope - central(lambda at: float(np.sum(output(at) * g)), w)).max(),
                1e-6,
            ),
        ),
        curves(
            "Change of the output by the factor",
            "log10 of factor",
            "change",
            {"change": (np.log10(factors), changes)},
            log=True,
        ),
    )


def normalised_columns(z: np.ndarray, epsilon: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return (z - mean) / deviation and the deviation (K,) of each column of z (N, K).

    The deviation is the root of variance + epsilon.
    """
    deviation = np.sqrt(z.var(axis=0) + epsilon)
    return (z - z.mean(axis=0)) / deviation, deviation


def losses(x: np.ndarray, y: np.ndarray, w: np.ndarray, normalised: bool) -> np.ndarray:
    """Return the means (K,) over the rows of (z_k - y)^2 / 2, for K fits side by side.

    Args:
        x: (N, d).
        y: (N,).
        w: (d, K).
        normalised: Whether z = X w is brought to mean 0 and variance 1 over the rows.
    """
    z = x @ w
    reached = normalised_columns(z)[0] if normalised else z
    return ((reached - y[:, np.newaxis]) ** 2).mean(axis=0) / 2


def slopes(x: np.ndarray, y: np.ndarray, w: np.ndarray, normalised: bool) -> np.ndarray:
    """Return the gradients (d, K) of the `losses` in w_k."""
    z = x @ w
    y = y[:, np.newaxis]
    if not normalised:
        return x.T @ (z - y) / len(y)
    scaled, deviation = normalised_columns(z)
    g = (scaled - y) / len(y)
    return x.T @ (g - g.mean(axis=0) - scaled * np.mean(g * scaled, axis=0)) / deviation


@experiment(
    title="Normalisation as a remedy: the rate tunes itself",
    statement=(
        "Behind a normalisation the gradient is orthogonal to the weights, so a step of rate r "
        "lengthens them by |w'|^2 = |w|^2 + r^2 |g|^2, and acts on their direction as a rate r / "
        "|w|^2 would: c w with c^2 r goes through the same directions as w with r. So too large "
        "a rate shrinks by itself, and gradient descent ends near a stationary direction at any "
        "of rates 10,000 times apart, where without it all above 2/L diverge."
    ),
    sources=(
        Source("tsemo", 498, "stabilizing and speeding up training"),
        Source("murari", 346, "normalisation layers"),
        Source("foundations", 177, "Statistical analysis of internal covariate shift"),
    ),
    about=("slopes", "losses", "normalised_columns"),
    reference="van Laarhoven, L2 regularization versus batch and weight normalization, "
    "arXiv:1706.05350; Arora, Li and Lyu, Theoretical analysis of auto rate-tuning, "
    "arXiv:1812.03981, theorem 3.1; arXiv:1805.11604 finds no less covariate shift",
    sabotage=Sabotage("nothing is normalised", {"normalised": False}),
)
def normalisation_tunes_the_rate(
    *, normalised: bool = True, steps: int = 2000, scale: float = 3.0, seed: int = 0
) -> Outcome:
    """`scale` is c; rates run from 0.01 to 100, and targets have mean 0 and variance 1."""
    rng = seeds.generator("rate", seed)
    x = rng.normal(size=(60, 5)) * [0.5, 1, 1, 1, 1.5]
    y = x @ rng.normal(size=5) + rng.normal(size=60)
    y = (y - y.mean()) / y.std()
    start = rng.normal(size=(5, 1))
    start /= np.linalg.norm(start)
    rates = np.geomspace(0.01, 100, 9)

    def left(on: bool) -> np.ndarray:
        """Return the slope of the loss in the direction of w, in the end over the start, (9,)."""
        ends = [start, np.tile(start, 9)]
        for _ in range(steps):
            ends[1] = ends[1] - rates * slopes(x, y, ends[1], on)
        first, last = (
            np.linalg.norm(w, axis=0) * np.linalg.norm(slopes(x, y, w, on), axis=0) for w in ends
        )
        return last / first

    ours, plain = left(normalised), left(False)
    largest = np.linalg.eigvalsh(x.T @ x / 60)[-1]
    three = rng.normal(size=(5, 3))

    def total(on: bool) -> Callable[[np.ndarray], float]:
        return lambda w: float(losses(x, y + 1, w, on).sum())

    wrong = [
        np.abs(slopes(x, y + 1, three, on) - central(total(on), three)).max()
        for on in (normalised, False)
    ]
    w, mapped = start, scale * start
    lengthened, apart = [], []
    for _ in range(30):
        g, other = (slopes(x, y, at, normalised) for at in (w, mapped))
        after, mapped = w - 0.5 * g, mapped - scale**2 * 0.5 * other
        lengthened.append(np.sum(after**2) - np.sum(w**2) - 0.25 * np.sum(g**2))
        apart.append(np.abs(mapped / scale - after).max())
        w = after
    return Outcome(
        (
            at_most("largest |w'|^2 - |w|^2 - r^2 |g|^2", np.abs(lengthened).max(), 1e-9),
            at_most("path of c w with c^2 r, over c, away from that of w with r", apart, 1e-9),
            at_most("slope left, at the worst of 9 rates", ours.max(), 0.05),
            at_most(
                "rates at which the plain fit diverges, away from those above 2/L",
                np.sum((plain < 1) != (rates < 2 / largest)),
                0,
            ),
            at_most("gradients away from differences of the losses", wrong, 1e-8),
        ),
        curves(
            "Slope of the loss that is left",
            "log10 of rate",
            "slope left",
            {
                "normalised" if normalised else "as run": (np.log10(rates), ours),
                "plain": (np.log10(rates), np.where(plain < 1e6, plain, 1e6)),
            },
            log=True,
        ),
    )
