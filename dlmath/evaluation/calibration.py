"""Metrics of probabilities as such: are they near the truth, and do they mean what they say?"""

import numpy as np

from dlmath.evaluation.decisions import ratio

ECE_BINS = 15
LEAST_IN_BIN = 10  # images; a gap of fewer is noise


def probability_metrics(
    truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return Brier score, log loss, expected and maximum calibration error, (R,) each.

    With y the one-hot truth, for one image:

        brier = sum over classes of (p - y)^2, halved for two classes: (p_1 - y_1)^2
        log_loss = -log p_truth, p clipped to [eps, 1 - eps] with eps of float64

    The halving is the custom for binary outcomes, and scikit-learn's. Sources: Brier,
    "Verification of forecasts expressed in terms of probability", Monthly Weather Review
    78(1), 1950; Good, "Rational decisions", JRSS B 14(1), 1952. For `ece` see `binned_gaps`;
    `mce` is the greatest distance of any bin (Naeini et al. 2015) and, as the maximum of noisy
    numbers, above 0 for a calibrated model too.

    Args:
        truth: (N,) class indices.
        probabilities: (N, K), rows that sum to 1.
        weights: (R, N), how often each image counts in each replicate.
    """
    sums = weights @ probability_columns(truth, probabilities)
    return probability_metrics_of(sums, weights.sum(axis=1))


def probability_columns(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return (N, 2 + 2 bins): what `probability_metrics_of` wants the weighted sums of."""
    n, classes = probabilities.shape
    squared = (probabilities - np.eye(classes)[truth]) ** 2
    brier = squared.sum(axis=1) / (2 if classes == 2 else 1)
    epsilon = np.finfo(np.float64).eps
    surprise = -np.log(np.clip(probabilities[np.arange(n), truth], epsilon, 1 - epsilon))
    claim, outcome = claims(truth, probabilities)
    return np.column_stack([brier, surprise, binned_gaps(claim, outcome), equal_mass_bins(claim)])


def worst_losses(probabilities: np.ndarray) -> dict[str, float]:
    """Return the largest `brier` and `log_loss` that an image can have, by these probabilities.

    The log loss has no largest value; this is that of a mistake as confident as the most confident
    of these answers.

    Args:
        probabilities: (N, K), rows that sum to 1.
    """
    least = max(float(probabilities.min()), np.finfo(np.float64).eps)
    return {"brier": 1.0 if probabilities.shape[1] == 2 else 2.0, "log_loss": -np.log(least)}


def probability_metrics_of(sums: np.ndarray, total: np.ndarray) -> dict[str, np.ndarray]:
    """Return the metrics, (R,) each, of weighted sums (R, 2 + 2 bins) and total weights (R,)."""
    gaps, counts = np.split(np.abs(sums[:, 2:]), 2, axis=1)
    return {
        "brier": ratio(sums[:, 0], total),
        "log_loss": ratio(sums[:, 1], total),
        "ece": ratio(gaps.sum(axis=1), total),
        "mce": np.fmax.reduce(ratio(gaps, counts), axis=1),  # an empty bin has no part in it
    }


def binned_gaps(
    probability: np.ndarray, outcome: np.ndarray, bins: int | None = None
) -> np.ndarray:
    """Return (N, bins): what the outcome has over the probability, in the image's own bin.

    The expected calibration error is the sum over bins of |sum of gaps|, divided by N: the
    mean distance between what is predicted and what happens, over groups of like predictions
    (Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015; Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 3).
    """
    return equal_mass_bins(probability, bins) * (outcome - probability)[:, np.newaxis]


def equal_mass_bins(probability: np.ndarray, bins: int | None = None) -> np.ndarray:
    """Return (N, bins) of 0 and 1: the bin of each probability.

    Bins hold equal numbers of images, or one more, and not equal widths of probability: fewer bins
    are nearly empty, and the estimate is less biased (Roelofs et al., "Mitigating bias in
    calibration error estimation", AISTATS 2022). They are cut by rank; equal probabilities, whose
    rank is their mean one, share a bin. Bins stay those of the whole sample in every bootstrap
    replicate, which keeps the sums additive.

    Args:
        probability: (N,), N at least 1.
        bins: How many; by default 15, or fewer so that each holds ten images.
    """
    if bins is None:
        bins = int(np.clip(len(probability) // LEAST_IN_BIN, 1, ECE_BINS))
    ordered = np.sort(probability)
    below, up_to = (np.searchsorted(ordered, probability, side) for side in ("left", "right"))
    # Twice the mean rank, counted from 0: whole numbers divide without rounding.
    return np.eye(bins)[(below + up_to - 1) * bins // (2 * len(probability))]


def brier_decomposition(
    positive: np.ndarray, probability: np.ndarray, weights: np.ndarray, bins: int | None = None
) -> dict[str, np.ndarray]:
    r"""Return the parts of the Brier score of a binary task, (R,) each.

    With p_b and y_b the mean probability and the share of positives in a bin of weight w_b, and
    y that of the whole sample, W = sum_b w_b:

        brier_reliability = sum_b w_b (p_b - y_b)^2 / W    0 where probabilities mean what they say
        brier_resolution = sum_b w_b (y_b - y)^2 / W       high where they tell images apart
        brier_uncertainty = y (1 - y)                      the score of always answering y
        brier_within_bins = sum_i w_i ((p_i - p_b)^2 - 2 (p_i - p_b) (y_i - y_b)) / W

    and brier = reliability - resolution + uncertainty + within_bins, exactly. Sources: Murphy,
    "A new vector partition of the probability score", Journal of Applied Meteorology 12(4), 1973;
    Stephenson, Coelho, Jolliffe, "Two extra components in the Brier score decomposition", Weather
    and Forecasting 23(4), 2008, eq. 9, whose two within-bin components are one here.

    Args:
        positive: (N,) bool.
        probability: (N,), of the positive class, in [0, 1].
        weights: (R, N), how often each image counts in each replicate.
        bins: Of equal numbers of images; by default as many as `equal_mass_bins` makes.
    """
    members = equal_mass_bins(probability, bins)
    p, y = probability[:, np.newaxis], positive[:, np.newaxis].astype(float)
    columns = np.hstack([members * factor for factor in (1, p, y, p * p, p * y)])
    count, p_sum, y_sum, pp_sum, py_sum = np.split(weights @ columns, 5, axis=1)  # (R, bins)
    total = weights.sum(axis=1)
    p_mean, y_mean = (np.nan_to_num(ratio(sums, count)) for sums in (p_sum, y_sum))
    share = ratio(y_sum.sum(axis=1), total)
    scatter = pp_sum - count * p_mean**2 - 2 * (py_sum - count * p_mean * y_mean)
    return {
        "brier_reliability": ratio((count * (p_mean - y_mean) ** 2).sum(axis=1), total),
        "brier_resolution": ratio((count * (y_mean - share[:, None]) ** 2).sum(axis=1), total),
        "brier_uncertainty": share * (1 - share),
        "brier_within_bins": ratio(scatter.sum(axis=1), total),
    }


def claims(truth: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of class 1 of two, or of the top class, and whether it is true."""
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], truth == 1
    top = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), truth == top
