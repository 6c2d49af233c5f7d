"""Residual links and normalisation as remedies: what they change in training a deep network.

A block takes rows A (N, w) to tanh(Z), Z = A W + b. With a residual link that becomes A + tanh(Z);
with layer normalisation tanh((Z - mean) / deviation), each row's own over its w entries.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlmath import seeds
from dlmath.maths.datasets import ball_and_annulus
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import cross_entropy, softmax, towards
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences
from dlmath.maths.schedules import cosine

WIDTH = 16
SEEN = 1e-6  # of a gradient; differences of a loss do not see what is far below
RADII = (1.0, 1.2, 2.0)  # of the disc, and of the ring's inside and outside
Training = tuple[int, float, int]  # steps, first rate, seed


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


def step_error(network: Deep, rows: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """Return how far a step is from differences of the loss, relative, at the worst of its parts.

    A step of rate 1 is the gradient G of a part; <G, D> is compared with the differences of the
    cross-entropy along D, for two random directions.
    """

    def loss(part: str, value: np.ndarray) -> float:
        parts: dict[str, Any] = {part: value}
        changed = replace(network, **parts)
        return cross_entropy(softmax(changed.forward(rows)[-1] @ changed.exit), np.eye(2)[labels])

    rng, worst = seeds.generator("directions", seed), 0.0
    after = network.stepped(rows, labels, 1.0)
    for part in ("entry", "blocks", "exit"):
        whole = getattr(network, part)
        gradient = whole - getattr(after, part)
        for direction in rng.normal(size=(2, *whole.shape)):
            along = direction + gradient / np.linalg.norm(gradient)
            ends = [loss(part, whole + step * along) for step in (1e-5, -1e-5)]
            error = abs((ends[0] - ends[1]) / 2e-5 - np.sum(gradient * along))
            worst = largest_of(worst, error / (np.linalg.norm(gradient) + SEEN))
    return float(worst)


def forward_error(network: Deep, rows: np.ndarray) -> float:
    """Return how far blocks are from what they are said to do, by artanh of what they add."""
    kept, worst = network.forward(rows), 0.0
    for block, inside, after in zip(network.blocks, kept, kept[1:], strict=False):
        z = inside @ block[:-1] + block[-1]
        found = np.arctanh(after - (inside if network.links else 0.0))
        if network.normalised:
            wanted = (z.T - z.mean(axis=1)) / z.std(axis=1)
            moments = found.mean(axis=1), (found**2).mean(axis=1) - 1
            worst = largest_of(worst, np.abs(moments).max(), np.abs(found - wanted.T).max())
        else:
            worst = largest_of(worst, np.abs(found - z).max())
    return float(worst)


def compared(plain: Deep, remedied: Deep, name: str, least: float, training: Training) -> Outcome:
    """Return the verdict: plain, a network guesses; with the remedy it reaches `least`."""
    steps, rate, seed = training
    rows, labels = ball_and_annulus(100, seed, RADII, "training")
    new, truth = ball_and_annulus(500, seed, RADII, "new")
    falling = cosine(rate, steps)  # the last steps are short, so the end is not one of a swing
    found: list[list[float]] = []
    for start in (plain, remedied):
        network = start
        found.append([network.accuracy(new, truth)])
        for number in range(steps):
            network = network.stepped(rows, labels, falling(number))
            if (number + 1) % (steps // 10) == 0:
                found[-1].append(network.accuracy(new, truth))
    ends = found[0][-1], found[1][-1]
    return Outcome(
        (
            at_most("accuracy on new points, plain", ends[0], 0.6),
            at_least(f"the same {name}", ends[1], least),
            at_most(
                "gradients away from differences of the loss, relative",
                (step_error(one, rows, labels, seed) for one in (plain, remedied)),
                1e-4,
            ),
            at_most(
                "blocks away from their formula",
                (forward_error(one, rows) for one in (plain, remedied)),
                1e-6,
            ),
        ),
        sequences(
            "Accuracy on new points",
            "tenth of the training",
            "accuracy",
            {"plain": found[0], name: found[1]},
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
    about=("Deep.forward",),
    reference="He et al., Deep residual learning for image recognition, 2015, arXiv:1512.03385",
    sabotage=Sabotage("the weights keep the signal without links", {"scale": 1.5}),
)
def residual_links_train_depth(
    *, scale: float = 0.5, depth: int = 20, steps: int = 200, rate: float = 0.1, seed: int = 0
) -> Outcome:
    """`scale` is the weights' deviation times the root of the fan in; `rate` falls to 0."""
    plain = drawn(depth, scale, seed)
    linked = replace(plain, links=True)
    return compared(plain, linked, "with links", 0.95, (steps, rate, seed))


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
    *, scale: float = 0.5, depth: int = 8, steps: int = 200, rate: float = 0.05, seed: int = 0
) -> Outcome:
    """`scale` is the weights' deviation times the root of the fan in; `rate` falls to 0."""
    plain = drawn(depth, scale, seed)
    normalised = replace(plain, normalised=True)
    return compared(plain, normalised, "with normalisation", 0.95, (steps, rate, seed))
