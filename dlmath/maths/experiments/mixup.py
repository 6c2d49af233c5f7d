"""Mixup: what its expected loss is, to second order."""

from math import sqrt

import numpy as np
from scipy.special import expit, roots_jacobi

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def beta_rule(first: float, second: float, nodes: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return places in [0, 1] and weights of a Gauss rule for the law Beta(first, second)."""
    places, weights = roots_jacobi(nodes, second - 1, first - 1)
    return (places + 1) / 2, weights / weights.sum()


def mixup_loss(z: np.ndarray, labels: np.ndarray, alpha: float, same: bool) -> float:
    """Return the expected logistic loss of mixed scores and mixed labels, by its definition.

    Args:
        z: (N,) scores w . x.
        labels: (N,), 0 or 1.
        alpha: The weight is drawn from Beta(alpha, alpha).
        same: Whether partners are of the example's own class.
    """
    lam, weights = beta_rule(alpha, alpha)
    partners = (labels == labels[:, np.newaxis]) if same else np.ones((len(z), len(z)))
    chances = partners / partners.sum(axis=1, keepdims=True) / len(z)  # of the pair (i, j)
    share = lam[:, np.newaxis, np.newaxis]
    score, label = (share * a[:, np.newaxis] + (1 - share) * a for a in (z, labels))
    losses = np.logaddexp(0, score) - label * score
    return float(np.einsum("q,ij,qij->", weights, chances, losses))


def second_order(z: np.ndarray, labels: np.ndarray, alpha: float) -> float:
    """Return the loss at the points drawn to their mean, with its penalty.

    The loss of a mixed pair is linear in the label, so over both orders of the pair it is that of
    one plain label with a weight from Beta(a + 1, a), of mean m and variance v. The mixed score of
    example i is off m z_i + (1 - m) mean(z) by (lam - m) (z_i - mean) + (1 - lam) (z_j - mean),
    whose variance is v (z_i - mean)^2 + (v + (1 - m)^2) var(z).
    """
    lam, weights = beta_rule(alpha + 1, alpha)
    m = float(weights @ lam)
    v = float(weights @ (lam - m) ** 2)
    centre = m * z + (1 - m) * z.mean()
    variance = v * (z - z.mean()) ** 2 + (v + (1 - m) ** 2) * z.var()
    p = expit(centre)
    plain = np.logaddexp(0, centre) - labels * centre
    return float(np.mean(plain + p * (1 - p) * variance / 2))


def remainder_bound(z: np.ndarray, alpha: float) -> float:
    """Return max|l'''| E|off|^3 / 6, off being by how much a mixed score is off its mean."""
    lam, weights = beta_rule(alpha + 1, alpha)
    share = lam[:, np.newaxis, np.newaxis]
    mixed = share * z[:, np.newaxis] + (1 - share) * z  # (Q, N, N), of example i and partner j
    mean = np.einsum("q,qij->i", weights, mixed) / len(z)
    third = np.einsum("q,qij->", weights, np.abs(mixed - mean[:, np.newaxis]) ** 3) / len(z) ** 2
    return float(third) / (36 * sqrt(3))


@experiment(
    title="Mixup is, to second order, a penalty that depends on the data",
    statement=(
        "For logistic regression, Mixup's expected loss, with weights from Beta(a, a), partners "
        "drawn uniformly and labels mixed as well, is the loss of the plain labels at the points "
        "drawn towards their mean by weights from Beta(a + 1, a), plus half the expected w . Cov "
        "w times p (1 - p), up to a third-order remainder of at most max|l'''| E|w . d|^3 / 6 "
        "with max|l'''| = 1/(6 sqrt 3)."
    ),
    sources=(
        Source("tsemo", 536, "a data augmentation technique called Mixup"),
        Source("murari", 343, "augmentation or synthetic data"),
    ),
    about=("beta_rule", "mixup_loss", "second_order"),
    reference="Zhang et al., How does Mixup help, arXiv:2010.04819, lemma 3.1; Carratino et al., "
    "On Mixup regularization, arXiv:2006.06049",
    sabotage=Sabotage("partners are drawn from the example's own class", {"partner": "class"}),
)
def mixup_to_second_order(
    *, partner: str = "any", alpha: float = 0.4, rows: int = 40, seed: int = 0
) -> Outcome:
    """`partner` is any or class; lengths of w run over two decades."""
    same = choose("partner", partner, {"any": False, "class": True})
    rng = seeds.generator("mixup", seed)
    labels = np.repeat([0.0, 1.0], rows // 2)
    x = rng.normal(size=(len(labels), 3)) + 1.5 * labels[:, np.newaxis]
    direction = np.array([1.0, 0.5, -0.3])
    lengths = np.geomspace(0.05, 5, 15)
    exact = np.array([mixup_loss(x @ direction * c, labels, alpha, same) for c in lengths])
    second = np.array([second_order(x @ direction * c, labels, alpha) for c in lengths])
    remainders = np.array([remainder_bound(x @ direction * c, alpha) for c in lengths])
    gap = np.abs(exact - second)
    power = np.polyfit(np.log(lengths[:5]), np.log(gap[:5]), 1)[0]
    return Outcome(
        (
            at_most("largest gap over its third-order bound", (gap / remainders).max(), 1 + 1e-6),
            at_least("power of |w| in the gap, for small w", power, 2.9),
        ),
        curves(
            "Mixup's loss less its second order",
            "log10 of |w|",
            "gap",
            {"gap": (np.log10(lengths), gap), "bound": (np.log10(lengths), remainders)},
            log=True,
        ),
    )
