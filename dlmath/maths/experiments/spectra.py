"""Linear algebra: truncated SVD, autoencoders, principal components, the Hessian's spectrum."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.components import Components
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.krylov import lanczos
from dlmath.maths.network import backward, forward, initialised
from dlmath.maths.network_vectors import packed, packed_gradient, unpacked
from dlmath.maths.objectives import Objective
from dlmath.maths.optimisers import minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.second_order import Lbfgs


@experiment(
    title="Truncated SVD is the best compression of a matrix",
    statement=(
        "Of all matrices of rank r, the sum of the first r singular triples is nearest to W, at "
        "a distance of sqrt(sum of s_i^2 over i > r) in the Frobenius norm and s_(r+1) in the "
        "spectral norm. Keeping any other r triples is worse."
    ),
    sources=(
        Source("foundations", 27, "Weight matrix analysis and compression"),
        Source("murari", 470, "truncated Singular Value Decomposition"),
        Source("foundations", 28, "Matrix Rank"),
    ),
    about=("compute.near",),
    reference="Eckart and Young, The approximation of one matrix by another, 1936; Mirsky, 1960",
    sabotage=Sabotage("the last r triples are kept", {"keep": "last"}),
)
def truncated_svd_is_best(*, keep: str = "first", size: int = 30, seed: int = 0) -> Outcome:
    """`keep` is first or last; 200 other matrices of each rank are tried, near and far."""
    first = choose("keep", keep, {"first": True, "last": False})
    rng = seeds.generator("svd", seed)
    w = (
        rng.normal(size=(size, size))
        @ np.diag(0.8 ** np.arange(size))
        @ rng.normal(size=(size, size))
    )
    u, s, v = np.linalg.svd(w)
    ranks = np.arange(1, size, 3)
    found, rivals, spectral = [], [], []
    for rank in ranks:
        kept = slice(0, rank) if first else slice(size - rank, size)
        near = (u[:, kept] * s[kept]) @ v[kept]
        found.append(np.linalg.norm(w - near))
        spectral.append(np.linalg.norm(w - near, 2))
        bases = [rng.normal(size=(size, rank)) for _ in range(100)]
        bases += [u[:, :rank] + 0.01 * b for b in bases]
        # The best matrix with its columns in the span of a basis is the projection of w.
        rivals.append(
            smallest_of(np.linalg.norm(w - q @ (q.T @ w)) for q, _ in map(np.linalg.qr, bases))
        )
    formula = np.sqrt(np.cumsum(s[::-1] ** 2)[::-1][ranks])
    return Outcome(
        (
            at_most(
                "largest relative error of the Frobenius formula",
                np.abs(found / formula - 1).max(),
                1e-9,
            ),
            at_most(
                "largest relative error of the spectral formula",
                np.abs(spectral / s[ranks] - 1).max(),
                1e-9,
            ),
            at_most(
                "largest distance over the nearest rival's", (np.array(found) / rivals).max(), 1
            ),
        ),
        curves(
            "Distance by rank",
            "rank",
            "distance",
            {"SVD": (ranks, found), "nearest rival": (ranks, rivals)},
            log=True,
        ),
    )


@experiment(
    title="A linear autoencoder is a truncated SVD",
    statement=(
        "The least squared error of a linear autoencoder with r units in the middle is that of "
        "the truncated SVD of the data, the sum of the remaining s_i^2, and training reaches "
        "it. A non-linear autoencoder can do better on curved data."
    ),
    sources=(
        Source("murari", 470, "non-linear version of the truncated Singular Value Decomposition"),
        Source("foundations", 20, "Networks can compress high-dimensional inputs"),
    ),
    about=("compute.gradient", "compute.error"),
    reference="Baldi and Hornik, Neural networks and principal component analysis, 1989",
    sabotage=Sabotage(
        "there are nonlinear units on both sides of the middle", {"activation": "tanh"}
    ),
)
def autoencoder_is_svd(
    *, activation: str = "linear", rank: int = 1, rows: int = 60, steps: int = 600, seed: int = 0
) -> Outcome:
    """`activation` is that of the layers next to the middle; the data lie on a curve in R^3."""
    t = np.linspace(-1, 1, rows)
    x = np.column_stack([t, t**2, np.sin(3 * t)])
    x = x - x.mean(axis=0)
    network = initialised((3, 8, rank, 8, 3), activation, seed, gain=1.0)
    singular = np.linalg.svd(x, compute_uv=False)
    floor = float((singular[rank:] ** 2).sum() / rows)

    def gradient(vector: np.ndarray) -> np.ndarray:
        layers = unpacked(vector, network)
        return packed_gradient(backward(layers, x, lambda output: 2 * (output - x) / rows)[0])

    def error(vector: np.ndarray) -> float:
        return float(np.sum((forward(unpacked(vector, network), x) - x) ** 2)) / rows

    slope, wanted = gradient(packed(network)), central(error, packed(network))
    trace = minimise(Objective(error, gradient), packed(network), Lbfgs(20), steps, tolerance=1e-9)
    return Outcome(
        (
            at_least(
                "least error on the way, over that of the SVD", trace.values.min() / floor, 1 - 1e-9
            ),
            at_most("last error over that of the SVD", trace.values[-1] / floor, 1.001),
            at_most(
                "gradient away from differences of the error, relative",
                np.abs(slope - wanted).max() / np.abs(wanted).max(),
                1e-7,
            ),
        ),
        sequences(
            "Error of the autoencoder",
            "step",
            "squared error",
            {
                "autoencoder": trace.values,
                "SVD": np.full(len(trace.values), floor),
            },
            log=True,
        ),
    )


@experiment(
    title="Principal components are the directions of most variance",
    statement=(
        "The eigenvectors of the covariance are the directions of most variance, each among "
        "those orthogonal to the ones before; the coordinates along them are uncorrelated, and "
        "the variances are the squared singular values of the centred data over N."
    ),
    sources=(
        Source("foundations", 26, "Principal directions of data variation"),
        Source("foundations", 127, "Data lies on low-dimensional manifolds"),
    ),
    about=("Components",),
    reference="Pearson, On lines and planes of closest fit, 1901; Hotelling, 1933",
    sabotage=Sabotage("the data are not centred", {"centred": False}),
)
def principal_components(*, centred: bool = True, rows: int = 300, seed: int = 0) -> Outcome:
    """`centred` takes the mean off before the decomposition."""
    rng = seeds.generator("components", seed)
    mix = rng.normal(size=(5, 5)) * [3, 1, 0.5, 0.2, 0.1]
    x = rng.normal(size=(rows, 5)) @ mix.T + 4.0
    covariance = np.cov(x.T, bias=True)
    found = Components.of(x, 5)
    if centred:
        directions, variances = found.directions, found.deviations**2
    else:
        _, s, v = np.linalg.svd(x, full_matrices=False)
        directions, variances = v.T, s**2 / rows
    along = np.einsum("dk,de,ek->k", directions, covariance, directions)
    stretched = covariance @ directions - directions * variances
    back = found.mean + found(x) * found.deviations @ found.directions.T
    coordinates = (x - found.mean) @ directions / np.sqrt(variances)
    return Outcome(
        (
            at_most(
                "covariance of the coordinates, of deviation 1, away from the identity",
                np.abs(np.cov(coordinates.T, bias=True) - np.eye(5)).max(),
                1e-9,
            ),
            at_most(
                "the same of the coordinates as they are given out",
                np.abs(np.cov(found(x).T, bias=True) - np.eye(5)).max(),
                1e-9,
            ),
            at_most(
                "rows away from mean + coordinates times deviations along the directions",
                np.abs(back - x).max(),
                1e-9,
            ),
            at_most(
                "C v away from variance times v, over the first variance",
                np.abs(stretched).max() / variances[0],
                1e-9,
            ),
            at_most(
                "variances away from s^2 / N, over the first",
                np.abs(along - variances).max() / variances[0],
                1e-12,
            ),
            at_most(
                "directions away from orthonormal",
                np.abs(directions.T @ directions - np.eye(5)).max(),
                1e-12,
            ),
            at_most(
                "most variance of 2000 directions orthogonal to those before, over each",
                (_rival(covariance, directions, k, rng) / along[k] for k in range(5)),
                1 + 1e-8,  # the last has no other direction, and is a small part of the first
            ),
        ),
        curves(
            "Variance by component",
            "component",
            "variance",
            {
                "along it": (np.arange(1, 6), along),
                "s^2 / N": (np.arange(1, 6), variances),
            },
            log=True,
        ),
    )


def _rival(
    covariance: np.ndarray, directions: np.ndarray, number: int, rng: np.random.Generator
) -> float:
    """Return the most variance of random directions orthogonal to the first `number`."""
    drawn = rng.normal(size=(2000, len(covariance)))
    before = directions[:, :number]
    drawn = drawn - drawn @ before @ before.T
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return float(np.einsum("nd,de,ne->n", drawn, covariance, drawn).max())


@experiment(
    title="The ends of the Hessian's spectrum from products with vectors",
    statement=(
        "Where a network's loss is twice continuously differentiable, Lanczos's method finds the "
        "extreme eigenvalues of its Hessian from only products with vectors, each the derivative "
        "of a gradient along a direction. They equal those of the matrix of second derivatives, "
        "which is symmetric, and the second differences of the loss along their eigenvectors; a "
        "negative one tells that the point is no minimum."
    ),
    sources=(
        Source("foundations", 69, "Hessian Matrix"),
        Source("foundations", 25, "Eigenvalues"),
    ),
    about=("lanczos", "along", "compute.gradient"),
    reference="Pearlmutter, Fast exact multiplication by the Hessian, 1994",
    sabotage=Sabotage(
        "the units are ReLUs, and a row lies on their kinks: the gradient jumps",
        {"activation": "relu"},
    ),
)
def hessian_spectrum(*, activation: str = "tanh", seed: int = 0) -> Outcome:
    """`activation` is tanh, sigmoid, sine or another; a row of zeros lies on the kinks of ReLU."""
    choose("activation", activation, ACTIVATIONS)
    rng = seeds.generator("hessian", seed)
    rows, targets = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
    rows[0] = 0.0
    network = initialised((4, 5, 1), activation, seed)
    start = packed(network)

    def gradient(vector: np.ndarray) -> np.ndarray:
        layers = unpacked(vector, network)
        return packed_gradient(backward(layers, rows, lambda output: (output - targets) / 30)[0])

    def loss(vector: np.ndarray) -> float:
        return 0.5 * float(np.mean((forward(unpacked(vector, network), rows) - targets) ** 2))

    def times(direction: np.ndarray) -> np.ndarray:
        return along(gradient, start, direction)

    matrix = np.stack([times(unit) for unit in np.eye(len(start))], axis=1)
    whole, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    found = lanczos(times, rng.normal(size=len(start)), len(start))
    scale = np.abs(whole).max()
    seen = np.array([_second_difference(loss, start, vectors[:, end]) for end in (0, -1)])
    return Outcome(
        (
            at_most("largest eigenvalue, relative error", abs(found[-1] - whole[-1]) / scale, 1e-6),
            at_most("least eigenvalue, relative error", abs(found[0] - whole[0]) / scale, 1e-6),
            at_most("asymmetry of the second derivatives", np.abs(matrix - matrix.T).max(), 1e-6),
            at_most(
                "both ends away from second differences of the loss, relative",
                np.abs(seen - whole[[0, -1]]).max() / scale,
                1e-5,
            ),
            at_most("least eigenvalue: the start is no minimum", whole[0], 0),
        ),
        curves(
            "Eigenvalues of the Hessian",
            "number",
            "eigenvalue",
            {
                "matrix": (np.arange(len(whole)), whole),
                "Lanczos": (np.linspace(0, len(whole) - 1, len(found)), found),
            },
        ),
    )


def along(
    gradient: Callable[[np.ndarray], np.ndarray], at: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Return the derivative of a gradient along a direction, by a central difference."""
    step = 1e-5
    ahead, behind = (gradient(at + sign * step * direction) for sign in (1, -1))
    return (ahead - behind) / (2 * step)


def _second_difference(
    loss: Callable[[np.ndarray], float], at: np.ndarray, direction: np.ndarray
) -> float:
    """Return the second derivative of a loss along a direction, from only its values."""
    # Of fourth order: a step this long loses few digits, and its error is of the order step^4.
    step = 1e-3
    values = [loss(at + k * step * direction) for k in (-2, -1, 0, 1, 2)]
    return float(np.dot([-1, 16, -30, 16, -1], values)) / (12 * step**2)
