"""Linear algebra: truncated SVD, autoencoders, principal components, the Hessian's spectrum."""

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
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
        rivals.append(min(np.linalg.norm(w - q @ (q.T @ w)) for q, _ in map(np.linalg.qr, bases)))
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
    about=("compute.gradient", "compute.error", "Lbfgs.step"),
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

    trace = minimise(Objective(error, gradient), packed(network), Lbfgs(20), steps, tolerance=1e-9)
    return Outcome(
        (
            at_least(
                "least error on the way, over that of the SVD", trace.values.min() / floor, 1 - 1e-9
            ),
            at_most("last error over that of the SVD", trace.values[-1] / floor, 1.001),
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
    about=("compute.covariance", "compute.scores"),
    reference="Pearson, On lines and planes of closest fit, 1901; Hotelling, 1933",
    sabotage=Sabotage("the data are not centred", {"centred": False}),
)
def principal_components(*, centred: bool = True, rows: int = 300, seed: int = 0) -> Outcome:
    """`centred` takes the mean off before the decomposition."""
    rng = seeds.generator("components", seed)
    mix = rng.normal(size=(5, 5)) * [3, 1, 0.5, 0.2, 0.1]
    x = rng.normal(size=(rows, 5)) @ mix.T + 4.0
    covariance = np.cov(x.T, bias=True)
    _, s, v = np.linalg.svd(x - x.mean(axis=0) if centred else x, full_matrices=False)
    scores = v @ covariance @ v.T
    directions = rng.normal(size=(5000, 5))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rival = np.einsum("nd,de,ne->n", directions, covariance, directions).max()
    off = np.abs(scores - np.diag(np.diag(scores))).max() / scores[0, 0]
    return Outcome(
        (
            at_most("largest covariance of two components over the first variance", off, 1e-9),
            at_most(
                "variances away from s^2 / N",
                np.abs(np.diag(scores) / (s**2 / rows) - 1).max(),
                1e-9,
            ),
            at_most(
                "most variance of 5000 other directions over the first", rival / scores[0, 0], 1
            ),
        ),
        curves(
            "Variance by component",
            "component",
            "variance",
            {
                "along it": (np.arange(1, 6), np.diag(scores)),
                "s^2 / N": (np.arange(1, 6), s**2 / rows),
            },
            log=True,
        ),
    )


@experiment(
    title="The ends of the Hessian's spectrum from products with vectors",
    statement=(
        "Lanczos's method finds the extreme eigenvalues of the Hessian of a network's loss from "
        "only products with vectors, each the derivative of a gradient along a direction. They "
        "equal those of the matrix of second derivatives; a negative one tells a saddle."
    ),
    sources=(
        Source("foundations", 69, "Hessian Matrix"),
        Source("foundations", 25, "Eigenvalues"),
    ),
    about=("lanczos", "compute.gradient", "compute.times"),
    reference="Pearlmutter, Fast exact multiplication by the Hessian, 1994",
    sabotage=Sabotage("the products are not symmetric", {"twist": 0.3}),
)
def hessian_spectrum(*, twist: float = 0.0, seed: int = 0) -> Outcome:
    """`twist` adds an antisymmetric part to the products, which no second derivative has."""
    rng = seeds.generator("hessian", seed)
    rows, targets = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
    network = initialised((4, 5, 1), "tanh", seed)
    start = packed(network)

    def gradient(vector: np.ndarray) -> np.ndarray:
        layers = unpacked(vector, network)
        return packed_gradient(backward(layers, rows, lambda output: (output - targets) / 30)[0])

    skew = np.triu(np.ones((len(start),) * 2), 1)
    skew = twist * (skew - skew.T)

    def times(direction: np.ndarray) -> np.ndarray:
        step = 1e-5
        ahead, behind = (gradient(start + sign * step * direction) for sign in (1, -1))
        return (ahead - behind) / (2 * step) + skew @ direction

    matrix = np.stack([times(unit) for unit in np.eye(len(start))], axis=1)
    whole = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    found = lanczos(times, rng.normal(size=len(start)), 25)
    scale = np.abs(whole).max()
    return Outcome(
        (
            at_most("largest eigenvalue, relative error", abs(found[-1] - whole[-1]) / scale, 1e-4),
            at_most("least eigenvalue, relative error", abs(found[0] - whole[0]) / scale, 1e-4),
            at_most("asymmetry of the second derivatives", np.abs(matrix - matrix.T).max(), 1e-6),
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
