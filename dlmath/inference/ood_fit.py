"""Fit the out-of-distribution score to training images; see `dlmath.inference.ood_score`."""

import numpy as np
from sklearn.covariance import ledoit_wolf

from dlmath.blas_threads import single_threaded
from dlmath.inference.ood_score import OodScore

# Directions with a variance of their own: 0.7 MB for 1,280 features, where all would be 6.6 MB.
DIRECTIONS = 128

_LEAST = 1e-6  # of the largest variance: float32 directions are orthogonal to seven digits


@single_threaded
def fit_ood_score(
    features: np.ndarray, labels: np.ndarray, most: int = DIRECTIONS
) -> OodScore | None:
    """Fit the score to training images; rows that are not numbers are left out.

    The covariance within the classes is shrunk (Ledoit, Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", Journal of Multivariate Analysis 88, 2004) since there
    are about as many features as images.

    Args:
        features: (N, D).
        labels: (N,) class indices.
        most: How many directions get a variance of their own, at least 1.

    Returns:
        None where the features do not vary within the classes.
    """
    numbers = np.isfinite(features).all(axis=1)
    features, labels = features[numbers].astype(np.float64), labels[numbers]
    classes = np.unique(labels)
    if len(features) <= len(classes):
        return None
    means = np.stack([features[labels == k].mean(axis=0) for k in classes])
    residuals = features - means[np.searchsorted(classes, labels)]
    if not residuals.any():
        return None
    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    variances, directions = np.linalg.eigh(covariance)  # ascending
    variances = np.maximum(variances, _LEAST * variances[-1])
    others = variances[:-most]  # none where each direction has its own: any value will do for rest
    rest = others.mean() if len(others) else variances[-1]
    return OodScore(means, directions[:, -most:], variances[-most:], rest).rounded()


def ood_limit(ood_scores: np.ndarray, share: float = 0.95) -> float:
    """Return the score up to which this share of the validation images lies, the next above it."""
    return float(np.quantile(ood_scores, share, method="higher"))
