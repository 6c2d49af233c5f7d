"""Penalties and constraints as remedies: Jacobian, spectral norm, shape; and stability."""

import numpy as np
from scipy.optimize import nnls

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

SMOOTHNESS = Source("murari", 345, "Jacobian/Lipschitz penalties")


@experiment(
    title="A Jacobian penalty as a remedy, measured",
    statement=(
        "A network of 200 random tanh units fitted to 25 noisy values of sin(3 x) goes through "
        "them and is far off between. The mean square of its derivative as a penalty, in "
        "closed form, lowers the error on new points for a wide range of strengths."
    ),
    sources=(SMOOTHNESS,),
    about=("compute.slopes", "compute.fitted"),
    reference="Drucker and LeCun, 1992; Hoffman, Roberts and Yaida, arXiv:1908.02729",
    sabotage=Sabotage("there is no noise that could be fitted", {"noise": 0.0}),
)
def jacobian_penalty(*, noise: float = 0.5, rows: int = 25, seed: int = 0) -> Outcome:
    """`noise` is the deviation of the values; only the outer weights are fitted."""
    rng = seeds.generator("jacobian", seed)
    inner, offset = 4 * rng.normal(size=200), rng.uniform(-4, 4, 200)
    x, grid = rng.uniform(-1, 1, rows), np.linspace(-1, 1, 400)
    y = np.sin(3 * x) + noise * rng.normal(size=rows)
    units, shown = (np.tanh(np.outer(at, inner) + offset) for at in (x, grid))
    slopes = (1 - shown**2) * inner  # the Jacobian is linear in the outer weights
    strengths = np.geomspace(1e-9, 1.0, 19)

    def fitted(strength: float) -> np.ndarray:
        system = units.T @ units / rows + strength * slopes.T @ slopes / len(grid)
        trace = 1e-11 * np.eye(len(inner))  # of a ridge: the units are nearly dependent
        return shown @ np.linalg.solve(system + trace, units.T @ y / rows)

    errors = np.array([np.mean((fitted(s) - np.sin(3 * grid)) ** 2) for s in strengths])
    wide = errors[(strengths >= 1e-3) & (strengths <= 3e-2)]
    return Outcome(
        (at_most("largest error at 0.001 to 0.03 over that without", wide.max() / errors[0], 0.5),),
        curves(
            "Error on new points",
            "log10 of strength",
            "error",
            {"penalised": (np.log10(strengths), errors)},
            log=True,
        ),
    )


@experiment(
    title="A spectral norm constraint as a remedy, measured",
    statement=(
        "A linear layer of 40 inputs and 40 outputs fitted to 50 noisy pairs has a spectral "
        "norm far above that of the true map, which is 1. Singular values cut at 1 bring its "
        "error on new pairs down by more than half."
    ),
    sources=(SMOOTHNESS,),
    about=("compute.error",),
    reference="Yoshida and Miyato, Spectral norm regularization, 2017, arXiv:1705.10941",
    sabotage=Sabotage("there is data in plenty", {"rows": 4000}),
)
def spectral_norm_constraint(*, rows: int = 50, noise: float = 0.5, seed: int = 0) -> Outcome:
    """`rows` is the size of the training set."""
    rng = seeds.generator("spectral constraint", seed)
    truth = np.linalg.qr(rng.normal(size=(40, 40)))[0] * np.linspace(1, 0, 40)
    x = rng.normal(size=(rows, 40))
    fit = np.linalg.lstsq(x, x @ truth + noise * rng.normal(size=(rows, 40)))[0]
    left, singular, right = np.linalg.svd(fit)
    caps = np.geomspace(0.1, 20, 24)

    def error(cap: float) -> float:
        # For inputs of covariance 1 the expected error is the squared Frobenius distance.
        return float(np.sum(((left * np.minimum(singular, cap)) @ right - truth) ** 2))

    return Outcome(
        (
            at_most(
                "error with the norm cut at 1, over that without", error(1) / error(np.inf), 0.5
            ),
        ),
        curves(
            "Error on new pairs",
            "log10 of the largest norm",
            "error",
            {
                "cut": (np.log10(caps), [error(cap) for cap in caps]),
                "not cut": (np.log10(caps), np.full(len(caps), error(np.inf))),
            },
            log=True,
        ),
    )


