"""Metrics of probabilities as such: are they near the truth, and do they mean what they say?"""

import numpy as np

from dlmath.evaluation.decisions import ratio

ECE_BINS = 15


def probability_metrics(
    truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return Brier score, log loss and expected calibration error, (R,) each.

    With y the one-hot truth, for one image:

        brier = sum over classes of (p - y)^2, halved for two classes: (p_1 - y_1)^2
        log_loss = -log p_truth, p clipped to [eps, 1 - eps] with eps of float64

    The halving is the custom for binary outcomes, and scikit-learn's. Sources: Brier,
    "Verification of forecasts expressed in terms of probability", Monthly Weather Review
    78(1), 1950; Good, "Rational decisions", JRSS B 14(1), 1952. For `ece` see `binned_gaps`.

    Args:
        truth: (N,) class indices.
        probabilities: (N, K), rows that sum to 1.
        weights: (R, N), how often each image counts in each replicate.
    """
    n, classes = probabilities.shape
    squared = (probabilities - np.eye(classes)[truth]) ** 2
    brier = squared.sum(axis=1) / (2 if classes == 2 else 1)
    epsilon = np.finfo(np.float64).eps
    surprise = -np.log(np.clip(probabilities[np.arange(n), truth], epsilon, 1 - epsilon))
    gaps = binned_gaps(*_claims(truth, probabilities))
    sums = weights @ np.column_stack([brier, surprise, gaps])  # (R, 2 + bins)
    total = weights.sum(axis=1)
    return {
        "brier": ratio(sums[:, 0], total),
        "log_loss": ratio(sums[:, 1], total),
        "ece": ratio(np.abs(sums[:, 2:]).sum(axis=1), total),
    }


def binned_gaps(probability: np.ndarray, outcome: np.ndarray, bins: int = ECE_BINS) -> np.ndarray:
    """Return (N, bins): what the outcome has over the probability, in the image's own bin.

    The expected calibration error is the sum over bins of |sum of gaps|, divided by N: the
    mean distance between what is predicted and what happens, over groups of like predictions
    (Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015; Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 3).

    Bins hold equal numbers of images, not equal widths of probability: fewer bins are nearly
    empty, and the estimate is less biased (Roelofs et al., "Mitigating bias in calibration
    error estimation", AISTATS 2022). Equal probabilities share a bin. The edges stay those of
    the whole sample in every bootstrap replicate, which keeps the sums additive.
    """
    edges = np.quantile(probability, np.arange(1, bins) / bins)
    gaps = np.zeros((len(probability), bins))
    bin_of = np.searchsorted(edges, probability, side="right")
    gaps[np.arange(len(probability)), bin_of] = outcome - probability
    return gaps


def _claims(truth: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the model claims, and whether it came true: class 1 of two, or the top class."""
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], truth == 1
    top = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), truth == top
