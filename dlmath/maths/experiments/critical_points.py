"""Critical points of a network's loss: saddles found by Newton's method, and their number."""

from itertools import pairwise

import numpy as np

from dlmath import seeds
from dlmath.charts import Chart
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.chance import frequency_range
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import Layer, Network, backward, forward
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

ENOUGH = 3  # saddles, after which no other is looked for
ZERO = 1e-7  # of an eigenvalue; those of central differences are off by about 1e-10


class Loss:
    """The squared loss of a network of two inputs as a function of its parameters.

    Args:
        units: Number of tanh units in the hidden layer; 0 for a linear model.
        x: (N, 2).
        y: (N, 1).
    """

    def __init__(self, units: int, x: np.ndarray, y: np.ndarray):
        sizes = (2, units, 1) if units else (2, 1)
        self.like: Network = tuple(
            Layer(np.zeros(shape), np.zeros(shape[1]), ACTIVATIONS[name])
            for shape, name in zip(
                pairwise(sizes), ("tanh", "linear")[-len(sizes) + 1 :], strict=True
            )
        )
        self.x, self.y = x, y
        self.size = len(packed(self.like))

    def value(self, at: np.ndarray) -> float:
        """Return the mean of (f(x) - y)^2 / 2."""
        return float(np.mean((forward(unpacked(at, self.like), self.x) - self.y) ** 2) / 2)

    def gradient(self, at: np.ndarray) -> np.ndarray:
        """Return its gradient (P,), by backpropagation."""
        network = unpacked(at, self.like)
        return packed_gradient(backward(network, self.x, lambda z: (z - self.y) / len(self.y))[0])

    def hessian(self, at: np.ndarray) -> np.ndarray:
        """Return its second derivative (P, P), by central differences of the gradient."""
        found = central(self.gradient, at)
        return (found + found.T) / 2

    def critical(self, start: np.ndarray, steps: int = 80) -> np.ndarray | None:
        """Return a point near `start` where the gradient is 0, by Newton's method, or None.

        The step -(H^2 + m)^-1 H g lowers |g|^2 for a large m, and is Newton's for m = 0; m falls
        after a step that lowers it, and rises after one that does not, which is not taken.
        """
        at, damping = start, 1.0
        slope = self.gradient(at)
        for _ in range(steps):
            bend = self.hessian(at)
            step = np.linalg.solve(bend @ bend + damping * np.eye(self.size), bend @ slope)
            after = self.gradient(at - step)
            lower = np.linalg.norm(after) < np.linalg.norm(slope)
            at, slope = (at - step, after) if lower else (at, slope)
            damping = max(damping / 10, 1e-14) if lower else 10 * damping
            if np.abs(slope).max() < 1e-12:
                return at
        return None


@experiment(
    title="The loss of a network has saddles, and Newton's method ends there",
    statement=(
        "Where all weights and biases of a network with a hidden tanh layer are 0 and the last "
        "bias is the mean of the targets, the gradient is 0 and the Hessian has the eigenvalues s "
        "and -s, s being the length of the mean of (y - mean y) x, once for each unit: a saddle. A "
        "critical point of m units is one of m + 1 when a unit is split, its outgoing weight b "
        "into c b and (1 - c) b, for every c. At every saddle the loss falls like |e| t^2 / 2 on "
        "both sides along an eigenvector of an eigenvalue -|e|. Newton's method, which asks only "
        "for a zero gradient, ends at saddles too. A linear model has none."
    ),
    sources=(
        Source("foundations", 69, "Saddle Points"),
        Source("foundations", 145, "Saddle Points"),
    ),
    about=("Loss.value", "Loss.gradient", "Loss.hessian", "_fall", "_split"),
    reference="Fukumizu and Amari, Local minima and plateaus in hierarchical structures, 2000; "
    "Dauphin et al., Identifying and attacking the saddle point problem, arXiv:1406.2572",
    sabotage=Sabotage("there is no hidden layer", {"units": 0}),
)
def a_network_has_saddles(*, units: int = 2, starts: int = 60, seed: int = 0) -> Outcome:
    """`units` are in the hidden layer; Newton's method begins at up to `starts` random points."""
    rng = seeds.generator("critical", seed)
    x = rng.normal(size=(20, 2))
    x -= x.mean(axis=0)
    y = np.sin(1.5 * x[:, :1]) + 0.5 * x[:, 1:] ** 2
    loss = Loss(units, x, y)
    origin = np.zeros(loss.size)
    origin[-1] = y.mean()
    strength = np.linalg.norm(np.mean((y - y.mean()) * x, axis=0))
    flat = loss.size - 2 * units - 1
    expected = np.sort(np.repeat([-strength, 0.0, strength, 1.0], [units, flat, units, 1]))
    found, spectra, saddles = [], [], []
    for _ in range(starts):
        point = loss.critical(rng.normal(size=loss.size))
        if point is None:
            continue
        values, vectors = np.linalg.eigh(loss.hessian(point))
        found.append(point)
        spectra.append(values)
        if values[0] < -ZERO < ZERO < values[-1]:
            saddles.append((point, values, vectors))
        if len(saddles) == ENOUGH:
            break
    falls = [_fall(loss, *saddle) for saddle in saddles] or [np.array([np.nan])]
    split = _split(found, loss, Loss(units + 1, x, y)) if units else [np.nan]
    shares = [float(np.mean(values < -ZERO)) for values in spectra]
    return Outcome(
        (
            at_most("gradient at the origin", np.abs(loss.gradient(origin)).max(), 1e-12),
            at_most(
                "eigenvalues at the origin: largest error",
                np.abs(np.linalg.eigvalsh(loss.hessian(origin)) - expected).max(),
                1e-8,
            ),
            at_least("saddles that Newton's method found", len(saddles), 1),
            at_least("least fall over |e| t^2 / 2", np.min(falls), 0.99),
            at_most("largest fall over it", np.max(falls), 1.01),
            at_most("largest gradient where a unit was split", split, 1e-9),
        ),
        _chart(loss, found, shares),
    )


