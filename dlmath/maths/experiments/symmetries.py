"""What networks keep: invariance under a group, and the shape of data under a homeomorphism."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import Activation
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.homology import persistence
from dlmath.maths.network import Layer, Network, backward, constant, forward, initialised
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, dots

AXES = np.eye(2)
SIDE = 4  # of the images that are turned
SINGULAR = (1.15, 0.9)  # values of the matrices of the homeomorphism


def turned(images: np.ndarray, quarters: int) -> np.ndarray:
    """Return images (N, S, S) turned by quarters."""
    return np.rot90(images, quarters, axes=(1, 2))


def averaged(network: Network, images: np.ndarray) -> np.ndarray:
    """Return the mean of a network's outputs (N, K) over the four turns of each image."""
    outputs = [forward(network, turned(images, q).reshape(len(images), -1)) for q in range(4)]
    return np.mean(outputs, axis=0)


@experiment(
    title="Averaging over a group: invariance, and what it gains",
    statement=(
        "Let G be the four turns of an image. The mean over G of a network's outputs is invariant. "
        "On examples that hold every turn of each, and for targets that do not change under G, its "
        "mean squared error is that of the network less the mean square of the difference of the "
        "two: averaging never harms. Least squares on all turns of all examples gives weights that "
        "are invariant themselves. For targets that do change neither holds."
    ),
    sources=(Source("foundations", 129, "stable to irrelevant transformations"),),
    about=("turned", "averaged"),
    reference="Elesedy and Zaidi, Provably strict generalisation benefit for equivariant models, "
    "arXiv:2102.10333, lemma 1; Chen, Dobriban and Lee, A group-theoretic framework for data "
    "augmentation, 2020",
    sabotage=Sabotage("the targets change under the group", {"invariant": False}),
)
def averaging_over_a_group(
    *, invariant: bool = True, images: int = 30, draws: int = 20, seed: int = 0
) -> Outcome:
    """`invariant` gives every turn of an image the same target; networks are drawn at random."""
    rng = seeds.generator("group", seed)
    drawn = rng.normal(size=(images, SIDE, SIDE))
    every = np.concatenate([turned(drawn, q) for q in range(4)])
    flat = every.reshape(len(every), -1)
    targets = rng.normal(size=(images, 1))
    targets = np.tile(targets, (4, 1)) if invariant else rng.normal(size=(4 * images, 1))
    changes, gains, squares = [], [], []
    for draw in range(draws):
        network = initialised((SIDE**2, 12, 1), "relu", "group", seed, draw)
        plain, mean = forward(network, flat), averaged(network, every)
        changes.append(np.abs(mean - averaged(network, turned(every, 1))).max())
        gains.append(np.mean((plain - targets) ** 2) - np.mean((mean - targets) ** 2))
        squares.append(np.mean((plain - mean) ** 2))
    gap = np.abs(np.array(gains) - squares).max() / np.mean(squares)
    weights = np.linalg.lstsq(flat, targets, rcond=None)[0].reshape(1, SIDE, SIDE)
    order = np.argsort(squares)
    return Outcome(
        (
            at_most("largest change of the mean's outputs under a turn", changes, 1e-12),
            at_most("gain away from the mean square of the difference", gap, 1e-12),
            at_least("least gain", gains, 0),
            at_most(
                "change of the weights of least squares under a turn",
                np.abs(weights - turned(weights, 1)).max() / np.abs(weights).max(),
                1e-12,
            ),
        ),
        curves(
            "What averaging gains",
            "mean square of the difference",
            "gain",
            {
                "error without less error with it": (
                    np.array(squares)[order],
                    np.array(gains)[order],
                ),
                "by the formula": (np.array(squares)[order], np.array(squares)[order]),
            },
        ),
    )


def leaky(slope: float) -> Activation:
    """Return z -> z above 0 and slope z below."""
    return Activation(
        lambda z: np.where(z > 0, z, slope * z), lambda z: np.where(z > 0, 1.0, slope)
    )


