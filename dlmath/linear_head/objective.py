r"""The objective of the convex head, for several weightings of the rows at once.

With standardised rows x_i and their ones, weights w_i that sum to 1 and logits s_i = U z_i,
z = X t, the parameters t = [V; c] of the D kernel rows V and the bias c minimise

    f(t) = sum_i w_i (log_sum_exp(s_i) - <y_i, s_i>) + 1/2 sum_j penalty_j |V_j|^2,

    gradient  X^T r + penalty * t,      r_i = w_i U^T (p_i - y_i),
    Hessian   X^T C X + diag(penalty),  C_i = w_i U^T (diag p_i - p_i p_i^T) U.

B weightings (the folds of a cross-validation, patients left out one by one) are solved side by
side, as the columns of one matrix: a pass over X then costs little more than for one.
"""

import copy
from dataclasses import dataclass, field

import numpy as np

from dlmath.linear_head.design_matrix import DesignMatrix
from dlmath.linear_head.expected_loss import ExpectedLoss
from dlmath.linear_head.softmax import curvature_times, log_sum_exp, sum_zero_basis


@dataclass(frozen=True)
class Point:
    """The objective and its parts at some parameters (D + 1, B, K - 1).

    Attributes:
        logits: z = X t, (N, B, K - 1).
        value: f, (B,).
        loss: f without the penalty, (B,).
        residual: df/dz, (N, B, K - 1).
        probabilities: Class probabilities of the mixed rows of each pairing, (N, B, K).
    """

    parameters: np.ndarray
    logits: np.ndarray
    value: np.ndarray
    loss: np.ndarray
    residual: np.ndarray
    probabilities: tuple[np.ndarray, ...]


@dataclass
class Objective:
    """Penalised multinomial logistic regression under B weightings.

    Args:
        rows: N rows of D columns: standardised features, or their coordinates in a smaller space.
        targets: (N, K), rows summing to one.
        weights: (N, B), at least 0; each column is scaled to sum to one.
        penalty: (D, B), above 0; the bias has none.
        expected_loss: Mixup pairings of the rows; by default the rows as they are.
    """

    rows: DesignMatrix
    targets: np.ndarray
    weights: np.ndarray
    penalty: np.ndarray
    expected_loss: ExpectedLoss = field(default_factory=ExpectedLoss)

    def __post_init__(self) -> None:
        self.basis = sum_zero_basis(self.targets.shape[1])
        self.weights = self.weights / self.weights.sum(axis=0)
        self._linear = self.expected_loss.linear_part(self.targets, self.weights) @ self.basis
        mixed = [pairing.weights(self.weights) for pairing in self.expected_loss.pairings]
        # Pairs with an absent row are missing: the rest is scaled to weigh 1 again.
        total = sum(weights.sum(axis=0) for weights in mixed)
        self._pairing_weights = [weights / total for weights in mixed]
        self._set_penalty(self.penalty)

    def _set_penalty(self, penalty: np.ndarray) -> None:
        self.penalty = penalty
        self._ridge = np.concatenate([penalty, np.zeros((1, penalty.shape[1]))])[:, :, np.newaxis]

    def with_penalty(self, penalty: np.ndarray) -> "Objective":
        """Return this objective under another penalty (D, B), sharing all arrays of N rows."""
        other = copy.copy(self)
        other._set_penalty(penalty)
        return other

    def at(self, parameters: np.ndarray) -> Point:
        """Evaluate at parameters (D + 1, B, K - 1), in one pass over the rows."""
        z = self.rows.times(parameters)
        loss = -np.einsum("nbr,nbr->b", self._linear, z)
        residual = -self._linear
        probabilities = []
        for pairing, weights in zip(
            self.expected_loss.pairings, self._pairing_weights, strict=True
        ):
            log_sum, p = log_sum_exp(pairing.forward(z) @ self.basis.T)
            loss += np.einsum("nb,nb->b", weights, log_sum)
            residual = residual + pairing.adjoint(weights[:, :, np.newaxis] * (p @ self.basis))
            probabilities.append(p)
        value = loss + np.einsum("dbr,dbr->b", self._ridge * parameters, parameters) / 2
        return Point(parameters, z, value, loss, residual, tuple(probabilities))

    def gradient(self, point: Point) -> np.ndarray:
        """Return df/dt, (D + 1, B, K - 1)."""
        return self.rows.adjoint(point.residual) + self._ridge * point.parameters

    def hessian_times(self, point: Point, direction: np.ndarray) -> np.ndarray:
        """Return the Hessian's product with a direction, (D + 1, B, K - 1).

        It is coarse: it decides which step is taken, not where the steps end.
        """
        along = self.rows.times(direction, coarse=True)
        bent = np.zeros_like(along)
        for pairing, weights, p in self._curved(point):
            logits = pairing.forward(along) @ self.basis.T
            bent += pairing.adjoint(
                weights[:, :, np.newaxis] * (curvature_times(p, logits) @ self.basis)
            )
        return self.rows.adjoint(bent, coarse=True) + self._ridge * direction

    def row_curvature(self, point: Point) -> np.ndarray:
        """Return (N, B): trace(C_i) / (K - 1), the mean curvature of each row.

        Pairings are lumped: B^T W B is at most diag(B^T w), since (lam a + (1 - lam) b)^2 is at
        most lam a^2 + (1 - lam) b^2 by Jensen's inequality. As trace(U^T A U) = trace(A) for the
        A here, whose rows sum to zero, the trace is 1 - |p|^2.
        """
        total = np.zeros(self.weights.shape)
        for pairing, weights, p in self._curved(point):
            total += pairing.adjoint(weights * (1 - (p**2).sum(axis=-1)))
        return total / self.basis.shape[1]

    def _curved(self, point: Point) -> zip:
        return zip(
            self.expected_loss.pairings, self._pairing_weights, point.probabilities, strict=True
        )
