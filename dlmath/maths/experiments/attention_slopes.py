"""How far attention's weights and outputs can change with their inputs."""

import numpy as np
from scipy.special import lambertw

from dlmath import seeds
from dlmath.maths.attention import attend, softmax_jacobian
from dlmath.maths.differences import complex_step
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import softmax
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


@experiment(
    title="The softmax is Lipschitz with the constant 1/2",
    statement=(
        "The Jacobian of the softmax, diag(p) - p p^T, takes a unit vector u to the variance of "
        "its entries under p: at most (max u - min u)^2 / 4, so at most 1/2. With an inverse "
        "temperature beta <= 1, weights change by at most 1/2 of what the scores do, in the "
        "Euclidean norm, and in the largest and the sum of absolute entries as well. No smaller "
        "constant than beta / 2 will do: two large equal scores reach beta (1 - d) / 2, d the "
        "weight of the others."
    ),
    sources=(Source("tsemo", 602, "The attention weights are"),),
    about=("softmax_jacobian", "network.softmax"),
    reference="Popoviciu's inequality on variances; Nair, Softmax is 1/2-Lipschitz, "
    "arXiv:2510.23012",
    sabotage=Sabotage("the inverse temperature is above 1", {"beta": 1.1}),
)
def softmax_is_half_lipschitz(*, beta: float = 1.0, keys: int = 6, seed: int = 0) -> Outcome:
    """`beta` multiplies the scores of the `keys`."""
    rng = seeds.generator("half", seed)

    def shares(scores: np.ndarray) -> np.ndarray:
        return softmax(np.atleast_2d(beta * scores))

    spreads = 4.0 ** rng.uniform(-2, 2, (300, 1))
    drawn = spreads * rng.normal(size=(300, keys))
    two = np.zeros((12, keys))
    two[:, :2] = np.arange(1, 13)[:, np.newaxis] / beta
    points = np.vstack([drawn, two])
    jacobians = [beta * softmax_jacobian(p) for p in shares(points)]
    norms = np.array([[np.linalg.norm(j, order) for order in (2, np.inf, 1)] for j in jacobians])
    steps = [complex_step(lambda at: shares(at).squeeze(axis=0), one) for one in points[::20]]
    wrong = [np.abs(a - b).max() for a, b in zip(steps, jacobians[::20], strict=True)]
    near = rng.normal(size=drawn.shape) * 10.0 ** rng.uniform(-3, 1, (300, 1))
    changes = np.linalg.norm(shares(drawn + near) - shares(drawn), axis=1)
    ways = rng.normal(size=drawn.shape)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    forms = [u @ softmax_jacobian(p) @ u for u, p in zip(ways, shares(drawn), strict=True)]
    rest = 1 - shares(two)[:, :2].sum(axis=1)
    return Outcome(
        (
            at_most(
                "norms of the Jacobian: Euclidean, largest entry, sum",
                norms.max(axis=0),
                0.5 + 1e-15,
            ),
            at_least(
                "two equal scores: norm less beta (1 - d) / 2",
                norms[300:, 0] - beta * (1 - rest) / 2,
                -1e-15,
            ),
            at_least("their largest over beta", norms[300:, 0].max() / beta, 0.4999),
            at_most("Jacobian away from complex steps", wrong, 1e-15),
            at_most("change over that of the scores", changes / np.linalg.norm(near, axis=1), 0.5),
            at_most(
                "variance along u, less (max u - min u)^2 / 4",
                forms - np.ptp(ways, axis=1) ** 2 / 4,
                0,
            ),
            at_most("Jacobian times 1", [np.abs(j.sum(axis=1)).max() for j in jacobians], 1e-15),
        ),
        curves(
            "Norm of the Jacobian, two scores above the others",
            "their height",
            "norm",
            {
                "norm": (np.arange(1, 13), norms[300:, 0]),
                "1/2": (np.arange(1, 13), np.full(12, 0.5)),
            },
        ),
    )


