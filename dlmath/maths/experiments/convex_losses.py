"""Squared loss and cross-entropy: convex in the weights of a linear model, and of no deeper one."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial.legendre import leggauss

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.network import (
    Layer,
    Network,
    backward,
    constant,
    cross_entropy,
    forward,
    initialised,
    softmax,
    towards,
)
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

CLASSES = 3


def squared(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over rows (N, K) of |z - y|^2 / 2."""
    return float(np.mean(np.sum((outputs - labels) ** 2, axis=1)) / 2)


def entropy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of softmax, from logits (N, K)."""
    return cross_entropy(softmax(outputs), labels)


def inner_hessian(logits: np.ndarray) -> np.ndarray:
    """Return diag(p) - p p^T for the softmax p of each row of logits (N, K), (N, K, K)."""
    p = softmax(logits)
    return p[:, :, np.newaxis] * (np.eye(CLASSES) - p[:, np.newaxis, :])


def bent(first: np.ndarray, last: np.ndarray) -> float:
    """Return how far the cross-entropy at the middle of two logits (N, K) is below the chord.

    For a function f of t in [0, 1] that is the integral of min(t, 1 - t) f''(t) / 2; here by
    Gauss's rule on both halves, exact to rounding.
    """
    nodes, weights = leggauss(40)
    move, total = last - first, 0.0
    for start in (0.0, 0.5):
        for t, weight in zip(start + (nodes + 1) / 4, weights / 4, strict=True):
            second = np.einsum("nk,nkl,nl->n", move, inner_hessian(first + t * move), move)
            total += weight * smallest_of(t, 1 - t) * float(second.mean()) / 2
    return total


def jacobian(network: Network, rows: np.ndarray) -> np.ndarray:
    """Return d z / d parameters, (N, K, P), by one backward pass for each row and output."""
    return np.array(
        [
            [
                packed_gradient(backward(network, row[np.newaxis], constant(k))[0])
                for k in np.eye(CLASSES)[:, np.newaxis]
            ]
            for row in rows
        ]
    )


def hessian(
    network: Network, rows: np.ndarray, upstream: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the second derivative (P, P) by central differences of backpropagation.

    Args:
        network: The layers.
        rows: (N, d).
        upstream: Gives the gradient of the loss in the outputs (N, K), from these.
    """
    return central(
        lambda at: packed_gradient(backward(unpacked(at, network), rows, upstream)[0]),
        packed(network),
    )


@experiment(
    title="Squared loss and cross-entropy are convex for linear models",
    statement=(
        "For outputs z = W x + b the Hessian in (W, b) is the mean of J^T M J, with J = dz / d(W, "
        "b) and M = 1 for the squared loss, M = diag(p) - p p^T for cross-entropy after softmax, "
        "whose eigenvalues lie in [0, 1/2]: both losses are convex. So the middle of two weights "
        "lies below the chord, by exactly the mean of |dz|^2 / 8 for the squared loss and by "
        "between 0 and the mean of |dz|^2 / 16 for cross-entropy, by the integral of min(t, 1 - "
        "t) dz^T M dz / 2 along the segment. With a hidden layer neither is convex: x -> b "
        "tanh(a x) is the same at (a, b) and (-a, -b), and 0 at their middle."
    ),
    sources=(
        Source("foundations", 57, "Convex for linear models"),
        Source("foundations", 62, "Convex for linear models"),
    ),
    about=(
        "inner_hessian",
        "bent",
        "squared",
        "entropy",
        "jacobian",
        "hessian",
        "network.softmax",
        "network.towards",
    ),
    reference="Boyd and Vandenberghe, Convex optimization, 2004, 3.1.4 and 7.1.1; Boehning, "
    "Multinomial logistic regression algorithm, 1992",
    sabotage=Sabotage("there is a hidden layer", {"hidden": True}),
)
def linear_losses_are_convex(
    *, hidden: bool = False, rows: int = 15, draws: int = 6, seed: int = 0
) -> Outcome:
    """`hidden` puts a layer of 4 tanh units before the outputs; `draws` of weights are tried."""
    rng = seeds.generator("convex losses", seed)
    x, labels = rng.normal(size=(rows, 3)), np.eye(CLASSES)[rng.integers(CLASSES, size=rows)]
    least, apart, chords, bounded, bends = [], [], [], [], []
    for draw in range(draws):
        one, other = (
            initialised((3, 4, CLASSES) if hidden else (3, CLASSES), "tanh", "convex", seed, n)
            for n in (2 * draw, 2 * draw + 1)
        )
        slopes, covariance = jacobian(one, x), inner_hessian(forward(one, x))
        for upstream, inner in (
            (lambda z: (z - labels) / rows, np.eye(CLASSES)[np.newaxis]),
            (towards(labels), covariance),
        ):
            found = hessian(one, x, upstream)
            least.append(np.linalg.eigvalsh((found + found.T) / 2)[0])
            gram = np.einsum("nkp,nkl,nlq->pq", slopes, inner * np.ones((rows, 1, 1)), slopes)
            apart.append(np.abs(found - gram / rows).max())
        middle = unpacked((packed(one) + packed(other)) / 2, one)
        ends = [forward(network, x) for network in (one, other, middle)]
        width = np.mean(np.sum((ends[0] - ends[1]) ** 2, axis=1))
        below = [
            (loss(ends[0], labels) + loss(ends[1], labels)) / 2 - loss(ends[2], labels)
            for loss in (squared, entropy)
        ]
        chords.append(below[0] / (width / 8))
        bounded.append(below[1] / (width / 16))
        bends.append(below[1] / bent(ends[0], ends[1]) - 1)
    a, losses = _valley()
    return Outcome(
        (
            at_least("least eigenvalue of a Hessian", least, -1e-8),
            at_most("largest difference of a Hessian from J^T M J", apart, 1e-7),
            at_most(
                "squared loss below its chord, over the formula, less 1",
                np.abs(np.array(chords) - 1).max(),
                1e-9,
            ),
            at_most("cross-entropy below its chord, over the integral", np.abs(bends).max(), 1e-9),
            at_least("cross-entropy below its chord, over the bound: least", bounded, 0),
            at_most("cross-entropy below its chord, over the bound: most", bounded, 1),
            at_least(
                "hidden unit: loss at the middle less that at the ends", losses[50] - losses[0], 0.1
            ),
            at_most("hidden unit: difference of the ends", abs(losses[0] - losses[-1]), 1e-12),
        ),
        curves(
            "From (a, b) to (-a, -b): b tanh(a x), and b x",
            "share of the way",
            "squared loss",
            {"with a hidden unit": (a, losses), "linear": (a, _line())},
        ),
    )


def _valley() -> tuple[np.ndarray, np.ndarray]:
    """Return the squared loss of b tanh(a x) on the segment between two equal networks."""
    x = np.linspace(-2, 2, 21)[:, np.newaxis]
    shares = np.linspace(0, 1, 101)
    losses = [
        squared(
            forward(
                (
                    Layer(np.array([[1.5 * (1 - 2 * t)]]), np.zeros(1), ACTIVATIONS["tanh"]),
                    Layer(np.array([[1 - 2 * t]]), np.zeros(1)),
                ),
                x,
            ),
            np.tanh(1.5 * x),
        )
        for t in shares
    ]
    return shares, np.array(losses)


def _line() -> np.ndarray:
    x, shares = np.linspace(-2, 2, 21), np.linspace(0, 1, 101)
    return np.array([np.mean(((1 - 2 * t) * x - np.tanh(1.5 * x)) ** 2) / 2 for t in shares])
