r"""Mixup of features, as the expected loss that the convex head minimises.

    x = lam x_i + (1 - lam) x_j,  y likewise,     lam ~ Beta(alpha, alpha),  j uniform over the rows

Sources: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018, arXiv:1710.09412; on
features: Verma et al., "Manifold Mixup", 2019, arXiv:1806.05236. Nothing is drawn at random while
fitting: the part of the loss that is bilinear in label and logit has its expectation in closed
form, the rest is a quadrature in lam over pairs that are spread evenly.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import roots_jacobi

from dlmath import seeds
from dlmath.linear_head.expected_loss import ExpectedLoss, MixupPairing


@dataclass(frozen=True)
class Mixing:
    """Mixup settings of the head.

    Attributes:
        alpha: Strength, above 0 and finite.
        partners: How many others each row is mixed with, an even number; all when there are no
            more.
        nodes: Nodes of the quadrature in lam, at least 1: exact for polynomials up to 2 nodes - 1.
        seed: Seed of the pairs.
    """

    alpha: float
    partners: int = 8
    nodes: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise ValueError(
                f"`alpha` must be above 0; without mixing pass None. Received: alpha={self.alpha}"
            )
        if self.partners < 2 or self.partners % 2:
            raise ValueError(
                "`partners` must be an even number, at least 2, since pairs are taken both ways. "
                f"Received: partners={self.partners}"
            )
        if self.nodes < 1:
            raise ValueError(f"`nodes` must be at least 1. Received: nodes={self.nodes}")

    def expected_loss(self, targets: np.ndarray) -> ExpectedLoss:
        """Return the expected loss over pairings of rows with targets (N, K).

        E[lam^2] = E[(1 - lam)^2] = (alpha + 1) / (2 (2 alpha + 1)) gives the closed form

            E <y, z> = own mean <y_i, z_i> + other <mean y, mean z>,
            own = (alpha + 1) / (2 alpha + 1),  other = alpha / (2 alpha + 1).
        """
        lams, shares = beta_nodes(self.alpha, self.nodes)
        pairings = []
        for partner, inverse, mass in _pairings(targets, self.partners, self.seed):
            pairings += [
                MixupPairing(mass * share, lam, partner, inverse)
                for lam, share in zip(lams, shares, strict=True)
            ]
        count = len(targets)
        unmixed = MixupPairing(mass=1 / count)  # a row may be its own partner
        whole = 2 * self.alpha + 1
        return ExpectedLoss((unmixed, *pairings), (self.alpha + 1) / whole, self.alpha / whole)


def beta_nodes(alpha: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes in (0, 1) and weights summing to 1: Gauss quadrature for Beta(alpha, alpha)."""
    places, weights = roots_jacobi(nodes, alpha - 1, alpha - 1)
    return (places + 1) / 2, weights / weights.sum()


def _pairings(
    targets: np.ndarray, partners: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Return permutations of the rows, their inverses and their masses.

    The rows are put in an order that is sorted by class and random within, and shifted in a
    circle. Shifts spread evenly over half the circle give every row partners of each class in
    proportion, on both sides: as lam and 1 - lam are alike, the pair (i, j) stands for (j, i) too.
    """
    count = len(targets)
    shuffled = seeds.generator(seed, "mixing").permutation(count)
    order = shuffled[np.argsort(targets[shuffled].argmax(axis=1), kind="stable")]
    if partners >= count - 1:
        shifts = np.arange(1, count // 2 + 1)
    else:
        shifts = np.round((np.arange(partners // 2) + 0.5) * count / partners).astype(int)
    # Half way round, a shift meets each pair twice.
    masses = np.where(2 * shifts == count, 1.0, 2.0)
    masses *= (1 - 1 / count) / masses.sum()
    pairings = []
    for shift, mass in zip(shifts, masses, strict=True):
        partner, inverse = np.empty(count, int), np.empty(count, int)
        partner[order], inverse[order] = np.roll(order, -shift), np.roll(order, shift)
        pairings.append((partner, inverse, float(mass)))
    return pairings
