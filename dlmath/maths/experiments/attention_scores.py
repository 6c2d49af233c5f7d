"""Attention's scores: their variance, and the temperature of the softmax that follows them."""

from fractions import Fraction

import numpy as np
from scipy.special import gammaln, xlogy

from dlmath import seeds
from dlmath.maths.chance import mean_range
from dlmath.maths.differences import complex_step
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import softmax
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

WIDTHS = (4, 16, 64, 256)
# Laws of mean 0 and variance 1: values with their chances.
LAWS: tuple[dict[Fraction, Fraction], ...] = (
    {Fraction(-1): Fraction(1, 2), Fraction(1): Fraction(1, 2)},
    {Fraction(-2): Fraction(1, 5), Fraction(1, 2): Fraction(4, 5)},
    {Fraction(-3): Fraction(1, 18), Fraction(0): Fraction(8, 9), Fraction(3): Fraction(1, 18)},
)


def law_of_score(
    entry: dict[Fraction, Fraction], other: dict[Fraction, Fraction], width: int
) -> dict[Fraction, Fraction]:
    """Return the law of <q, k>: values with their chances.

    Args:
        entry: The law of each entry of q.
        other: The law of each entry of k.
        width: Number d of entries; all are independent.
    """
    law = {Fraction(0): Fraction(1)}
    for _ in range(width):
        longer: dict[Fraction, Fraction] = {}
        for value, chance in law.items():
            for a, p in entry.items():
                for b, r in other.items():
                    longer[value + a * b] = longer.get(value + a * b, Fraction(0)) + chance * p * r
        law = longer
    return law


def entropies(shares: np.ndarray) -> np.ndarray:
    """Return -sum p log p, (N,), in nats, of rows p (N, n); takes complex numbers, 0 log 0 = 0."""
    return -np.sum(xlogy(shares, shares), axis=1)


def scored(rng: np.random.Generator, draws: int, keys: int, width: int) -> np.ndarray:
    """Return <q, k> (draws, keys) of independent normal queries and keys, of `width` entries."""
    queries = rng.normal(size=(draws, 1, width))
    return np.sum(queries * rng.normal(size=(draws, keys, width)), axis=2)


@experiment(
    title="The root of the width keeps the scores at variance 1",
    statement=(
        "If the entries of q and k are independent, with mean 0 and variance 1, <q, k> / sqrt(d) "
        "has mean 0 and variance 1 for every width d and whatever their laws. The weights of n "
        "keys then have a mean entropy of at least log n - 1, where the entries are normal. "
        "Without the root the variance is d, and the softmax saturates: the mean entropy of two "
        "keys' weights over the mean of 1 / |q|, which is near 1 / sqrt(d), is at most pi^(3/2) / "
        "6 and at least that less 7 pi^(7/2) / (360 (d - 3))."
    ),
    sources=(Source("tsemo", 601, "the attention score is given by"),),
    about=("law_of_score", "scored", "mean_of_inverse_norm", "compute.scores"),
    reference="Vaswani et al., arXiv:1706.03762, footnote 4; with normal scores of two keys the "
    "entropy h of the logistic function at u >= 0 has the integral pi^2 / 6, and u^2 h 7 pi^4 / 90",
    sabotage=Sabotage("the scores are not divided by the root of the width", {"scaled": False}),
)
def scores_keep_their_variance(
    *, scaled: bool = True, draws: int = 2500, keys: int = 8, seed: int = 0
) -> Outcome:
    """`draws` of a query with its `keys`; intervals are left once in a million."""
    rng = seeds.generator("scores", seed)
    exact = []
    for entry in LAWS:
        for other in LAWS:
            law = law_of_score(entry, other, 3)
            square = sum(chance * value**2 for value, chance in law.items())
            mean = sum(chance * value for value, chance in law.items())
            exact += [abs(square - 3), abs(mean), abs(sum(law.values()) - 1)]
    outside, flat, falls, found = [], [], [], []
    for width in WIDTHS:
        raw = scored(rng, draws, keys, width)
        scores = raw / np.sqrt(width) if scaled else raw
        low, high = mean_range(scores[:, 0] ** 2)
        outside.append(largest_of(low - 1, 1 - high))
        flat.append(mean_range(entropies(softmax(scores)))[1] - np.log(keys) + 1)
        two = entropies(softmax(raw[:, :2]))
        found.append((entropies(softmax(raw / np.sqrt(width))).mean(), two.mean()))
        falls.append(np.array(mean_range(two)) / mean_of_inverse_norm(width))
    low, high = np.array(falls).T
    limit = np.pi**1.5 / 6
    missing = 7 * np.pi**3.5 / 360 / (np.array(WIDTHS) - 3)
    return Outcome(
        (
            at_most("exact laws: moments away from 1, 0 and d", map(float, exact), 0),
            at_most("mean square of a score outside its interval around 1", outside, 0),
            at_least(f"mean entropy of {keys} weights, less log n - 1", flat, 0),
            at_most("two keys without the root: entropy over the mean of 1 / |q|", low, limit),
            at_least("the same, less its lower bound", high - limit + missing, 0),
        ),
        curves(
            "Mean entropy of the weights, by the width",
            "log2 of width",
            "entropy in nats",
            {
                f"{keys} keys, with the root": (np.log2(WIDTHS), [one for one, _ in found]),
                "2 keys, without": (np.log2(WIDTHS), [two for _, two in found]),
                "its limit": (
                    np.log2(WIDTHS),
                    [limit * mean_of_inverse_norm(width) for width in WIDTHS],
                ),
            },
        ),
    )


