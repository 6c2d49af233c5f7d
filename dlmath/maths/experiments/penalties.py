"""Penalties and constraints as remedies: Jacobian, spectral norm, shape; and stability."""

from typing import Any

import numpy as np
from scipy.optimize import nnls

from dlmath import seeds
from dlmath.maths.chance import mean_range
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

STEP = 1e-5  # of a central difference, whose error is of the order STEP^2
TRACE = 1e-11  # of a ridge: random units are nearly dependent
SMOOTHNESS = Source("murari", 345, "Jacobian/Lipschitz penalties")


@experiment(
    title="A Jacobian penalty as a remedy, measured",
    statement=(
        "A network of 200 random tanh units fitted to 25 noisy values of sin(3 x) goes through "
        "them and is far off between. The mean square of its derivative as a penalty, in "
        "closed form, lowers the error on new points for a wide range of strengths. With the "
        "strength the derivative falls, and the error on the values rises."
    ),
    sources=(SMOOTHNESS,),
    about=("unit_slopes", "penalised"),
    reference="Drucker and LeCun, 1992; Hoffman, Roberts and Yaida, arXiv:1908.02729",
    sabotage=Sabotage("there is no noise that could be fitted", {"noise": 0.0}),
)
def jacobian_penalty(
    *, noise: float = 0.5, rows: int = 25, draws: int = 16, seed: int = 0
) -> Outcome:
    """`noise` is the deviation of the values; only the outer weights are fitted."""
    strengths = np.geomspace(1e-9, 1.0, 13)
    grid = np.linspace(-1, 1, 400)
    found: list[Any] = []
    left = 0.0  # of each draw and strength: errors and derivatives as below
    for draw in range(draws):
        rng = seeds.generator("jacobian", seed, draw)
        inner, offset = 4 * rng.normal(size=200), rng.uniform(-4, 4, 200)
        x = rng.uniform(-1, 1, rows)
        y = np.sin(3 * x) + noise * rng.normal(size=rows)
        units, shown, ahead, behind = (
            np.tanh(np.outer(at, inner) + offset) for at in (x, grid, grid + STEP, grid - STEP)
        )
        slopes = unit_slopes(shown, inner)
        found.append([])
        for strength in strengths:
            outer = penalised(units, y, slopes, strength)
            left = largest_of(left, _slope_left(units, y, slopes, strength, outer))
            curve = shown @ outer
            turned = (ahead - behind) @ outer / (2 * STEP)  # from only the function
            found[-1].append(
                [
                    np.mean((curve - np.sin(3 * grid)) ** 2),
                    np.mean((units @ outer - y) ** 2) + TRACE * outer @ outer,
                    np.mean((slopes @ outer) ** 2),
                    np.mean(turned**2),
                ]
            )
    errors, training, steep, seen = np.transpose(found, (2, 0, 1))  # each (draws, strengths)
    wide = errors[:, (strengths >= 1e-3) & (strengths <= 3e-2)].max(axis=1)
    gain = mean_range(np.log(wide / errors[:, 0]), 1e-3)[1]
    typical = np.median(errors, axis=0)
    return Outcome(
        (
            at_most(
                "largest error at 0.001 to 0.03 over that without, mean of its logarithm",
                gain,
                np.log(0.5),
            ),
            at_most(
                "largest relative rise of the derivative with the strength",
                (steep[:, 1:] / steep[:, :-1]).max() - 1,
                1e-6,
            ),
            at_most("slope of the penalised error at its least, relative", left, 1e-5),
            at_least(
                "least rise of the error on the values, and of TRACE |v|^2",
                np.diff(training, axis=1).min(),
                -1e-9,
            ),
            at_most(
                "derivative away from that of the curve, relative",
                np.abs(steep / seen - 1).max(),
                1e-6,
            ),
        ),
        curves(
            "Error on new points",
            "log10 of strength",
            "error",
            {"penalised": (np.log10(strengths), typical)},
            log=True,
        ),
    )