@experiment(
    title="Monotone and convex layers as remedies, measured",
    statement=(
        "Thirty noisy values of a rising, convex function on [0, 1] are fitted by one layer of "
        "ReLUs, the outer weights at least 0, so that the sum is monotone and convex. The error "
        "is lower than with free weights, on [0, 1] and more so beyond, on [1, 1.5]."
    ),
    sources=(Source("murari", 351, "Monotone/Convex layers"),),
    about=("compute.layer", "compute.signed", "compute.constrained"),
    reference="Amos, Xu and Kolter, Input convex neural networks, 2017, arXiv:1609.07152",
    sabotage=Sabotage("the truth is neither", {"truth": "sine"}),
)
def shape_constraints_help(
    *, truth: str = "convex", noise: float = 0.2, draws: int = 10, seed: int = 0
) -> Outcome:
    """`truth` is convex, x^2 + x, or sine, sin(8 x); the mean is over `draws` data sets."""
    function = np.sin if truth == "sine" else np.square
    grid, knots = np.linspace(0, 1.5, 301), np.linspace(0, 0.95, 20)

    def layer(at: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones_like(at), np.maximum(at[:, np.newaxis] - knots, 0)])

    def true(at: np.ndarray) -> np.ndarray:
        return function(8 * at) if truth == "sine" else function(at) + at

    errors = np.zeros((draws, 2, 2))  # (data set, free or constrained, inside or beyond)
    for draw in range(draws):
        rng = seeds.generator("shape", seed, draw)
        x = rng.uniform(0, 1, 30)
        y = true(x) + noise * rng.normal(size=30)
        design = layer(x)
        free = np.linalg.lstsq(design, y)[0]
        signed = np.hstack([design, -design[:, :1]])  # the constant may have either sign
        positive = nnls(signed, y)[0]
        constrained = np.append(positive[0] - positive[-1], positive[1:-1])
        fits = [layer(grid) @ weights for weights in (free, constrained)]
        gaps = [(fit - true(grid)) ** 2 for fit in fits]
        errors[draw] = [[gap[grid <= 1].mean(), gap[grid > 1].mean()] for gap in gaps]
    (inside, beyond), (inside_held, beyond_held) = np.median(errors, axis=0)
    return Outcome(
        (
            at_most("error inside, constrained over free", inside_held / inside, 0.6),
            at_most("error beyond, constrained over free", beyond_held / beyond, 0.1),
        ),
        curves(
            "One of the data sets",
            "x",
            "y",
            {
                "constrained": (grid, fits[1]),
                "free": (grid, np.clip(fits[0], -3, 5)),
                "truth": (grid, true(grid)),
            },
        ),
    )


def _ridge(x: np.ndarray, y: np.ndarray, penalty: float, rows: int) -> np.ndarray:
    """Return the minimum of (1 / rows) sum (x_i w - y_i)^2 + penalty |w|^2."""
    return np.linalg.solve(x.T @ x / rows + penalty * np.eye(x.shape[1]), x.T @ y / rows)


@experiment(
    title="Ridge regression is stable",
    statement=(
        "Leave one row out of (1/n) sum (x_i w - y_i)^2 + penalty |w|^2 and the minimum moves "
        "by at most |x_i| |x_i w' - y_i| / (penalty n), w' being the new one: the influence of "
        "one example falls as 1/n. A penalty that falls as 1/n itself gives no such rate."
    ),
    sources=(Source("foundations", 169, "How sensitive algorithms are to changes"),),
    about=("_ridge",),
    reference="Bousquet and Elisseeff, Stability and generalization, JMLR 2, 2002, theorem 22",
    sabotage=Sabotage("the penalty falls as 1/n", {"falling": True}),
)
def ridge_is_stable(*, falling: bool = False, penalty: float = 0.5, seed: int = 0) -> Outcome:
    """`falling` divides the penalty by n; there are 100 features."""
    sizes = np.array([20, 40, 80, 160, 320])
    moves, ratios = [], []
    for size in sizes:
        rng = seeds.generator("stable", seed, int(size))
        x = rng.normal(size=(size, 100)) / 10
        y = x[:, 0] + 0.5 * rng.normal(size=size)
        strength = penalty / size if falling else penalty

        whole = _ridge(x, y, strength, size)
        left_out = [
            _ridge(np.delete(x, row, axis=0), np.delete(y, row), strength, size)
            for row in range(20)
        ]
        moved = np.array([np.linalg.norm(whole - one) for one in left_out])
        gaps = np.abs([x[row] @ one - y[row] for row, one in enumerate(left_out)])
        bounds = np.linalg.norm(x[:20], axis=1) * gaps / (strength * size)
        moves.append(moved.mean())
        ratios.append((moved / bounds).max())
    rate = np.polyfit(np.log(sizes), np.log(moves), 1)[0]
    return Outcome(
        (
            at_most("largest move over its bound", max(ratios), 1 + 1e-9),
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
