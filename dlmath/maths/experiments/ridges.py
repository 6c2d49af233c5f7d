"""Universal approximation in two and three dimensions, from both sides, and what limits it.

A unit of one hidden layer sees its input through one direction only, as s(u . x + b): a *ridge
function*. Each of the experiments builds its network from that, weight by weight.
"""

from math import comb

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import outside
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import Layer, Network, forward
from dlmath.maths.papers import Source
from dlmath.maths.piecewise import from_breakpoints
from dlmath.maths.plots import curves


def in_ball(rng: np.random.Generator, number: int, dimension: int) -> np.ndarray:
    """Return points (number + 1, d) of the unit ball: its centre, and others uniform in it."""
    rows = rng.normal(size=(number, dimension))
    rows *= rng.random((number, 1)) ** (1 / dimension) / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.concatenate([np.zeros((1, dimension)), rows])


def rotation(rng: np.random.Generator, dimension: int) -> np.ndarray:
    """Return an orthogonal matrix (d, d)."""
    return np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]


def quadratic_form_network(directions: np.ndarray, values: np.ndarray, units: int) -> Network:
    """Return the ReLU network near sum_i l_i (u_i . x)^2 on the unit ball.

    Along each u_i it interpolates t^2 at units + 1 equidistant points of [-1, 1], lowered by half
    of the largest error, 1 / (2 units^2), so that it errs as much above as below.

    Args:
        directions: (K, d), the u_i.
        values: (K,), the l_i.
        units: Along each direction; even, so that 0 is one of the points.
    """
    places = np.linspace(-1, 1, units + 1)
    first, last = from_breakpoints(places, places**2 - 1 / (2 * units**2))
    inner = np.concatenate([u[:, np.newaxis] @ first.weights for u in directions], axis=1)
    outer = np.concatenate([value * last.weights for value in values])
    return (
        Layer(inner, np.tile(first.bias, len(values)), first.activation),
        Layer(outer, values.sum() * last.bias),
    )


def most_pieces(units: int, dimension: int) -> int:
    """Return how many cells that many hyperplanes cut R^d into at most."""
    return sum(comb(units, k) for k in range(dimension + 1))


@experiment(
    title="One hidden layer in one, two and three dimensions, from both sides",
    statement=(
        "On the unit ball of R^d let f(x) = x^T A x, A with eigenvalues l_1, ..., l_d > 0. The "
        "ReLU network with one hidden layer and m units along each eigenvector is within sum l_i "
        "/ (2 m^2) of f. No network of n such units, whatever its weights, is nearer than "
        "det(A)^(1/d) N^(-2/d) / 2, with N = sum_(k <= d) binomial(n, k): one of its at most N "
        "affine pieces is so long that f bends away from it by that. So the error falls as n^-2, "
        "and no faster."
    ),
    sources=(
        Source("murari", 378, "there is a network"),
        Source("tsemo", 430, "Corollary 5.2"),
    ),
    about=("quadratic_form_network", "piecewise.from_breakpoints", "network.forward"),
    reference="Zaslavsky, Facing up to arrangements, 1975 (the number of cells); Bieberbach, 1915 "
    "(of all bodies of one volume the ball has the least diameter)",
    sabotage=Sabotage("no unit looks along one of the eigenvectors", {"unseen": 1}),
)
def quadratic_forms_by_width(*, unseen: int = 0, seed: int = 0) -> Outcome:
    """`unseen` eigenvectors have no units; the best constant stands for their part of f."""
    upper, lower, fitted, shown = [], [], [], {}
    widths = np.array([4, 8, 16, 32])
    for dimension in (1, 2, 3):
        rng = seeds.generator("quadratic form", seed, dimension)
        axes, values = rotation(rng, dimension), rng.uniform(0.5, 2, dimension)
        points = in_ball(rng, 2000, dimension)
        f = (points @ axes.T) ** 2 @ values
        errors, floors = [], []
        for units in widths:
            seen = slice(0, dimension - unseen) if dimension > unseen else slice(0, dimension)
            network = quadratic_form_network(axes[seen], values[seen], int(units))
            rest = values.sum() - values[seen].sum()
            errors.append(np.abs(forward(network, points).squeeze(axis=1) + rest / 2 - f).max())
            count = most_pieces(dimension * int(units), dimension)
            floors.append(values.prod() ** (1 / dimension) * count ** (-2 / dimension) / 2)
            near = _fitted(rng, points, f, dimension * int(units))
            fitted.append(near / floors[-1])
        upper.append(np.array(errors) / (values.sum() / (2 * widths**2)))
        lower.append(np.array(errors) / floors)
        shown = {"network": errors, "no network is below": floors}
    return Outcome(
        (
            at_most("largest error over sum l / (2 m^2)", np.max(upper), 1 + 1e-9),
            at_least("least error over it: at 0 it is attained", np.min(upper), 1 - 1e-9),
            at_least("least error over the bound for all networks", np.min(lower), 1),
            at_most("largest error over that bound, in 1 dimension", np.max(lower[0]), 1.6),
            at_most("the same in 3 dimensions", np.max(lower[2]), 20),
            at_least("random units, fitted: least error over that bound", fitted, 1),
        ),
        curves(
            "Error in three dimensions, by the width",
            "log10 of width",
            "error",
            {name: (np.log10(3 * widths), values) for name, values in shown.items()},
            log=True,
        ),
    )


