"""Similarity of two maps."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

SIGMA, RADIUS = 1.5, 5  # pixels; the window of Wang et al.
C1, C2 = 0.01**2, 0.03**2  # for values between 0 and 1


def structural_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean SSIM of two maps (H, W) in 0..1: 1 where they are equal.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", IEEE TIP 13(4), 2004, eq. 13, with its constants and its window.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    mean_a, mean_b = _blurred(a), _blurred(b)
    variance_a = _blurred(a * a) - mean_a**2
    variance_b = _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    alike = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return float(np.mean(alike / ((mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2))))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps, ties at their mean rank.

    0 where one of them is constant: it says nothing of the other.
    """
    a, b = (rankdata(one).astype(np.float64) for one in (first, second))
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def _blurred(values: np.ndarray) -> np.ndarray:
    return gaussian_filter(values, SIGMA, radius=RADIUS)
