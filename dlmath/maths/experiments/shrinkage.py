"""L2 and L1: a little bias for less variance, and weights that are exactly 0."""

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import standard_error
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences

ROWS, FEATURES = 40, 8


@experiment(
    title="Regularisation trades variance for bias",
    statement=(
        "With y = X b + independent noise of variance s^2, ridge regression has the squared bias "
        "|p (X^T X + p)^-1 b|^2 and the variance s^2 tr((X^T X + p)^-1 X^T X (X^T X + p)^-1): "
        "with the penalty p one rises and the other falls, and for 0 < p < 2 s^2 / |b|^2 their "
        "sum is below that of least squares. If the k columns are orthogonal and of squared "
        "length d, it is below exactly for p < 2 s^2 k d / (|b|^2 d - s^2 k)."
    ),
    sources=(
        Source("foundations", 92, "regularization reduces variance"),
        Source("foundations", 65, "Regularization Terms"),
        Source("foundations", 180, "Regularization Strength: Bias-variance tradeoff"),
    ),
    about=("ridge", "bias_and_variance"),
    reference="Hoerl and Kennard, Ridge regression, 1970; Theobald, 1974",
    sabotage=Sabotage("the rows' noise is correlated", {"correlation": 0.5}),
)
def ridge_trades_variance_for_bias(
    *, noise: float = 1.5, correlation: float = 0.0, draws: int = 3000, seed: int = 0
) -> Outcome:
    """`noise` is s, `correlation` that of the noise of any two rows; only the noise is drawn."""
    rng = seeds.generator("ridge", seed)
    mixed = 0.3 * rng.normal(size=(FEATURES, FEATURES)) + 0.1 * np.eye(FEATURES)
    x = rng.normal(size=(ROWS, FEATURES)) @ mixed
    truth = rng.normal(size=FEATURES) / 2
    own, shared = rng.normal(size=(draws, ROWS)), rng.normal(size=(draws, 1))
    drawn_noise = np.sqrt(1 - correlation) * own + np.sqrt(correlation) * shared
    targets = x @ truth + noise * drawn_noise
    penalties = np.geomspace(1e-3, 30, 25)
    every = np.concatenate([[0.0], penalties])
    bias, variance = np.transpose([bias_and_variance(x, truth, noise, p) for p in every])
    losses = np.array([np.sum((ridge(x, targets, p) - truth) ** 2, axis=1) for p in every])
    total = bias + variance
    gap = np.abs(losses.mean(axis=1) - total)
    promised = total[1:][penalties < 2 * noise**2 / (truth @ truth)]
    # Orthogonal columns so long that the gain has an end: |b|^2 d is above s^2 k.
    length = largest_of(25.0, float(4 * noise**2 * FEATURES / (truth @ truth)))
    square = np.linalg.qr(x)[0] * np.sqrt(length)
    turn = _turning_penalty(truth, noise, length)
    within, beyond = (_gain(square, truth, noise, share * turn) for share in (0.99, 1.01))
    return Outcome(
        (
            at_most(
                "drawn error away from bias squared + variance, in standard errors",
                (gap / (standard_error(losses.T) + 1e-12)).max(),
                5.5,
            ),
            at_least("least rise of the bias", np.diff(bias).min(), 0),
            at_most("largest rise of the variance", np.diff(variance).max(), 0),
            at_most(
                "error at 0 < p < 2 s^2 / |b|^2 less that of least squares, largest",
                largest_of(promised, default=0.0) - total[0],
                0,
            ),
            at_least("orthogonal columns: gain at 0.99 of the exact penalty", within, 0),
            at_most("the same at 1.01 of it", beyond, 0),
        ),
        curves(
            "Squared error of the weights",
            "log10 of penalty",
            "squared error",
            {
                "drawn": (np.log10(penalties), losses.mean(axis=1)[1:]),
                "bias squared": (np.log10(penalties), bias[1:]),
                "variance": (np.log10(penalties), variance[1:]),
            },
            log=True,
        ),
    )


def ridge(x: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """Return the least |y - X w|^2 + penalty |w|^2 for each row y of targets, (draws, k)."""
    return targets @ x @ np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))


def bias_and_variance(
    x: np.ndarray, truth: np.ndarray, noise: float, penalty: float
) -> tuple[float, float]:
    """Return the squared bias and the variance of the weights of ridge regression."""
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    bias = penalty * inverse @ truth
    return float(bias @ bias), float(noise**2 * np.trace(inverse @ x.T @ x @ inverse))


def _gain(x: np.ndarray, truth: np.ndarray, noise: float, penalty: float) -> float:
    """Return the error of least squares less that of ridge regression."""
    return sum(bias_and_variance(x, truth, noise, 0.0)) - sum(
        bias_and_variance(x, truth, noise, penalty)
    )


def _turning_penalty(truth: np.ndarray, noise: float, square: float) -> float:
    """Return the penalty up to which columns of that squared length, orthogonal, gain by it."""
    signal, spread = truth @ truth * square, noise**2 * len(truth)
    return float(2 * spread * square / (signal - spread))


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
        "small, and none 0. From p = max|X^T y| / N on, all weights are 0, and below not."
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
    most = np.abs(x.T @ y).max() / rows
    short, past = (proximal(x, y, share * most, 600, norm) for share in (0.999, 1.001))
    closed = np.linalg.solve(x.T @ x / rows + strength * np.eye(40), x.T @ y / rows)
    return Outcome(
        (
            at_most("farthest from the conditions of the minimum", off.max(), 1e-9),
            at_least("weights that are 0, of the 37 that should be", np.sum(w[3:] == 0), 30),
            at_least("weights that are not, of the 3 that count", np.sum(w[:3] != 0), 3),
            at_least("weights that are not 0 at 0.999 of max|X^T y| / N", np.sum(short != 0), 1),
            at_most("weights that are not 0 at 1.001 of it", np.sum(past != 0), 0),
            at_most("weights that are 0 with L2", np.sum(squares == 0), 0),
            at_most("L2: away from the closed form", np.abs(squares - closed).max(), 1e-9),
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