def _fall(loss: Loss, point: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return how far the loss falls on both sides of a saddle, over |e| t^2 / 2.

    The mean of both sides, so that the third derivative plays no part.
    """
    step = 2e-3
    here = loss.value(point)
    sides = [loss.value(point + sign * step * vectors[:, 0]) for sign in (1, -1)]
    return np.array([(here - np.mean(sides)) / (-values[0] * step**2 / 2)])


def _split(found: list[np.ndarray], loss: Loss, larger: Loss) -> list[float]:
    """Return the largest gradient of the larger network at each point with its last unit split."""
    gradients = []
    for point in found:
        first, last = unpacked(point, loss.like)
        for c in (-1.0, 0.3, 2.0):
            into = Layer(
                np.column_stack([first.weights, first.weights[:, -1]]),
                np.append(first.bias, first.bias[-1]),
                first.activation,
            )
            shares = np.vstack(
                [last.weights[:-1], c * last.weights[-1], (1 - c) * last.weights[-1]]
            )
            at = packed((into, Layer(shares, last.bias)))
            gradients.append(float(np.abs(larger.gradient(at)).max()))
    return gradients


def _chart(loss: Loss, found: list[np.ndarray], shares: list[float]) -> Chart:
    heights = np.array([loss.value(point) for point in found])
    order = np.argsort(heights)
    return curves(
        "Critical points by their loss",
        "loss",
        "share of negative eigenvalues",
        {"found": (heights[order], np.array(shares)[order])},
    )


@experiment(
    title="A random curvature is rarely positive in all directions",
    statement=(
        "A symmetric matrix with independent normal entries, of variance 1 on the diagonal and 1/2 "
        "off it, is positive definite with the chance 1/2 in one dimension, (2 - sqrt 2) / 4 in "
        "two and (pi - 2 sqrt 2) / (4 pi) in three, and below exp(-d^2 log(3) / 4) in d: were the "
        "Hessians of critical points like this, nearly all of them in many dimensions would be "
        "saddles. A curvature added in all directions, as there is near the least loss, makes "
        "them minima."
    ),
    sources=(Source("foundations", 69, "common in high dimensions"),),
    about=("compute.symmetric", "compute.found"),
    reference="Dean and Majumdar, Large deviations of extreme eigenvalues of random matrices, "
    "2006; Bray and Dean, Statistics of critical points of Gaussian fields, 2007",
    sabotage=Sabotage("a curvature is added in all directions", {"added": 1.0}),
)
def random_curvature_is_rarely_positive(
    *, added: float = 0.0, draws: int = 40_000, seed: int = 0
) -> Outcome:
    """`added` times the identity is added."""
    dimensions = np.array([1, 2, 3])
    exact = np.array([1 / 2, (2 - np.sqrt(2)) / 4, (np.pi - 2 * np.sqrt(2)) / (4 * np.pi)])
    found, indices = [], []
    for dimension in dimensions:
        rng = seeds.generator("curvature", seed, int(dimension))
        raw = rng.normal(size=(draws, dimension, dimension))
        symmetric = (raw + raw.swapaxes(1, 2)) / 2 + added * np.eye(dimension)
        values = np.linalg.eigvalsh(symmetric)
        found.append(np.mean(values[:, 0] > 0))
        indices.append(np.mean((values[:, 0] < 0) & (values[:, -1] > 0)))
    low, high = frequency_range(exact, draws)
    bound = np.exp(-(dimensions**2) * np.log(3) / 4)
    return Outcome(
        (
            at_least("least share less the least that chance allows", (found - low).min(), 0),
            at_most("largest share less the largest that chance allows", (found - high).max(), 0),
            at_most("exact chance over exp(-d^2 log(3) / 4), largest", (exact / bound).max(), 1),
        ),
        curves(
            "Symmetric matrices with random entries",
            "dimension",
            "share",
            {
                "positive definite": (dimensions, found),
                "bound": (dimensions, bound),
                "saddles": (dimensions, indices),
            },
        ),
    )