def inverse(network: Network, rows: np.ndarray, slope: float) -> np.ndarray:
    """Return the inputs (N, d) of outputs (N, d) of layers with square weights and `leaky`."""
    for layer in reversed(network):
        before = np.where(rows > 0, rows, rows / slope)
        rows = (before - layer.bias) @ np.linalg.inv(layer.weights)
    return rows


@experiment(
    title="An invertible network is a homeomorphism, and keeps a hole",
    statement=(
        "Layers with square weights of singular values in [l, u] and a leaky ReLU of slope s > 0 "
        "can be inverted, and multiply distances by between a = (s l)^L and b = u^L. A loop of a "
        "circle that is born at r and filled at R is then there in the image from b r to a R, if b "
        "r < a R: the network does not lose the hole. A layer of one unit is no homeomorphism, and "
        "loses it. With the slope 0, ReLU, there is no inverse."
    ),
    sources=(
        Source("foundations", 140, "Homeomorphisms: Continuous bijective mappings preserved by"),
        Source("foundations", 140, "Topological Data Analysis (TDA)"),
    ),
    about=("leaky", "inverse", "network.forward"),
    reference="Chazal, de Silva and Oudot, Persistence stability for geometric complexes, "
    "arXiv:1207.3885; Johnson, Deep, skinny neural networks are not universal approximators, 2019",
    sabotage=Sabotage("the slope is 0: ReLU is not one to one", {"slope": 0.0}),
)
def a_homeomorphism_keeps_a_hole(
    *, slope: float = 0.7, depth: int = 3, points: int = 24, seed: int = 0
) -> Outcome:
    """`slope` is that of leaky ReLU on the left; the circle has `points`, a multiple of 3."""
    rng = seeds.generator("homeomorphism", seed)
    angles = 2 * np.pi * np.arange(points) / points
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    network = tuple(
        Layer(_turn(rng) * SINGULAR @ _turn(rng), 0.3 * rng.normal(size=2), leaky(slope))
        for _ in range(depth)
    )
    image = forward(network, circle)
    back = np.abs(inverse(network, image, slope) - circle).max()
    pairs = np.triu_indices(points, 1)
    ratios = (_apart(image) / np.where(np.eye(points), 1, _apart(circle)))[pairs]
    low, high = (slope * SINGULAR[1]) ** depth, SINGULAR[0] ** depth
    rows = [backward(network, circle, constant(k))[1][0] for k in AXES]
    jacobians = np.stack(rows, axis=1)  # (points, 2, 2), a row for each output
    moved = central(lambda move: forward(network, circle + move), np.zeros(2))  # (2, points, 2)
    stretches = np.linalg.svd(jacobians, compute_uv=False)
    born, filled = 2 * np.sin(np.pi / points), np.sqrt(3)
    loops = persistence(image)[1]
    kept = np.sum((loops[:, 0] <= high * born + 1e-12) & (loops[:, 1] >= low * filled - 1e-12))
    narrow = initialised((2, 1, 2), "tanh", "narrow", seed)
    grid = np.linspace(0, 2 * np.pi, 200)
    curve = forward(network, np.column_stack([np.cos(grid), np.sin(grid)]))
    return Outcome(
        (
            at_most("inverse of the image away from the circle", back, 1e-12),
            at_most(
                "Jacobians away from central differences",
                np.abs(jacobians - moved.transpose(1, 2, 0)).max(),
                1e-8,
            ),
            at_least("least singular value of a Jacobian over a", stretches.min() / low, 1 - 1e-12),
            at_most("largest over b", stretches.max() / high, 1 + 1e-12),
            at_least("least ratio of distances over a", ratios.min() / low, 1 - 1e-12),
            at_most("largest ratio of distances over b", ratios.max() / high, 1 + 1e-12),
            at_most("b r over a R", high * born / (low * filled), 1),
            at_least("loops there from b r to a R", kept, 1),
            at_most(
                "loops after a layer of one unit", len(persistence(forward(narrow, circle))[1]), 0
            ),
        ),
        dots(
            curves("Image of a circle", "x", "y", {"image": (curve[:, 0], curve[:, 1])}),
            image,
            "other",
        ),
    )


def _turn(rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(2, 2)))[0]


def _apart(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, np.newaxis] - points, axis=2)
