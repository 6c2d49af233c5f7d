"""L2 and L1: a little bias for less variance, and weights that are exactly 0."""

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="Regularisation trades variance for bias",
    statement=(
        "With y = X b + noise of variance s^2, ridge regression has the squared bias |p (X^T X + "
        "p)^-1 b|^2 and the variance s^2 tr((X^T X + p)^-1 X^T X (X^T X + p)^-1): with the "
        "penalty p one rises and the other falls, and for 0 < p < 2 s^2 / |b|^2 their sum is "
        "below that of least squares. Without noise there is no variance to trade."
    ),
    sources=(
        Source("foundations", 92, "regularization reduces variance"),
        Source("foundations", 65, "Regularization Terms"),
        Source("foundations", 180, "Regularization Strength: Bias-variance tradeoff"),
    ),
    about=("compute.inverse", "compute.spread", "compute.fits"),
    reference="Hoerl and Kennard, Ridge regression, 1970; Theobald, 1974",
    sabotage=Sabotage("there is no noise", {"noise": 0.0}),
)
def ridge_trades_variance_for_bias(
    *, noise: float = 1.0, draws: int = 3000, seed: int = 0
) -> Outcome:
    """`noise` is s; 40 rows of 8 features that depend on each other stay, the noise is drawn."""
    rng = seeds.generator("ridge", seed)
    x = rng.normal(size=(40, 8)) @ (0.3 * rng.normal(size=(8, 8)) + 0.1 * np.eye(8))
    truth = rng.normal(size=8) / 2
    targets = x @ truth + noise * rng.normal(size=(draws, 40))
    least = 2 * noise**2 / (truth @ truth)
    penalties = np.geomspace(1e-3, 30, 25)
    formula, drawn = [], []
    for penalty in [0.0, *penalties]:
        inverse = np.linalg.inv(x.T @ x + penalty * np.eye(8))
        spread = noise**2 * np.trace(inverse @ x.T @ x @ inverse)
        formula.append([np.sum((penalty * inverse @ truth) ** 2), spread])
        fits = targets @ x @ inverse
        drawn.append(np.mean(np.sum((fits - truth) ** 2, axis=1)))
    bias, variance = np.transpose(formula)
    total = bias + variance
    promised = total[1:][penalties < least]
    return Outcome(
        (
            at_most(
                "largest relative gap of the drawn error to bias squared + variance",
                np.abs(np.array(drawn) / total - 1).max(),
                0.15,
            ),
            at_least("least rise of the bias", np.diff(bias).min(), 0),
            at_most("largest rise of the variance", np.diff(variance).max(), 0),
            at_most(
                "error at 0 < p < 2 s^2 / |b|^2 over that of least squares",
                max(promised, default=np.inf) / total[0],
                1,
            ),
        ),
        curves(
            "Squared error of the weights",
            "log10 of penalty",
            "squared error",
            {
                "drawn": (np.log10(penalties), drawn[1:]),
                "bias squared": (np.log10(penalties), bias[1:]),
                "variance": (np.log10(penalties), variance[1:]),
            },
            log=True,
        ),
    )


def proximal(x: np.ndarray, y: np.ndarray, penalty: float, steps: int, norm: int) -> np.ndarray:
    """Return the least |y - X w|^2 / 2 N + penalty |w|_1, or + penalty |w|^2 / 2 for norm 2.

    A step of gradient descent on the squares, then the exact minimum of the penalty next to it
    (Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm", 2009, section 2.3).
    """
    rate = 1 / np.linalg.eigvalsh(x.T @ x / len(y))[-1]
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w = w - rate * x.T @ (x @ w - y) / len(y)
        if norm == 1:
            w = np.sign(w) * np.maximum(np.abs(w) - rate * penalty, 0)
        else:
            w = w / (1 + rate * penalty)
    return w


@experiment(
    title="An L1 penalty makes weights exactly 0",
    statement=(
        "At the minimum of |y - X w|^2 / 2 N + p |w|_1 the slope of the squares is -p sign(w_j) "
        "where w_j is not 0, and within [-p, p] where it is: a whole interval of slopes keeps a "
        "weight at 0. Of 40 features the few that count are found. An L2 penalty makes weights "
        "small, and none 0."
    ),
    sources=(
        Source("foundations", 65, "Regularization Terms"),
        Source("tsemo", 455, "regularization term can be added"),
    ),
    about=("proximal",),
    reference="Tibshirani, Regression shrinkage and selection via the lasso, 1996",
    sabotage=Sabotage("the penalty is the square", {"penalty": "l2"}),
)
def l1_makes_zeros(
    *, penalty: str = "l1", strength: float = 0.25, rows: int = 120, seed: int = 0
) -> Outcome:
    """`penalty` is l1 or l2, `strength` is p; three of the 40 true weights are not 0."""
    norm = choose("penalty", penalty, {"l1": 1, "l2": 2})
    rng = seeds.generator("lasso", seed)
    x = rng.normal(size=(rows, 40))
    truth = np.zeros(40)
    truth[:3] = 2.0, -1.5, 1.0
    y = x @ truth + 0.5 * rng.normal(size=rows)
    w, squares = proximal(x, y, strength, 600, norm), proximal(x, y, strength, 600, 2)
    slope = x.T @ (x @ w - y) / rows
    off = np.where(w != 0, np.abs(slope + strength * np.sign(w)), np.abs(slope) - strength)
    return Outcome(
        (
            at_most("farthest from the conditions of the minimum", off.max(), 1e-9),
            at_least("weights that are 0, of the 37 that should be", np.sum(w[3:] == 0), 30),
            at_least("weights that are not, of the 3 that count", np.sum(w[:3] != 0), 3),
            at_most("weights that are 0 with L2", np.sum(squares == 0), 0),
        ),
        sequences(
            "Size of the weights, largest first",
            "number",
            "size",
            {
                penalty.upper(): np.sort(np.abs(w))[::-1],
                "L2 penalty": np.sort(np.abs(squares))[::-1],
                "truth": np.sort(np.abs(truth))[::-1],
            },
        ),
    )
