"""Dropout of the inputs of a linear model: which penalty it is, and what it does."""

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import outside
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def every_mask(width: int, keep: float) -> tuple[np.ndarray, np.ndarray]:
    """Return all 2^d masks of 0 and 1, (2^d, d), and their probabilities."""
    masks = (np.arange(2**width)[:, np.newaxis] >> np.arange(width)) & 1
    kept = masks.sum(axis=1)
    return masks.astype(float), keep**kept * (1 - keep) ** (width - kept)


@experiment(
    title="Dropout is a penalty on reliance",
    statement=(
        "Keep each input with probability q, independently, and divide what is kept by q. The "
        "expectation over all masks of the squared loss of weights w is the loss without dropout "
        "plus (1 - q) / q sum_j |x_j|^2 w_j^2 / 2 N, exactly, x_j the column of feature j: the "
        "least is at ridge weights. Between two copies of a feature they are shared half and "
        "half, at half of the penalty of the same sum on one of them: no reliance on either. "
        "For columns of |x_j|^2 = N and (1 - q) / q N < 2 s^2 / |b|^2, with noise of variance "
        "s^2 and true weights b, the expected error is below that of least squares; with "
        "little noise it is above."
    ),
    sources=(
        Source("tsemo", 460, "Dropout is a regularization technique"),
        Source("tsemo", 501, "Dropout"),
    ),
    about=("every_mask", "_losses", "compute.factors", "compute.hessian"),
    reference="Srivastava et al., Dropout, 2014, section 9.1; Wager, Wang and Liang, "
    "arXiv:1307.1493; Theobald, 1974",
    sabotage=Sabotage("what is kept is not divided by q", {"rescaled": False}),
)
def dropout_is_a_penalty(
    *, rescaled: bool = True, keep: float = 0.8, rows: int = 60, draws: int = 2000, seed: int = 0
) -> Outcome:
    """`rescaled` divides the kept inputs by `keep`, which is q; 8 features, two of them copies."""
    rng = seeds.generator("dropout", seed)
    x = rng.normal(size=(rows, 8))
    x[:, 1] = x[:, 0]
    x *= np.sqrt(rows) / np.linalg.norm(x, axis=0)
    masks, chances = every_mask(8, keep)
    factors = masks / keep**rescaled
    y = x @ rng.normal(size=8) + rng.normal(size=rows)
    price = (1 - keep) / keep
    trials = rng.normal(size=(20, 8))
    mean = [chances @ _losses(x, y, factors * w) for w in trials]
    said = [float(_losses(x, y, w[np.newaxis])[0]) + price * np.sum(w**2) / 2 for w in trials]
    # The expected loss is quadratic; its Hessian and slope, summed over all masks.
    hessian = np.einsum("m,mi,ij,mj->ij", chances, factors, x.T @ x / rows, factors)
    least = np.linalg.solve(hessian, (chances @ factors) * (x.T @ y) / rows)
    ridge = np.linalg.solve(x.T @ x / rows + price * np.eye(8), x.T @ y / rows)
    single = ridge.copy()
    single[:2] = ridge[:2].sum(), 0.0
    risks = _risks(np.delete(x, 1, axis=1), price, draws, rng)
    grid = np.linspace(0.4, 1, 61)[:-1]
    return Outcome(
        (
            at_most(
                "loss of weights that are right", _losses(x, x @ trials[0], trials[:1])[0], 1e-20
            ),
            at_most(
                "mean loss over all masks, relative to the formula",
                np.abs(np.divide(mean, said) - 1).max(),
                1e-12,
            ),
            at_most("least of the mean loss, away from ridge", np.abs(least - ridge).max(), 1e-10),
            at_most("difference of the weights of the copies", abs(least[0] - least[1]), 1e-10),
            at_most(
                "penalty of the two over that of one, away from 1/2",
                abs(np.sum(least[:2] ** 2) / np.sum(single[:2] ** 2) - 0.5),
                1e-10,
            ),
            at_most("expected error over that of least squares", risks[0], 1),
            at_most("expected error outside of the drawn mean's interval", risks[1], 0),
            at_least("the same, with a hundredth of the noise", risks[2], 1),
        ),
        curves(
            "Penalty of a weight, by what is kept",
            "q",
            "(1 - q) / q",
            {"penalty": (grid, (1 - grid) / grid)},
        ),
    )


def _losses(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return |y - X w|^2 / 2 N, (M,), for weights (M, d)."""
    return np.sum((y - weights @ x.T) ** 2, axis=1) / (2 * len(y))


def _risks(
    x: np.ndarray, price: float, draws: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the expected error of dropout over that of least squares, and how it was drawn.

    The noise is such that N price = s^2 / |b|^2, half of the limit. The second is how far
    the expected error lies outside of the drawn mean's interval, the third the first for s^2 / 100.
    """
    rows, width = x.shape
    truth = rng.normal(size=width) / np.sqrt(width)
    variance = rows * price * (truth @ truth)
    moments = x.T @ x

    def expected(penalty: float, share: float = 1.0) -> float:
        inverse = np.linalg.inv(moments + rows * penalty * np.eye(width))
        bias = rows * penalty * inverse @ truth
        return float(bias @ bias + share * variance * np.trace(inverse @ moments @ inverse))

    noise = np.sqrt(variance) * rng.normal(size=(draws, rows))
    inverse = np.linalg.inv(moments + rows * price * np.eye(width))
    found = np.sum(((x @ truth + noise) @ x @ inverse - truth) ** 2, axis=1)
    less = expected(price, 0.01) / expected(0.0, 0.01)
    return expected(price) / expected(0.0), outside(found, expected(price)), less
