"""Residual links and normalisation as remedies: what they change in training a deep network.

A block takes rows A (N, w) to tanh(Z), Z = A W + b. With a residual link that becomes A + tanh(Z);
with layer normalisation tanh((Z - mean) / deviation), each row's own over its w entries.
"""

from dataclasses import dataclass, replace

import numpy as np

from dlmath import seeds
from dlmath.maths.datasets import ball_and_annulus
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import towards
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

WIDTH = 16
RADII = (1.0, 1.2, 2.0)  # of the disc, and of the ring's inside and outside


@dataclass(frozen=True)
class Deep:
    """A network of blocks between two linear layers.

    Attributes:
        entry: (2, w).
        blocks: (L, w + 1, w): W above b for each block.
        exit: (w, 2).
        links: Whether blocks have residual links.
        normalised: Whether blocks have layer normalisation.
    """

    entry: np.ndarray
    blocks: np.ndarray
    exit: np.ndarray
    links: bool = False
    normalised: bool = False

    def forward(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return A_0, ..., A_L for rows (N, 2)."""
        kept = [rows @ self.entry]
        for block in self.blocks:
            z = kept[-1] @ block[:-1] + block[-1]
            inner = np.tanh(_brought(z)[0] if self.normalised else z)
            kept.append(inner + (kept[-1] if self.links else 0.0))
        return kept

    def accuracy(self, rows: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of rows (N, 2) whose label, 0 or 1, has the larger logit."""
        logits = self.forward(rows)[-1] @ self.exit
        return float(np.mean(logits.argmax(axis=1) == labels))

    def stepped(self, rows: np.ndarray, labels: np.ndarray, rate: float) -> "Deep":
        """Return the network after a step of gradient descent on the cross-entropy."""
        kept = self.forward(rows)
        at = towards(np.eye(2)[labels])(kept[-1] @ self.exit)
        signal, changes = at @ self.exit.T, np.zeros_like(self.blocks)
        for number in reversed(range(len(self.blocks))):
            block, inside = self.blocks[number], kept[number]
            value = kept[number + 1] - (inside if self.links else 0.0)
            g = signal * (1 - value**2)
            if self.normalised:
                scaled, deviation = _brought(inside @ block[:-1] + block[-1])
                g = (g - _mean(g) - scaled * _mean(g * scaled)) / deviation
            changes[number] = np.vstack([inside.T @ g, g.sum(axis=0)])
            signal = g @ block[:-1].T + (signal if self.links else 0.0)
        return replace(
            self,
            entry=self.entry - rate * rows.T @ signal,
            blocks=self.blocks - rate * changes,
            exit=self.exit - rate * kept[-1].T @ at,
        )


def _brought(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (N, w) brought to mean 0 and variance 1, and their deviations (N, 1)."""
    centred = z - _mean(z)
    deviation = np.sqrt(_mean(centred * centred))
    return centred / deviation, deviation


def _mean(z: np.ndarray) -> np.ndarray:
    return z.mean(axis=1, keepdims=True)


def learnt(networks: dict[str, Deep], steps: int, rate: float, seed: int) -> dict[str, list[float]]:
    """Return each network's accuracy on new points at 11 times of its training."""
    rows, labels = ball_and_annulus(100, seed, RADII, "training")
    new, truth = ball_and_annulus(1000, seed, RADII, "new")
    found: dict[str, list[float]] = {name: [] for name in networks}
    for name, start in networks.items():
        network = start
        for _ in range(11):
            found[name].append(network.accuracy(new, truth))
            for _ in range(steps // 10):
                network = network.stepped(rows, labels, rate)
    return found


def remedied(found: dict[str, list[float]], steps: int, least: float) -> Outcome:
    """Return the verdict: plain, a network guesses; with the remedy it reaches `least`."""
    (_, plain), (remedy, mended) = found.items()
    times = np.linspace(0, steps, 11)
    return Outcome(
        (
            at_most("accuracy on new points, plain", plain[-1], 0.6),
            at_least(f"the same {remedy}", mended[-1], least),
        ),
        curves(
            "Accuracy on new points",
            "step",
            "accuracy",
            {name: (times, values) for name, values in found.items()},
        ),
    )


def drawn(depth: int, scale: float, seed: int) -> Deep:
    """Return a network of `depth` blocks with weights N(0, scale^2 / fan in) and zero biases."""
    rng = seeds.generator("deep", seed)
    blocks = scale * rng.normal(size=(depth, WIDTH + 1, WIDTH)) / np.sqrt(WIDTH)
    blocks[:, -1] = 0
    return Deep(rng.normal(size=(2, WIDTH)) / np.sqrt(2), blocks, rng.normal(size=(WIDTH, 2)) / 16)


@experiment(
    title="Residual links as a remedy, measured",
    statement=(
        "In a network of 20 tanh layers whose weights begin at half the scale that would keep "
        "the signal, gradient descent learns nothing about a disc in a ring: it guesses. With "
        "residual links the same weights, step and number of steps tell new points apart."
    ),
    sources=(
        Source("murari", 346, "residual connections"),
        Source("tsemo", 628, "improves gradient flow"),
    ),
    about=("Deep.forward", "Deep.stepped"),
    reference="He et al., Deep residual learning for image recognition, 2015, arXiv:1512.03385",
    sabotage=Sabotage("the weights keep the signal without links", {"scale": 1.5}),
)
def residual_links_train_depth(
    *, scale: float = 0.5, depth: int = 20, steps: int = 200, rate: float = 0.1, seed: int = 0
) -> Outcome:
    """`scale` is the weights' deviation times the square root of the fan in."""
    plain = drawn(depth, scale, seed)
    linked = replace(plain, links=True)
    found = learnt({"plain": plain, "with links": linked}, steps, rate, seed)
    return remedied(found, steps, least=0.95)


@experiment(
    title="Normalisation as a remedy, measured",
    statement=(
        "In a network of 8 tanh layers whose weights begin at half the scale that would keep "
        "the signal, gradient descent learns nothing about a disc in a ring: it guesses. With "
        "layer normalisation, which undoes the scale at every layer, the same weights, step and "
        "number of steps tell new points apart."
    ),
    sources=(
        Source("murari", 346, "normalisation layers"),
        Source("tsemo", 498, "stabilizing and speeding up training"),
    ),
    about=("Deep.forward", "Deep.stepped", "_brought", "_mean"),
    reference="Ba, Kiros and Hinton, Layer normalization, 2016, arXiv:1607.06450",
    sabotage=Sabotage("the weights keep the signal without normalisation", {"scale": 1.5}),
)
def normalisation_trains_depth(
    *, scale: float = 0.5, depth: int = 8, steps: int = 200, rate: float = 0.03, seed: int = 0
) -> Outcome:
    """`scale` is the weights' deviation times the square root of the fan in."""
    plain = drawn(depth, scale, seed)
    normalised = replace(plain, normalised=True)
    found = learnt({"plain": plain, "with normalisation": normalised}, steps, rate, seed)
    return remedied(found, steps, least=0.9)
