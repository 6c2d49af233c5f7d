r"""The exact Hessian of a fitted head: leaving out, influence and Laplace all start from it.

With the notation of `objective`, a_i = x_i (x) I stacks the K - 1 logits of row i, z_i = a_i^T t,
and the Hessian of the sum with weights w_i / S is

    H = sum_i a_i C_i a_i^T + l2 diag(1, ..., 1, 0) (x) I.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from dlmath.linear_head.head import HeadFit
from dlmath.linear_head.softmax import log_sum_exp, sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures

# Rows of the Hessian: 8,192 take 0.5 GB.
LARGEST = 8192


@dataclass(frozen=True)
class HeadHessian:
    """A head at its optimum, with its Hessian H.

    Attributes:
        rows: N rows of D standardised features.
        basis: U, (K, K - 1).
        logits: z, (N, K - 1).
        probabilities: (N, K).
        residuals: r_i = (w_i / S) U^T (p_i - y_i), (N, K - 1).
        curvatures: C_i = (w_i / S) U^T (diag p_i - p_i p_i^T) U, (N, K - 1, K - 1).
        shares: w_i / S, (N,).
        total: S.
        l2: The penalty.
        shrinkage: Gradient of the penalty, (D + 1, K - 1).
        factor: Cholesky factor of H, as scipy's `cho_factor` gives it.
    """

    rows: StandardizedFeatures
    basis: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    residuals: np.ndarray
    curvatures: np.ndarray
    shares: np.ndarray
    total: float
    l2: float
    shrinkage: np.ndarray
    factor: tuple[np.ndarray, bool]

    def solve(self, features: np.ndarray) -> np.ndarray:
        """Return H^-1 a, ((D + 1) (K - 1), n (K - 1)), of n rows of raw features (n, D)."""
        stacked = stack(self.rows.augment(features), self.basis.shape[1])
        return cho_solve(self.factor, stacked.T, overwrite_b=True, check_finite=False)


def hessian_at(
    fit: HeadFit, features: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> HeadHessian:
    """Return the Hessian of the head `fit` on the data that it was fitted to.

    Args:
        fit: A head without mixing.
        features: (N, D) as given to `fit_head`.
        targets: (N, K), likewise.
        weights: (N,), likewise.

    Raises:
        ValueError: The head was mixed, the data are of another shape, or the Hessian is too large.
    """
    _check(fit, features, targets)
    rows = StandardizedFeatures(features, np.asarray(weights, np.float64))
    basis = sum_zero_basis(targets.shape[1])
    shares = np.asarray(weights, np.float64) / np.sum(weights, dtype=np.float64)
    raw = np.concatenate([fit.kernel, fit.bias[np.newaxis]])
    parameters = rows.restandardise(raw @ basis)
    logits = rows.times(parameters)
    p = log_sum_exp(logits @ basis.T)[1]
    mean = p @ basis
    curvatures = np.einsum("nk,kr,ks->nrs", p, basis, basis, optimize=True)
    curvatures -= mean[:, :, np.newaxis] * mean[:, np.newaxis, :]
    curvatures *= shares[:, np.newaxis, np.newaxis]
    return HeadHessian(
        rows=rows,
        basis=basis,
        logits=logits,
        probabilities=p,
        residuals=shares[:, np.newaxis] * ((p - targets) @ basis),
        curvatures=curvatures,
        shares=shares,
        l2=fit.l2,
        shrinkage=fit.l2 * np.concatenate([parameters[:-1], np.zeros((1, basis.shape[1]))]),
        total=float(np.sum(weights, dtype=np.float64)),
        factor=factor_hessian(rows, curvatures, fit.l2),
    )


def factor_hessian(
    rows: StandardizedFeatures, curvatures: np.ndarray, l2: float
) -> tuple[np.ndarray, bool]:
    """Return the Cholesky factor of H for curvatures (N, R, R), in float64 throughout."""
    width, places = rows.width + 1, curvatures.shape[1]
    hessian = np.zeros((width, places, width, places))
    for part, block in rows.blocks():
        x = np.column_stack([block, np.ones(len(block))])
        for k in range(places):
            for m in range(k + 1):
                product = x.T @ (curvatures[part][:, k, m, np.newaxis] * x)
                hessian[:, k, :, m] += product
                if m < k:
                    hessian[:, m, :, k] += product
    matrix = hessian.reshape(width * places, width * places)
    penalised = (width - 1) * places
    matrix[range(penalised), range(penalised)] += l2
    return cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)


def stack(augmented: np.ndarray, places: int) -> np.ndarray:
    """Return a^T, (n R, (D + 1) R), of rows (n, D + 1): row (i, r) sees column r of t."""
    if places == 1:
        return augmented
    return np.kron(augmented, np.eye(places))


def _check(fit: HeadFit, features: np.ndarray, targets: np.ndarray) -> None:
    if fit.mixing is not None:
        raise ValueError(
            "This needs a head fitted without mixing, where a row is one term of the objective. "
            f"Received: mixing={fit.mixing}. Fit again with mixing=None and the same l2."
        )
    expected = (np.shape(features)[1], np.shape(targets)[1])
    if fit.kernel.shape != expected:
        raise ValueError(
            "The data must be those that the head was fitted to. Received: a kernel of shape "
            f"{fit.kernel.shape} for features and targets of {expected} columns"
        )
    size = (expected[0] + 1) * (expected[1] - 1)
    if size > LARGEST:
        raise ValueError(
            f"The Hessian of this head has {size} rows, and at most {LARGEST} are factored. "
            "Use real refits instead: leave_patients_out(..., exact=True)."
        )