def attended(tokens: np.ndarray, distances: bool) -> np.ndarray:
    """Return self-attention (n,) of tokens (n,) that are numbers, with Q = K = V = I.

    Args:
        tokens: x; takes complex numbers.
        distances: Scores are -(x_i - x_j)^2 in the place of x_i x_j.
    """
    column = tokens[:, np.newaxis]
    if distances:
        # -(x_i - x_j)^2 is 2 x_i x_j - x_j^2, but for what is the same for all j.
        queries, keys = (
            np.hstack([2 * column, np.ones_like(column)]),
            np.hstack([column, -(column**2)]),
        )
        return attend(queries, keys, column, scale=1.0)[0][:, 0]
    return attend(column, column, column)[0][:, 0]


@experiment(
    title="Dot-product attention is not Lipschitz",
    statement=(
        "Let three tokens on the line be 0, c and -c, and Q = K = V = I. The derivative of the "
        "first output in the first token is 1/3 + 2 c^2 / 3, beyond any bound as c grows. On "
        "tokens of at most R it is bounded: the norm of the Jacobian in the largest entry is at "
        "most 1 + 2 R^2. With scores -(x_i - x_j)^2 it is at most 1 + 4 W((n - 1) / e) for n "
        "tokens anywhere, W Lambert's function: that attention is Lipschitz."
    ),
    sources=(Source("tsemo", 601, "the attention score is given by"),),
    about=("attended",),
    reference="Kim, Papamakarios and Mnih, The Lipschitz constant of self-attention, "
    "arXiv:2006.04710, theorems 3.1 and 3.2",
    sabotage=Sabotage("the scores are minus the squared distances", {"distances": True}),
)
def attention_is_not_lipschitz(
    *, distances: bool = False, tokens: int = 8, seed: int = 0
) -> Outcome:
    """`tokens` is n, of random sequences; c runs from 1 to 1000."""
    rng = seeds.generator("not Lipschitz", seed)

    def norm(x: np.ndarray, by_distance: bool) -> float:
        jacobian = complex_step(lambda at: attended(at, by_distance), x)
        return float(np.abs(jacobian).sum(axis=0).max())  # of the rows of the output

    places = np.geomspace(1, 1000, 13)
    sequences = [np.array([0.0, c, -c]) for c in places]
    slopes = np.array([complex_step(lambda x: attended(x, distances), x)[0, 0] for x in sequences])
    reaches = np.repeat([0.3, 1.0, 3.0, 10.0], 25)
    drawn = [reach * rng.uniform(-1, 1, tokens) for reach in reaches]
    within = [norm(x, distances) / (1 + 2 * r**2) for x, r in zip(drawn, reaches, strict=True)]
    others = [norm(x, True) for x in [*drawn, *sequences]]
    bound = 1 + 4 * lambertw((tokens - 1) / np.e).real
    x = drawn[0]
    powers = np.exp(-((x[:, np.newaxis] - x) ** 2))
    plain = np.exp(np.outer(x, x))
    direct = [powers @ x / powers.sum(axis=1), plain @ x / plain.sum(axis=1)]
    wrong = [np.abs(attended(x, by) - o).max() for by, o in zip((True, False), direct, strict=True)]
    return Outcome(
        (
            at_most(
                "slope at 0, c, -c away from 1/3 + 2 c^2 / 3, relative",
                np.abs(slopes / (1 / 3 + 2 * places**2 / 3) - 1),
                1e-14,
            ),
            at_most("tokens within R: norm over 1 + 2 R^2", within, 1),
            at_most("squared distances: norm", others, bound),
            at_most("outputs away from their formulas", wrong, 1e-14),
        ),
        curves(
            "Slope of the first output at 0, c, -c",
            "log10 of c",
            "slope",
            {
                "as run": (np.log10(places), slopes),
                "squared distances": (np.log10(places), others[-len(places) :]),
            },
            log=True,
        ),
    )