def unit_slopes(units: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return d/dx of tanh(inner x + offset) from its values (N, units)."""
    return (1 - units**2) * inner


def penalised(units: np.ndarray, y: np.ndarray, slopes: np.ndarray, strength: float) -> np.ndarray:
    """Return the v of least mean (H v - y)^2 + strength mean (J v)^2 + TRACE |v|^2, (units,)."""
    system = units.T @ units / len(y) + strength * slopes.T @ slopes / len(slopes)
    return np.linalg.solve(system + TRACE * np.eye(units.shape[1]), units.T @ y / len(y))


def _slope_left(
    units: np.ndarray, y: np.ndarray, slopes: np.ndarray, strength: float, outer: np.ndarray
) -> float:
    """Return the slope of mean (H v - y)^2 + strength mean (J v)^2 over that at v = 0."""
    missed = np.mean((units @ outer - y)[:, np.newaxis] * units, axis=0) + TRACE * outer
    steep = np.mean((slopes @ outer)[:, np.newaxis] * slopes, axis=0)
    start = np.mean(y[:, np.newaxis] * units, axis=0)
    return float(np.abs(missed + strength * steep).max() / np.abs(start).max())


@experiment(
    title="A spectral norm constraint as a remedy, measured",
    statement=(
        "A linear layer of 40 inputs and 40 outputs fitted to 50 noisy pairs has a spectral "
        "norm far above that of the true map, which is 1. Cutting singular values at 1 is the "
        "projection onto the matrices of norm at most 1, a convex set that holds the truth: the "
        "squared error falls by at least the squared distance that the fit is moved, and here by "
        "more than half."
    ),
    sources=(SMOOTHNESS,),
    about=("cut",),
    reference="Yoshida and Miyato, Spectral norm regularization, 2017, arXiv:1705.10941; "
    "Hiriart-Urruty and Lemarechal, Convex analysis, 2001, A.3.1",
    sabotage=Sabotage("there is data in plenty", {"rows": 4000}),
)
def spectral_norm_constraint(
    *, rows: int = 50, noise: float = 0.5, draws: int = 20, seed: int = 0
) -> Outcome:
    """`rows` is the size of the training set."""
    caps = np.geomspace(0.1, 20, 24)
    ratios, norms, after, spare, paths = [], [], [], [], []
    for draw in range(draws):
        rng = seeds.generator("spectral constraint", seed, draw)
        truth = np.linalg.qr(rng.normal(size=(40, 40)))[0] * np.linspace(1, 0, 40)
        x = rng.normal(size=(rows, 40))
        fit = np.linalg.lstsq(x, x @ truth + noise * rng.normal(size=(rows, 40)))[0]
        # For inputs of covariance 1 the expected error is the squared Frobenius distance.
        free = np.sum((fit - truth) ** 2)
        held = cut(fit, 1.0)
        ratios.append(np.sum((held - truth) ** 2) / free)
        norms.append(np.linalg.norm(fit, 2))
        after.append(np.linalg.norm(held, 2))
        spare.append((free - np.sum((held - truth) ** 2)) / np.sum((fit - held) ** 2))
        paths.append([np.sum((cut(fit, cap) - truth) ** 2) for cap in (*caps, np.inf)])
    typical = np.median(paths, axis=0)
    return Outcome(
        (
            at_most(
                "error with the norm cut at 1, over that without, mean", mean_range(ratios)[1], 0.5
            ),
            at_least("fall of the error over the squared move, least", spare, 1),
            at_least("norm of the fit, least", norms, 2),
            at_most("norm after the cut, away from 1", np.abs(np.array(after) - 1).max(), 1e-12),
        ),
        curves(
            "Error on new pairs",
            "log10 of the largest norm",
            "error",
            {
                "cut": (np.log10(caps), typical[:-1]),
                "not cut": (np.log10(caps), np.full(len(caps), typical[-1])),
            },
            log=True,
        ),
    )


def cut(matrix: np.ndarray, norm: float) -> np.ndarray:
    """Return the nearest matrix of spectral norm at most `norm`: larger singular values cut."""
    left, singular, right = np.linalg.svd(matrix)
    return (left * np.minimum(singular, norm)) @ right


@experiment(
    title="Monotone and convex layers as remedies, measured",
    statement=(
        "Thirty noisy values of a rising, convex function on [0, 1] are fitted by one layer of "
        "ReLUs, the outer weights at least 0, so that the sum is monotone and convex. The error "
        "is lower than with free weights, on [0, 1] and more so beyond, on [1, 1.5]. The fit is "
        "the best of all with such weights: the slope of the error is 0 at each weight above 0, "
        "and at least 0 at each that is 0."
    ),
    sources=(Source("murari", 351, "Monotone/Convex layers"),),
    about=("hinges", "shaped"),
    reference="Amos, Xu and Kolter, Input convex neural networks, 2017, arXiv:1609.07152",
    sabotage=Sabotage("the truth is neither", {"truth": "sine"}),
)
def shape_constraints_help(
    *, truth: str = "convex", noise: float = 0.2, draws: int = 300, seed: int = 0
) -> Outcome:
    """`truth` is convex, x^2 + x + 1, or sine, sin(8 x)."""
    function = choose("truth", truth, {"convex": _rising, "sine": _swinging})
    grid, knots = np.linspace(0, 1.5, 301), np.linspace(0, 0.95, 20)
    errors = np.zeros((draws, 2, 2))  # (data set, free or constrained, inside or beyond)
    bends, rises, off, moved = [], [], [], []
    for draw in range(draws):
        rng = seeds.generator("shape", seed, draw)
        x = rng.uniform(0, 1, 30)
        y = function(x) + noise * rng.normal(size=30)
        design = hinges(x, knots)
        free, constrained = np.linalg.lstsq(design, y)[0], shaped(design, y)
        fits = [hinges(grid, knots) @ weights for weights in (free, constrained)]
        gaps = [(fit - function(grid)) ** 2 for fit in fits]
        errors[draw] = [[gap[grid <= 1].mean(), gap[grid > 1].mean()] for gap in gaps]
        rises.append(np.diff(fits[1]).min())
        bends.append(np.diff(fits[1], 2).min())
        off.append(_unmet(design.T @ (design @ constrained - y), constrained))
        lower = design @ shaped(design, y - 3) + 3
        moved.append(np.abs(lower - design @ constrained).max())
    inside, beyond = np.log(errors[:, 1] / errors[:, 0]).T
    return Outcome(
        (
            at_most("error inside, constrained over free, mean log", mean_range(inside)[1], 0),
            at_most("error beyond, the same", mean_range(beyond)[1], np.log(0.1)),
            at_least("least rise of the constrained fit", rises, -1e-12),
            at_least("least bend of the constrained fit", bends, -1e-12),
            at_most("farthest from the conditions of the least error", off, 1e-9),
            at_most("values 3 lower: fit away from the same, 3 lower", moved, 1e-9),
        ),
        curves(
            "One of the data sets",
            "x",
            "y",
            {
                "constrained": (grid, fits[1]),
                "free": (grid, np.clip(fits[0], -3, 5)),
                "truth": (grid, function(grid)),
            },
        ),
    )


def _rising(x: np.ndarray) -> np.ndarray:
    return x**2 + x + 1


def _swinging(x: np.ndarray) -> np.ndarray:
    return np.sin(8 * x)


def hinges(at: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the columns 1, ReLU(x - knot), ... at places x (N,)."""
    return np.column_stack([np.ones_like(at), np.maximum(at[:, np.newaxis] - knots, 0)])


def shaped(design: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the least |D w - y|^2 with all weights but the first at least 0."""
    signed = np.hstack([design, -design[:, :1]])  # the constant may have either sign
    positive = nnls(signed, y)[0]
    return np.append(positive[0] - positive[-1], positive[1:-1])


def _unmet(slopes: np.ndarray, weights: np.ndarray) -> float:
    """Return how far a fit is from the conditions of Karush, Kuhn and Tucker."""
    held = np.where(weights[1:] > 0, np.abs(slopes[1:]), -slopes[1:])
    return float(largest_of(abs(slopes[0]), held.max()))


def _ridge(x: np.ndarray, y: np.ndarray, penalty: float, rows: int) -> np.ndarray:
    """Return the minimum of (1 / rows) sum (x_i w - y_i)^2 + penalty |w|^2."""
    return np.linalg.solve(x.T @ x / rows + penalty * np.eye(x.shape[1]), x.T @ y / rows)


@experiment(
    title="Ridge regression is stable",
    statement=(
        "Leave one row out of (1/n) sum (x_i w - y_i)^2 + penalty |w|^2 and the minimum moves "
        "by exactly H^-1 x_i (y_i - x_i w') / n, w' being the new one and H = X^T X / n + "
        "penalty: at most |x_i| |x_i w' - y_i| / (penalty n), and at least the same with H's "
        "largest eigenvalue for the penalty. The influence of one example falls as 1/n. A "
        "penalty that falls as 1/n itself gives no such rate."
    ),
    sources=(Source("foundations", 169, "How sensitive algorithms are to changes"),),
    about=("_ridge",),
    reference="Bousquet and Elisseeff, Stability and generalization, JMLR 2, 2002, theorem 22",
    sabotage=Sabotage("the penalty falls as 1/n", {"falling": True}),
)
def ridge_is_stable(*, falling: bool = False, penalty: float = 0.5, seed: int = 0) -> Outcome:
    """`falling` divides the penalty by n; there are 100 features."""
    sizes = np.array([20, 40, 80, 160, 320])
    moves, ratios, least, off = [], [], [], []
    for size in sizes:
        rng = seeds.generator("stable", seed, int(size))
        x = rng.normal(size=(size, 100)) / 10
        y = x[:, 0] + 0.5 * rng.normal(size=size)
        strength = penalty / size if falling else penalty
        hessian = x.T @ x / size + strength * np.eye(100)
        whole = _ridge(x, y, strength, size)
        left_out = [
            _ridge(np.delete(x, row, axis=0), np.delete(y, row), strength, size)
            for row in range(20)
        ]
        gaps = np.array([y[row] - x[row] @ one for row, one in enumerate(left_out)])
        moved = whole - np.array(left_out)
        predicted = np.linalg.solve(hessian, x[:20].T * gaps / size).T
        off.append(np.abs(moved - predicted).max() / np.abs(predicted).max())
        lengths = np.linalg.norm(moved, axis=1)
        pushes = np.linalg.norm(x[:20], axis=1) * np.abs(gaps) / size
        moves.append(lengths.mean())
        ratios.append((lengths * strength / pushes).max())
        least.append((lengths * np.linalg.eigvalsh(hessian)[-1] / pushes).min())
    rate = np.polyfit(np.log(sizes), np.log(moves), 1)[0]
    return Outcome(
        (
            at_most("largest move over its upper bound", ratios, 1 + 1e-9),
            at_least("least move over its lower bound", least, 1 - 1e-9),
            at_most("relative distance of the moves from the formula", off, 1e-9),
            at_most("power of n with which the moves fall", rate, -0.8),
            at_least("the same, the other way", rate, -1.2),
        ),
        curves(
            "Move of the minimum when a row is left out",
            "log10 of n",
            "move",
            {
                "mean move": (np.log10(sizes), moves),
                "1/n": (np.log10(sizes), moves[0] * sizes[0] / sizes),
            },
            log=True,
        ),
    )
