"""Differences of statistics between two groups of patients, with corrected p-values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import ks_2samp


def differences(
    statistics: Mapping[str, np.ndarray], of_b: np.ndarray, groups: np.ndarray
) -> list[dict[str, Any]]:
    """Compare each statistic between the patients of two sides, the most different first.

    Values are averaged over each patient first: patients are independent, images are not.

    Args:
        statistics: By name, (N,) each; NaN where there is none.
        of_b: (N,) bool, whether a row is of the second side.
        groups: (N,) integers, the patients.

    Returns:
        For each statistic that two patients on either side have: `name`; `difference`, of the
        second side's mean from the first's in units of the pooled standard deviation, None where
        neither varies; `ks`, the greatest distance of the two distribution functions; and `p`, of
        the Kolmogorov-Smirnov test after Holm's correction for all of them.
    """
    compared: list[dict[str, Any]] = []
    for name, values in statistics.items():
        known = ~np.isnan(values)
        a, b = (_means(values[known & side], groups[known & side]) for side in (~of_b, of_b))
        if min(len(a), len(b)) > 1:
            # The exact p is slow, and wrong where values are equal, as widths are.
            test = ks_2samp(a, b, method="asymp")
            compared.append(
                {
                    "name": name,
                    "difference": _standardised_difference(a, b),
                    "ks": float(test.statistic),
                    "p": float(test.pvalue),
                }
            )
    for one, p in zip(compared, holm([one["p"] for one in compared]), strict=True):
        one["p"] = p
    return sorted(compared, key=lambda one: (one["p"], -one["ks"]))


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the mean of each patient's values."""
    patient = np.unique(groups, return_inverse=True)[1]
    return np.bincount(patient, values) / np.bincount(patient)


def _standardised_difference(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return the difference of the means in standard deviations; None where there is no spread."""
    spread = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    return float((b.mean() - a.mean()) / spread) if spread > 0 else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, so that any false one is as rare as each says.

    The k-th smallest of n is multiplied by n - k + 1, and by no less than those before it. Source:
    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    ordered = np.asarray(p_values, float)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(1, np.maximum.accumulate(ordered))
    return corrected.tolist()
