"""The head of a frozen backbone, solved: multinomial logistic regression with an L2 penalty."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlmath.blas_threads import single_threaded
from dlmath.errors import DataError
from dlmath.linear_head.expected_loss import ExpectedLoss
from dlmath.linear_head.folds import patient_folds
from dlmath.linear_head.mixing import Mixing
from dlmath.linear_head.newton import minimise
from dlmath.linear_head.objective import Objective
from dlmath.linear_head.regularization_path import (
    Iteration,
    PathPoint,
    RegularizationPath,
    prior_start,
    reporter,
)
from dlmath.linear_head.row_space import all_rows
from dlmath.linear_head.standardized_features import StandardizedFeatures

# Greatest absolute entry of the gradient at the end, in units of the loss per standardised feature.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class HeadFit:
    """A fitted head: softmax(x @ kernel + bias) for raw features x.

    Attributes:
        kernel: (D, K) float64; its rows sum to zero.
        bias: (K,) float64, summing to zero.
        l2: The penalty, chosen or given.
        path: The penalties that were tried, from strong to weak; empty if one was given.
        iterations: Every Newton step.
        optimality: Greatest absolute entry of the objective's gradient with respect to the
            parameters of standardised features, evaluated at the result.
        converged: Whether `optimality` is within the tolerance.
        mixing: As given to `fit_head`.
    """

    kernel: np.ndarray
    bias: np.ndarray
    l2: float
    path: tuple[PathPoint, ...]
    iterations: tuple[Iteration, ...]
    optimality: float
    converged: bool
    mixing: Mixing | None = None

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return (N, K) logits of raw features (N, D)."""
        return features @ self.kernel + self.bias

    def expected_loss(self, targets: np.ndarray) -> ExpectedLoss:
        """Return the expected loss that was minimised, for rows with targets (N, K)."""
        return expected_loss(self.mixing, targets)


@single_threaded
def fit_head(
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
    *,
    l2: float | None = None,
    mixing: Mixing | None = None,
    folds: int = 5,
    seed: int = 0,
    progress: Callable[[Iteration], None] | None = None,
) -> HeadFit:
    r"""Minimise the weighted cross-entropy with an L2 penalty, to a stated optimality.

        (1 / S) sum_i w_i CE(y_i, softmax(W^T x_i + b)) + l2 / 2 |W|^2,      S = sum_i w_i,

    where x is standardised (weighted mean 0, variance 1; a constant feature gets no weight) and
    the bias is not penalised. The result is for raw features.

    scikit-learn's `LogisticRegression(C)` on the same standardised features has the same optimum
    for C = 1 / (l2 S) with three classes or more, and for C = 2 / (l2 S) with two: it then
    penalises one vector beta = W_1 - W_0, whose |beta|^2 is 2 |W|^2.

    Args:
        features: (N, D), float32 or float64, in memory or mapped from a file.
        targets: (N, K) soft labels, rows summing to one.
        weights: (N,), at least 0. A row of weight 0 might as well not be there.
        groups: (N,) patient of each row, integers or strings; cross-validation keeps the rows of
            one together.
        l2: The penalty, above 0. None: the one with the least cross-validated loss on a path.
        mixing: Mixup of the features; the cross-validated loss is of features as they are.
        folds: Of the cross-validation, at least 2.
        seed: Of the folds.
        progress: Called after every Newton step.

    Raises:
        ValueError: An argument has a wrong shape or is out of its range.
        DataError: A class is missing, or has too few patients to choose `l2`.
    """
    targets, weights, groups = checked(features, targets, weights, groups)
    _check_choice(l2, folds)
    present = weights > 0
    if not present.all():
        features, targets, weights = features[present], targets[present], weights[present]
        groups = groups[present]
    iterations: list[Iteration] = []

    def record(iteration: Iteration) -> None:
        iterations.append(iteration)
        if progress is not None:
            progress(iteration)

    rows = StandardizedFeatures(features, weights)
    space = all_rows(rows)
    objective = Objective(
        space,
        targets,
        weights[:, np.newaxis],
        np.ones((space.width, 1)),
        expected_loss(mixing, targets),
    )
    start = prior_start(targets, weights, space.width)
    path: tuple[PathPoint, ...] = ()
    if l2 is None:
        walk = RegularizationPath(
            rows, objective, groups, patient_folds(groups, targets, folds, seed), record
        )
        l2 = walk.choose(start)
        start = walk.parameters[l2]
        path = tuple(walk.points[strength] for strength in sorted(walk.points, reverse=True))
    objective = objective.with_penalty(np.full((space.width, 1), float(l2)))
    solution = minimise(objective, start, tolerance=TOLERANCE, report=reporter(record, "final", l2))
    parameters = space.in_features(solution.point.parameters)
    raw = rows.unstandardise(parameters)[:, 0] @ objective.basis.T  # (D + 1, K)
    return HeadFit(
        kernel=raw[:-1],
        bias=raw[-1],
        l2=l2,
        path=path,
        iterations=tuple(iterations),
        optimality=float(solution.gradient_norm[0]),
        converged=solution.converged,
        mixing=mixing,
    )


def expected_loss(mixing: Mixing | None, targets: np.ndarray) -> ExpectedLoss:
    """Return the expected loss that a fit with `mixing` minimises."""
    return ExpectedLoss() if mixing is None else mixing.expected_loss(targets)


def checked(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets and weights in float64, and groups, of data that a head can be fitted to.

    Raises:
        ValueError: A shape is wrong, or a value is out of its range.
        DataError: A class is missing.
    """
    shapes = tuple(np.shape(array) for array in (features, targets, weights, groups))
    count = shapes[0][0] if shapes[0] else 0
    fit = [len(shape) for shape in shapes] == [2, 2, 1, 1] and {s[0] for s in shapes} == {count}
    if not fit or not count:
        raise ValueError(
            "The head takes features (N, D), targets (N, K), weights (N,) and groups (N,), N > 0. "
            f"Received: shapes {', '.join(map(str, shapes))}"
        )
    if shapes[1][1] < 2 or not np.allclose(np.sum(targets, axis=1), 1.0, atol=1e-4):
        raise ValueError(
            "`targets` must have at least two columns, and rows that sum to 1. "
            f"Received: {shapes[1][1]} columns with sums from "
            f"{np.sum(targets, axis=1).min():g} to {np.sum(targets, axis=1).max():g}"
        )
    if not (np.isfinite(weights).all() and np.min(weights) >= 0 and np.max(weights) > 0):
        raise ValueError(
            "`weights` must be finite, at least 0, and not all 0. "
            f"Received: from {np.min(weights)} to {np.max(weights)}"
        )
    missing = np.flatnonzero(np.asarray(weights) @ np.asarray(targets) == 0)
    if len(missing):
        raise DataError(
            "The head needs examples of every class. Received: none of class number "
            f"{', '.join(map(str, missing))} (from 0). Add some, or leave the class out."
        )
    return np.asarray(targets, np.float64), np.asarray(weights, np.float64), np.asarray(groups)


def _check_choice(l2: float | None, folds: int) -> None:
    if l2 is not None and not (math.isfinite(l2) and l2 > 0):
        raise ValueError(
            f"`l2` must be above 0: without a penalty separable classes have no optimum. "
            f"Received: l2={l2}"
        )
    if folds < 2:
        raise ValueError(f"`folds` must be at least 2. Received: folds={folds}")