def _fitted(rng: np.random.Generator, points: np.ndarray, f: np.ndarray, units: int) -> float:
    """Return the largest error, at the points, of random ReLU units with fitted outer weights."""
    inner = rng.normal(size=(points.shape[1], units))
    inner /= np.linalg.norm(inner, axis=0)
    features = np.maximum(points @ inner + rng.uniform(-1, 1, units), 0)
    features = np.column_stack([features, np.ones(len(points))])
    return float(np.abs(features @ np.linalg.lstsq(features, f, rcond=1e-10)[0] - f).max())


def spread_out(count: int) -> np.ndarray:
    """Return unit vectors (count, 2) at the angles 0, pi / count, 2 pi / count, ..."""
    angles = np.pi * np.arange(count) / count
    return np.column_stack([np.cos(angles), np.sin(angles)])


def harmonic(points: np.ndarray, degree: int) -> np.ndarray:
    """Return r^degree sin(degree phi) at points (N, 2), a polynomial of that degree."""
    return ((points[:, 0] + 1j * points[:, 1]) ** degree).imag


def polar_grid(degree: int) -> np.ndarray:
    """Return points of the unit disc, with those of the circle where `harmonic` is 1 or -1."""
    angles = (np.arange(16 * degree) + 0.5) * np.pi / degree / 8
    extreme = (np.arange(2 * degree) + 0.5) * np.pi / degree
    circle = np.exp(1j * extreme)
    inside = np.outer([0.25, 0.5, 0.75, 1.0], np.exp(1j * angles)).ravel()
    rows = np.concatenate([circle, inside])
    return np.column_stack([rows.real, rows.imag])


@experiment(
    title="Too few directions: what no width mends",
    statement=(
        "Sums of functions g_j(u_j . x) along K equally spaced directions of the plane, whatever "
        "the functions and however many units they are made of, stay at least 1 away from r^K "
        "sin(K phi) on the unit disc, as far as the constant 0 does: the sum with alternating "
        "signs over 2 K points of the circle vanishes for each of them. K + 1 directions are "
        "enough: r^K sin(K phi) is then a sum of K-th powers, and a ReLU network with m units "
        "along each is near it as m^-2. In space x y z is 1 away from all sums along the three "
        "axes."
    ),
    sources=(
        Source("murari", 378, "there is a network"),
        Source("tsemo", 398, "be a continuous function satisfying"),
        Source("tsemo", 430, "Corollary 5.2"),
    ),
    about=("spread_out", "by_powers"),
    reference="Logan and Shepp, 1975; Pinkus, Ridge functions, 2015, chapters 3 and 5",
    sabotage=Sabotage("there is one direction more", {"extra": 1}),
)
def directions_limit_a_layer(*, extra: int = 0, units: int = 20, seed: int = 0) -> Outcome:
    """`extra` directions beyond K, with `units` random ReLU units along each, fitted."""
    degrees = np.arange(1, 6)
    distances, cancelled, enough, rates, used = [], [], [], [], []
    for degree in degrees:
        rng = seeds.generator("directions", seed, int(degree))
        points = polar_grid(int(degree))
        f = harmonic(points, int(degree))
        features = _along(spread_out(int(degree) + extra), points, units, rng)
        cancelled.append(np.abs((-1.0) ** np.arange(2 * degree) @ features[: 2 * degree]).max())
        near = features @ np.linalg.lstsq(features, f, rcond=1e-10)[0]
        distances.append(np.abs(near - f).max())
        points = in_ball(rng, 2000, 2)
        f = harmonic(points, int(degree))
        (coarse, _), (near, shares) = (by_powers(points, f, int(degree), m) for m in (10, 80))
        # t^K has a second derivative of at most K (K - 1), and the places are 2 / m apart.
        bound = np.abs(shares).sum() * degree * (degree - 1) / (2 * 80**2)
        enough.append(np.abs(near - f).max() / max(bound, 1e-9))  # at K = 1 it is exact
        if degree > 1:
            rates.append(np.log2(np.abs(coarse - f).max() / np.abs(near - f).max()) / 3)
        used.append(len(shares) - int(degree))
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T
    rng = seeds.generator("directions", seed, "space")
    features = _along(np.eye(3), corners, units, rng)
    product = corners.prod(axis=1)
    cancelled.append(np.abs(product @ features).max())
    near = features @ np.linalg.lstsq(features, product, rcond=1e-10)[0]
    return Outcome(
        (
            at_least("least distance of fitted units along K directions", distances, 1 - 1e-9),
            at_most("largest alternating sum of a unit", cancelled, 1e-10),
            at_least("distance from x y z along the axes", np.abs(near - product).max(), 1 - 1e-9),
            at_most("K + 1 directions: largest error over its bound", enough, 1 + 1e-9),
            at_least("the same: least power of the width in the error", rates, 1.7),
            at_most("the same: largest", rates, 2.3),
            at_most("directions beyond K", used, 1),
        ),
        curves(
            "Distance from r^K sin(K phi)",
            "K",
            "distance",
            {
                f"K + {extra} directions" if extra else "K directions": (degrees, distances),
                "the constant 0": (degrees, np.ones(len(degrees))),
            },
        ),
    )