def mean_of_inverse_norm(width: int) -> float:
    """Return the mean of 1 / |q| over normal q of at least 2 entries."""
    return float(np.exp(gammaln((width - 1) / 2) - gammaln(width / 2)) / np.sqrt(2))


@experiment(
    title="The temperature of a softmax sets the entropy of its weights",
    statement=(
        "Weights p in proportion to e^(beta a) have an entropy H that falls with beta: dH/dbeta = "
        "-beta Var_p(a), from log n at beta = 0 towards log m, m the number of largest scores: "
        "beyond by at most (n - m) / m (1 + beta g) e^(-beta g), g the gap to the next, where "
        "beta g >= 1. Of all laws q, p has the largest <q, a> + H(q) / beta, log sum e^(beta a) "
        "/ beta: q is below it by its divergence from p over beta. So attention is the best mean "
        "score at a price for certainty."
    ),
    sources=(
        Source("foundations", 177, "Information-theoretic interpretation of attention"),
        Source("tsemo", 602, "The attention weights are"),
    ),
    about=("entropies", "network.softmax", "log_sum"),
    reference="Gibbs' variational principle; Cover and Thomas, Elements of information theory, "
    "2006, chapter 12; Jaynes, Physical Review 106, 1957",
    sabotage=Sabotage("the weights have another temperature", {"assumed": 1.05}),
)
def temperature_sets_the_entropy(
    *, assumed: float = 1.0, keys: int = 9, largest: int = 2, seed: int = 0
) -> Outcome:
    """The weights are those of `assumed` times beta; `largest` is m, of n `keys`."""
    rng = seeds.generator("temperature", seed)
    scores = rng.normal(size=keys)
    scores[:largest] = scores.max() + 0.5
    gap = 0.5

    def p(beta: np.ndarray) -> np.ndarray:
        return softmax(assumed * np.multiply.outer(beta, scores))

    betas = np.array([0.1, 0.5, 1.0, 3.0, 10.0])
    shares = p(betas)
    means = shares @ scores
    spread = shares @ scores**2 - means**2
    falls, rises = (
        np.diag(complex_step(function, betas))
        for function in (lambda at: entropies(p(at)), lambda at: log_sum(at, scores))
    )
    value = log_sum(betas, scores) / betas
    others = rng.dirichlet(np.ones(keys), 50)
    below = value - (others @ scores)[:, np.newaxis] - entropies(others)[:, np.newaxis] / betas
    divergence = np.sum(others[:, np.newaxis] * np.log(others[:, np.newaxis] / shares), axis=2)
    cold = np.array([2.0, 8.0, 20.0, 60.0, 1e4]) / gap
    left = entropies(p(cold)) - np.log(largest)
    room = (keys - largest) / largest * (1 + cold * gap) * np.exp(-cold * gap)
    shown = np.geomspace(0.01, 100, 60)
    return Outcome(
        (
            at_most("dH/dbeta away from -beta Var(a)", np.abs(falls + betas * spread), 1e-13),
            at_most("slope of log sum e^(beta a) away from <p, a>", np.abs(rises - means), 1e-13),
            at_most(
                "H at beta = 0 away from log n",
                np.abs(entropies(p(np.zeros(1))) - np.log(keys)),
                1e-14,
            ),
            at_least("H at large beta, less log m", left, -1e-14),
            at_most("the same, less its bound", left - room, 1e-14),
            at_most(
                "<p, a> + H(p) / beta, away from log sum e^(beta a) / beta",
                np.abs(means + entropies(shares) / betas - value),
                1e-13,
            ),
            at_least("least of that less <q, a> + H(q) / beta, of 50 laws q", below.min(), 0),
            at_most(
                "that difference away from the divergence over beta",
                np.abs(below - divergence / betas).max(),
                1e-12,
            ),
        ),
        curves(
            "Entropy of the weights",
            "log10 of beta",
            "nats",
            {
                "entropy": (np.log10(shown), entropies(p(shown))),
                "log n": (np.log10(shown), np.full(60, np.log(keys))),
                "log m": (np.log10(shown), np.full(60, np.log(largest))),
            },
        ),
    )


def log_sum(betas: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return log sum e^(beta a), (B,), of scores a (n,); takes complex numbers."""
    return np.log(np.sum(np.exp(np.multiply.outer(betas, scores)), axis=1))
