r"""Leave-one-patient-out predictions of a head, by one Newton step or by real refits.

Leaving out patient g takes the terms of its n rows from the objective, and the rest are
standardised again: in the coordinates of all rows, the penalty of feature j is scaled by q_j^2, the
variance that column j keeps. With A = [a_i], i in g, stacked, W the block diagonal of C_i,
G = A^T H^-1 A, r the residuals and v = -l2 (q^2 - 1) V, the gradient at the full solution is
-(A r + v), and one Newton step with the Hessian H - A W A^T moves the parameters by

    d_g = H^-1 v + H^-1 A (I - W G)^-1 (r + W A^T H^-1 v),

by the push-through identity (H - A W A^T)^-1 A = H^-1 A (I - W G)^-1. No matrix much larger than
the patient is inverted. For the squared loss, as standardised before, one Newton step is the refit.
Sources: Cook, Weisberg, "Residuals and Influence in Regression", 1982, section 5.4 (one-step
logistic deletion); Rad, Maleki, "A scalable estimate of the out-of-sample prediction error via
approximate leave-one-out", 2020, arXiv:1801.10243.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag, cho_solve

from dlmath.blas_threads import single_threaded
from dlmath.linear_head.head import HeadFit, checked
from dlmath.linear_head.head_hessian import LARGEST, HeadHessian, factor_hessian, hessian_at, stack
from dlmath.linear_head.preconditioner import Shared
from dlmath.linear_head.refits import Refits, most_together
from dlmath.linear_head.scores import auc, log_loss
from dlmath.linear_head.softmax import log_sum_exp, sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures

# Patients left out side by side in real refits, and the optimality of those.
BATCH = 32
TOLERANCE = 1e-8
CHUNK = 256
# Relative change of a feature's penalty that is taken into the Hessian.
MUCH = 0.05


@dataclass(frozen=True)
class LeftOut:
    """Predictions for each row from a model without the row's patient.

    Attributes:
        probabilities: (N, K).
        log_loss: Their weighted mean cross-entropy.
        auc: Of class 1 for two classes, else the mean over classes, each against the rest; the
            truth is the class with most of the label.
        exact: Whether they are of real refits.
    """

    probabilities: np.ndarray
    log_loss: float
    auc: float
    exact: bool


@single_threaded
def leave_patients_out(
    fit: HeadFit,
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
    *,
    exact: bool = False,
) -> LeftOut:
    """Leave out every patient in turn and predict its rows.

    Args:
        fit: A head without mixing.
        features: (N, D) as given to `fit_head`.
        targets: (N, K), likewise.
        weights: (N,), likewise.
        groups: (N,), likewise.
        exact: Solve each of the problems rather than take one Newton step: what `fit_head` finds
            without the patient at the penalty l2 S / S', S' being the weight that remains.

    Raises:
        ValueError: The head was mixed, or the data do not fit it.
    """
    targets, weights, groups = checked(features, targets, weights, groups)
    if exact:
        logits = _refit(fit, features, targets, weights, groups)
    else:
        hessian = hessian_at(fit, features, targets, weights)
        steps = np.empty_like(hessian.logits)
        for rows, step, _ in newton_steps(hessian, features, groups):
            steps[rows] = step
        logits = (hessian.logits + steps) @ hessian.basis.T
    probabilities = log_sum_exp(logits)[1]
    truth = targets.argmax(axis=1)
    scores = probabilities[:, 1] if targets.shape[1] == 2 else probabilities
    return LeftOut(
        probabilities, log_loss(targets, probabilities, weights), auc(truth, scores), exact
    )


def newton_steps(
    hessian: HeadHessian, features: np.ndarray, groups: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield for each patient, in the order of `np.unique`, what leaving it out does.

    Yields:
        Its rows, (n,); the step of their logits, (n, K - 1); and the step of the parameters,
        ((D + 1) (K - 1),).
    """
    places = hessian.basis.shape[1]
    for patients in _chunks(rows_of_patients(groups)):
        directions = hessian.solve(features[np.concatenate(patients)])  # H^-1 A, side by side
        ends = places * np.cumsum([len(rows) for rows in patients])
        split = np.split(directions, ends[:-1], axis=1)
        for rows, direction in zip(patients, split, strict=True):
            step = _newton_step(hessian, features[rows], rows, direction)
            moved = hessian.rows.augment(features[rows]) @ step.reshape(-1, places)
            yield rows, moved, step


