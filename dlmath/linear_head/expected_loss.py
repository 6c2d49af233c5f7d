r"""Expected loss under mixup: each row is paired with a partner, and their logits are mixed.

A mixup pairing takes row i to lam z_i + (1 - lam) z_j(i). It is linear and acts on rows only, so
it commutes with a linear head, B (X t) = (B X) t: the head is applied once, to N rows, and no
mixed feature vector is ever stored.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MixupPairing:
    """The map B: row i becomes `lam` of itself and `1 - lam` of row `partner[i]`.

    Attributes:
        mass: Probability of this pairing; the masses of all pairings of a loss sum to 1.
        lam: In [0, 1].
        partner: A permutation of the N rows; None where every row stays itself.
        inverse: The inverse permutation.
    """

    mass: float = 1.0
    lam: float = 1.0
    partner: np.ndarray | None = None
    inverse: np.ndarray | None = None

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Return B v, (N, ...)."""
        if self.partner is None:
            return values
        return self.lam * values + (1 - self.lam) * values[self.partner]

    def adjoint(self, values: np.ndarray) -> np.ndarray:
        """Return B^T v, (N, ...)."""
        if self.inverse is None:
            return values
        return self.lam * values + ((1 - self.lam) * values)[self.inverse]

    def weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the weights of the mixed rows, (N, B), for weights (N, B) of the rows.

        A mixed row weighs lam w_i + (1 - lam) w_j, and nothing where either weighs nothing:
        a row that is left out must not come in as a partner.
        """
        if self.partner is None:
            return self.mass * weights
        both = (weights > 0) & (weights[self.partner] > 0)
        return self.mass * self.forward(weights) * both


@dataclass(frozen=True)
class ExpectedLoss:
    """The expected loss over mixup pairings, with the closed form of its bilinear part.

    E <y, z> over mixed labels and logits is `own` * mean <y_i, z_i> + `other` * <mean y, mean z>.
    """

    pairings: tuple[MixupPairing, ...] = (MixupPairing(),)
    own: float = 1.0
    other: float = 0.0

    def linear_part(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return T, (N, B, K), with E <y, z> = sum_i <T_i, z_i>.

        Args:
            targets: (N, K), rows summing to one.
            weights: (N, B), columns summing to one.
        """
        part = self.own * weights[:, :, np.newaxis] * targets[:, np.newaxis, :]
        if self.other:
            present = (weights > 0) / np.count_nonzero(weights, axis=0)
            mean_label = weights.T @ targets  # (B, K)
            part += self.other * present[:, :, np.newaxis] * mean_label
        return part
