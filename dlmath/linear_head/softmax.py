r"""The softmax without its superfluous direction.

Logits s and s + t 1 have the same softmax, so K classes have K - 1 degrees of freedom. With an
orthonormal basis U, (K, K - 1), of the vectors that sum to zero, logits are written s = U z: the
norm is kept, |s| = |z|, and the Hessian in z is positive definite where all probabilities are.
"""

import numpy as np


def sum_zero_basis(classes: int) -> np.ndarray:
    """Return U, (K, K - 1), with orthonormal columns that each sum to zero (Helmert's)."""
    columns = []
    for size in range(1, classes):
        column = np.zeros(classes)
        column[:size], column[size] = 1.0, -size
        columns.append(column / np.sqrt(size * (size + 1)))
    return np.stack(columns, axis=1)


def log_sum_exp(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log(sum_k exp(s_k)), (...), and the softmax, (..., K), of logits s (..., K).

    Finite for every finite s: the greatest logit is taken out before the exponential.
    """
    top = logits.max(axis=-1, keepdims=True)
    powers = np.exp(logits - top)
    total = powers.sum(axis=-1, keepdims=True)
    return (top + np.log(total))[..., 0], powers / total


def curvature_times(probabilities: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return (diag(p) - p p^T) d for each row: the second derivative of log_sum_exp."""
    weighted = probabilities * direction
    return weighted - probabilities * weighted.sum(axis=-1, keepdims=True)