def _newton_step(
    hessian: HeadHessian, features: np.ndarray, rows: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Return d_g of the patient with the given rows, ((D + 1) (K - 1),).

    Where a feature's penalty changes much, its unit vector joins A and the change joins W: rare
    features can owe most of their variance to one patient.

    Args:
        hessian: The full solution.
        features: Raw features (n, D) of the rows.
        rows: Their numbers, (n,).
        direction: H^-1 A, ((D + 1) (K - 1), n (K - 1)).
    """
    places = hessian.basis.shape[1]
    change = hessian.rows.spread_without(features, hessian.shares[rows]) - 1  # q^2 - 1, (D,)
    drift = -(np.append(change, 0.0)[:, np.newaxis] * hessian.shrinkage).ravel()  # v
    changed = np.flatnonzero(np.abs(change) > MUCH)
    entries = (places * changed[:, np.newaxis] + range(places)).ravel()
    units = np.zeros((len(drift), len(entries)))
    units[entries, range(len(entries))] = 1.0
    solutions = cho_solve(hessian.factor, np.column_stack([drift, units]), check_finite=False)

    seen = np.vstack([stack(hessian.rows.augment(features), places), units.T])  # A^T
    direction = np.hstack([direction, solutions[:, 1:]])
    weight = block_diag(
        *hessian.curvatures[rows], -hessian.l2 * np.diag(np.repeat(change[changed], places))
    )
    pull = np.zeros(len(seen))
    pull[: len(rows) * places] = hessian.residuals[rows].ravel()
    pull += weight @ (seen @ solutions[:, 0])
    pull = np.linalg.solve(np.eye(len(seen)) - weight @ (seen @ direction), pull)
    return solutions[:, 0] + direction @ pull


@single_threaded
def ridge_without_patients(
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
    *,
    l2: float,
) -> np.ndarray:
    """Return what ridge regression predicts for each row without its patient, (N, K): exactly.

    The squared loss (1 / S) sum_i w_i |y_i - W^T x_i - b|^2 / 2 + l2 / 2 |W|^2 in place of the
    cross-entropy, on features standardised by all rows. The residuals e of a patient become
    (I - G W)^-1 e: for one row and unit weights, the e / (1 - h) of PRESS (Allen 1974).

    Args:
        features: (N, D).
        targets: (N, K), any numbers.
        weights: (N,), at least 0.
        groups: (N,) patient of each row.
        l2: The penalty, above 0.
    """
    weights = np.asarray(weights, np.float64)
    rows, shares = StandardizedFeatures(features, weights), weights / weights.sum()
    factor = factor_hessian(rows, shares[:, np.newaxis, np.newaxis], l2)
    parameters = cho_solve(factor, rows.adjoint(shares[:, np.newaxis] * targets))
    predictions = rows.times(parameters)
    for own in rows_of_patients(groups):
        x = rows.augment(features[own])
        leverage = x @ cho_solve(factor, x.T) * shares[own]  # G W
        residuals = targets[own] - predictions[own]
        predictions[own] = targets[own] - np.linalg.solve(np.eye(len(own)) - leverage, residuals)
    return predictions


def rows_of_patients(groups: np.ndarray) -> list[np.ndarray]:
    """Return the row numbers of each patient, in the order of `np.unique`."""
    _, patient, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.split(np.argsort(patient, kind="stable"), np.cumsum(counts)[:-1])


def _chunks(patients: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Yield patients in runs of about CHUNK rows: a solve for many is quicker than many solves."""
    chunk: list[np.ndarray] = []
    for rows in patients:
        chunk.append(rows)
        if sum(map(len, chunk)) >= CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _refit(
    fit: HeadFit,
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
) -> np.ndarray:
    """Return the logits (N, K) of real refits, BATCH patients at a time."""
    rows, expected_loss = StandardizedFeatures(features, weights), fit.expected_loss(targets)
    patients, starts = rows_of_patients(groups), _starts(fit, features, targets, weights, groups)
    preconditioner, size = Shared(rows), most_together(rows, BATCH)
    logits = np.empty(targets.shape)
    for first in range(0, len(patients), size):
        batch = patients[first : first + size]
        kept = np.repeat(weights[:, np.newaxis], len(batch), axis=1)
        for column, own in enumerate(batch):
            kept[own, column] = 0.0
        refits = Refits(rows, targets, kept, expected_loss, preconditioner)
        solution = refits.solve(
            fit.l2 * weights.sum() / kept.sum(axis=0),  # the prior weighs as much as before
            np.stack(list(itertools.islice(starts, len(batch))), axis=1),
            tolerance=TOLERANCE,
        )
        for column, own in enumerate(batch):
            logits[own] = solution.point.logits[own, column] @ refits.basis.T
    return logits


def _starts(
    fit: HeadFit,
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
) -> Iterator[np.ndarray]:
    """Yield where the refit of each patient starts, (D + 1, K - 1): a step ahead, if it can."""
    basis = sum_zero_basis(targets.shape[1])
    raw = np.concatenate([fit.kernel, fit.bias[np.newaxis]])
    whole = StandardizedFeatures(features, weights).restandardise(raw @ basis)
    if fit.mixing is not None or whole.size > LARGEST:
        yield from itertools.repeat(whole)
    hessian = hessian_at(fit, features, targets, weights)
    for _, _, step in newton_steps(hessian, features, groups):
        yield whole + step.reshape(whole.shape)
