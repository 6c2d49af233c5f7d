"""The regularisation path, and the choice of the penalty on it by cross-validation.

The path runs from a strong penalty to a weak one, each solution starting from the one before
(Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via coordinate
descent", 2010, section 2.5). At every penalty the folds start from the solution of all rows, and
differ from it by a fifth of the data.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath.linear_head.newton import Solution, minimise
from dlmath.linear_head.objective import Objective
from dlmath.linear_head.preconditioner import Shared
from dlmath.linear_head.refits import Refits, most_together
from dlmath.linear_head.softmax import log_sum_exp, sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures

# Half decades from 1 to 1e-5, and how far the path may be extended at either end.
STRONGEST, WEAKEST = 1.0, 1e-5
STEP = 10**0.5
# The walk ends after as many penalties in a row that are worse by more than a standard error.
CLEARLY_WORSE = 2
LIMITS = (1e-8, 1e3)

# Leaves errors of a hundredth of the standard error of the cross-validated loss, at the weakest
# penalty; the last fit has its own tolerance.
TOLERANCE = 1e-5
# Numbers in the arrays (pairings, N, B, K) of the folds solved together: 256 MB.
_CHUNK = 2**25


@dataclass(frozen=True)
class PathPoint:
    """One penalty of the path.

    Attributes:
        l2: The penalty.
        loss: Weighted mean cross-entropy of the rows that were fitted.
        cv_loss: The same of each row under the fit without its patient's fold.
        cv_standard_error: Of `cv_loss`, the patients taken as independent.
        iterations: Newton steps, of the fit to all rows and of the folds.
    """

    l2: float
    loss: float
    cv_loss: float
    cv_standard_error: float
    iterations: int


@dataclass(frozen=True)
class Iteration:
    """One step of a solver, for the history of a run.

    Attributes:
        stage: `path` for all rows, `folds` for those of the cross-validation (mean objective,
            greatest gradient), `final` for the last fit.
        l2: The penalty.
        iteration: Newton steps taken so far.
        objective: Cross-entropy and penalty.
        gradient_norm: Greatest absolute entry of its gradient.
    """

    stage: str
    l2: float
    iteration: int
    objective: float
    gradient_norm: float


Record = Callable[[Iteration], None]


class RegularizationPath:
    """Solutions of all rows and of the folds, penalty by penalty.

    Args:
        rows: N rows of D standardised features.
        objective: Of all rows, one weighting, in features or in the space of the rows; its penalty
            is not used.
        groups: (N,) patient of each row.
        folds: (N,) fold of each row, from 0.
        record: Called after every Newton step.
    """

    def __init__(
        self,
        rows: StandardizedFeatures,
        objective: Objective,
        groups: np.ndarray,
        folds: np.ndarray,
        record: Record,
    ):
        self._objective = objective
        self._patient = np.unique(groups, return_inverse=True)[1]
        self._folds = folds
        self._record = record
        kept = np.arange(folds.max() + 1) != folds[:, np.newaxis]  # (N, B)
        self._refits = _refits(rows, objective, objective.weights * kept)
        self._preconditioner = Shared(objective.rows)
        self.points: dict[float, PathPoint] = {}
        self.parameters: dict[float, np.ndarray] = {}

    def choose(self, start: np.ndarray) -> float:
        """Walk the path from `start`, and return the penalty of least cross-validated loss.

        The walk ends early once the loss has clearly left its least value behind. Where the least
        loss lies at an end, the path is extended until it does not.
        """
        steps = round(np.log(STRONGEST / WEAKEST) / np.log(STEP))
        for l2 in STRONGEST * STEP ** -np.arange(steps + 1.0):
            start = self.solve(float(l2), start)
            if self._left_behind():
                break
        while True:
            best = min(self.points.values(), key=lambda point: point.cv_loss).l2
            weakest, strongest = min(self.points), max(self.points)
            if best == weakest and best / STEP > LIMITS[0]:
                self.solve(best / STEP, self.parameters[best])
            elif best == strongest and best * STEP < LIMITS[1]:
                self.solve(best * STEP, self.parameters[best])
            else:
                return best

    def _left_behind(self) -> bool:
        """Return whether the last penalties are all worse than the best by more than its error."""
        best = min(self.points.values(), key=lambda point: point.cv_loss)
        last = list(self.points.values())[-CLEARLY_WORSE:]
        return len(last) == CLEARLY_WORSE and all(
            point.cv_loss > best.cv_loss + best.cv_standard_error for point in last
        )

    def solve(self, l2: float, start: np.ndarray) -> np.ndarray:
        """Add one penalty to the path and return the parameters of all rows."""
        objective = self._objective.with_penalty(np.full((self._objective.rows.width, 1), l2))
        if self._preconditioner.made:
            self._preconditioner.factor(objective.penalty)
        solution = minimise(
            objective,
            start,
            tolerance=TOLERANCE,
            preconditioner=self._preconditioner,
            report=reporter(self._record, "path", l2),
        )
        logits, iterations = self._solve_folds(l2, solution)
        cv_loss, error = self._held_out(logits)
        self.points[l2] = PathPoint(
            l2, float(solution.point.loss[0]), cv_loss, error, solution.iterations + iterations
        )
        self.parameters[l2] = solution.point.parameters
        return solution.point.parameters

    def _solve_folds(self, l2: float, solution: Solution) -> tuple[np.ndarray, int]:
        """Return the logits of each row under the fit without its fold, (N, K - 1), and steps."""
        held_out = np.empty((len(self._folds), solution.point.logits.shape[2]))
        start = self._objective.rows.in_features(solution.point.parameters)
        iterations = first = 0
        for refits in self._refits:
            fitted = refits.solve(
                l2, start, tolerance=TOLERANCE, report=reporter(self._record, "folds", l2)
            )
            count = fitted.point.logits.shape[1]
            rows = np.flatnonzero((self._folds >= first) & (self._folds < first + count))
            held_out[rows] = fitted.point.logits[rows, self._folds[rows] - first]
            iterations, first = iterations + fitted.iterations, first + count
        return held_out, iterations

    def _held_out(self, logits: np.ndarray) -> tuple[float, float]:
        """Return the weighted mean cross-entropy of logits (N, K - 1) and its standard error.

        The error is that of a ratio of sums over patients, to first order: rows of one patient
        are alike, so patients are what varies.
        """
        scores = logits @ self._objective.basis.T
        losses = log_sum_exp(scores)[0] - (self._objective.targets * scores).sum(axis=1)
        weights = self._objective.weights[:, 0]
        mean = float(weights @ losses)
        deviations = np.bincount(self._patient, weights * (losses - mean))
        patients = len(deviations)
        return mean, float(np.sqrt(np.sum(deviations**2) * patients / (patients - 1)))


def _refits(rows: StandardizedFeatures, objective: Objective, weights: np.ndarray) -> list[Refits]:
    """Return the folds in batches that bound the memory; weights are (N, B), 0 where held out."""
    arrays = len(objective.expected_loss.pairings) * objective.targets.size
    size = most_together(rows, _CHUNK // arrays)
    return [
        Refits(rows, objective.targets, weights[:, first : first + size], objective.expected_loss)
        for first in range(0, weights.shape[1], size)
    ]


def reporter(record: Record, stage: str, l2: float) -> Callable[..., None]:
    """Return a `report` for the solver that records its steps."""

    def report(iteration: int, value: np.ndarray, gradient_norm: np.ndarray) -> None:
        record(Iteration(stage, l2, iteration, float(value.mean()), float(gradient_norm.max())))

    return report


def prior_start(targets: np.ndarray, weights: np.ndarray, width: int) -> np.ndarray:
    """Return parameters (D + 1, 1, K - 1) that predict each class's share of the weight."""
    shares = weights @ targets / weights.sum()
    start = np.zeros((width + 1, 1, targets.shape[1] - 1))
    start[-1, 0] = np.log(shares) @ sum_zero_basis(targets.shape[1])
    return start
