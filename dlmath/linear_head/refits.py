"""Fits to some of the rows, solved together: the folds of a cross-validation, patients left out.

A fit is penalised as if standardised by its own rows: in the coordinates of all rows, that only
scales the penalty of feature j by the variance that the feature has in those rows. With fewer rows
than features each fit is solved in the space of its own rows instead.
"""

import numpy as np

from dlmath.linear_head.expected_loss import ExpectedLoss
from dlmath.linear_head.newton import Report, Solution, minimise
from dlmath.linear_head.objective import Objective
from dlmath.linear_head.preconditioner import PerFold, Shared
from dlmath.linear_head.row_space import RowSpace, is_smaller
from dlmath.linear_head.softmax import sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures


def most_together(rows: StandardizedFeatures, most: int) -> int:
    """Return how many fits are solved side by side, of the `most` for which there is memory."""
    return 1 if is_smaller(rows) else max(1, most)


class Refits:
    """Fits to some of the rows, side by side.

    Args:
        rows: N rows of D standardised features.
        targets: (N, K), rows summing to one.
        weights: (N, B), 0 where a row is left out; B is at most `most_together(...)`.
        expected_loss: Mixup pairings of the rows.
        preconditioner: Of a nearby problem with all rows; None for one that serves these fits.
            Not used in the space of the rows, which differs from fit to fit.

    Attributes:
        basis: U, (K, K - 1).
    """

    def __init__(
        self,
        rows: StandardizedFeatures,
        targets: np.ndarray,
        weights: np.ndarray,
        expected_loss: ExpectedLoss,
        preconditioner: Shared | None = None,
    ):
        self._spread = rows.spread(weights)
        self._space: RowSpace | None = None
        self._preconditioner: Shared | PerFold
        if is_smaller(rows):
            self._space = RowSpace(rows, weights[:, 0] > 0, self._spread[:, 0])
            self._spread = np.ones((self._space.width, 1))
            self._preconditioner = Shared(self._space)
        else:
            self._preconditioner = preconditioner or PerFold(rows, weights == 0)
        self.basis = sum_zero_basis(targets.shape[1])
        self._objective = Objective(
            self._space or rows, targets, weights, self._spread, expected_loss
        )

    def solve(
        self,
        l2: float | np.ndarray,
        start: np.ndarray,
        *,
        tolerance: float,
        report: Report = lambda iteration, value, gradient_norm: None,
    ) -> Solution:
        """Minimise from `start`, (D + 1, 1 or B, K - 1) of standardised features.

        Args:
            l2: The penalty, one for all fits or (B,).
            start: Parameters to begin with.
            tolerance: Greatest absolute entry of a gradient at the end.
            report: As for `minimise`.

        Returns:
            The solution, whose logits (N, B, K - 1) are of all rows.
        """
        objective = self._objective.with_penalty(l2 * self._spread)
        if self._preconditioner.made:
            self._preconditioner.factor(objective.penalty)
        return minimise(
            objective,
            self._begin(start),
            tolerance=tolerance,
            preconditioner=self._preconditioner,
            report=report,
        )

    def _begin(self, start: np.ndarray) -> np.ndarray:
        if self._space is not None:
            return self._space.project(start)
        shape = (len(start), self._spread.shape[1], start.shape[2])
        return np.array(np.broadcast_to(start, shape))