def _along(
    directions: np.ndarray, points: np.ndarray, units: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the outputs (N, K units) of random ReLU units along each direction."""
    inner = np.repeat(directions, units, axis=0).T * rng.choice(
        [-1.0, 1.0], len(directions) * units
    )
    return np.maximum(points @ inner + rng.uniform(-1, 1, inner.shape[1]), 0)


def by_powers(
    points: np.ndarray, f: np.ndarray, degree: int, units: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a ReLU network's output (N,) and its c_j: `units` along each of degree + 1 directions.

    f = sum_j c_j t_j^K with t_j = u_j . x at points (N, 2), and t^K is interpolated on [-1, 1].
    """
    directions = spread_out(degree + 1)
    shares = np.linalg.lstsq((points @ directions.T) ** degree, f, rcond=None)[0]
    places = np.linspace(-1, 1, units + 1)
    line = from_breakpoints(places, places**degree)
    parts = [forward(line, (points @ u)[:, np.newaxis]).squeeze(axis=1) for u in directions]
    return np.transpose(parts) @ shares, shares


@experiment(
    title="The rate of random units does not see the dimension",
    statement=(
        "For w from N(0, I) in R^d the expectation of cos(w . x) is exp(-|x|^2 / 2). So the mean "
        "of n such units, a network with one hidden layer, errs at x by exactly (1 - "
        "exp(-|x|^2))^2 / (2 n) in the expected square, in every dimension. If the weights have "
        "another law, the error does not fall beyond a level."
    ),
    sources=(
        Source("murari", 378, "there is a network"),
        Source("murari", 382, "Approximation theory of the MLP model"),
    ),
    about=("compute.waves", "compute.means"),
    reference="Barron, Universal approximation bounds, 1993; Rahimi and Recht, Random features for "
    "large-scale kernel machines, 2007",
    sabotage=Sabotage("the weights have a larger variance", {"spread": 1.15}),
)
def random_units_in_any_dimension(
    *, spread: float = 1.0, draws: int = 120, seed: int = 0
) -> Outcome:
    """`spread` is the deviation of the weights; the error is the mean over 61 points."""
    widths = np.array([10, 40, 160, 640])
    beyond, shown, middle = [], {}, 0.0
    for dimension in (1, 2, 3, 10):
        rng = seeds.generator("random units", seed, dimension)
        points = 1.5 * in_ball(rng, 60, dimension)
        squares = np.sum(points**2, axis=1)
        expected = np.mean((1 - np.exp(-squares)) ** 2) / (2 * widths)
        found = np.zeros((draws, len(widths)))
        for draw in range(draws):
            waves = np.cos(points @ rng.normal(0.0, spread, (dimension, widths[-1])))
            means = np.cumsum(waves, axis=1)[:, widths - 1] / widths
            middle = largest_of(middle, np.abs(means[0] - 1).max())
            found[draw] = np.mean((means - np.exp(-squares / 2)[:, np.newaxis]) ** 2, axis=0)
        beyond.append(outside(found, expected))
        shown[f"{dimension} dimensions"] = (np.log10(widths), found.mean(axis=0))
    return Outcome(
        (
            at_most("output at x = 0, away from 1", middle, 1e-12),
            *(
                at_most(
                    f"{d} dimensions: expected error outside of the drawn mean's interval", gap, 0
                )
                for d, gap in zip((1, 2, 3, 10), beyond, strict=True)
            ),
        ),
        curves(
            "Mean squared error by the width",
            "log10 of width",
            "squared error",
            {name: shown[name] for name in ("1 dimensions", "3 dimensions", "10 dimensions")},
            log=True,
        ),
    )
