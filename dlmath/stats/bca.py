"""The interval of a bootstrap: bias-corrected, accelerated, and not too narrow for few patients.

Source: Efron, "Better bootstrap confidence intervals", JASA 82, 1987 (BCa); Hesterberg, "What
teachers should know about the bootstrap", The American Statistician 69(4), 2015, §4.2 (expanded
percentiles).
"""

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

LEVEL = 0.95

_ROUNDING = 1e-12  # two sums of the same numbers in another order


def bca_interval(value: float, drawn: np.ndarray, left_out: np.ndarray) -> tuple[float, float]:
    r"""Return the 95 % interval of a statistic.

    With G the distribution of the drawn values and Phi the normal one, the ends are

        G^-1(Phi(z0 + (z0 + z) / (1 - a (z0 + z)))),    z0 = Phi^-1(G(value)),
        a = sum d^3 / (6 (sum d^2)^1.5),                d = mean(left_out) - left_out.

    Replicates equal to the value count half in G(value). In place of z = +-1.96 stands
    +-sqrt(m / (m - 1)) t(m - 1), where m is how many patients the statistic depends on: the
    bootstrap's variance is that of the sample, (m - 1) / m of the unbiased one, and its quantiles
    know nothing of the variance's own uncertainty. At 300 patients that is 1.97.

    Args:
        value: Of the sample, a number.
        drawn: (R,) of the replicates, numbers, R at least 1.
        left_out: (G,) without each patient, or each group of patients; NaN where undefined.
    """
    left_out = left_out[~np.isnan(left_out)]
    differences = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    bias = _bias(value, drawn)
    reach = bias + _normal_scores(int((np.abs(left_out - value) > _ROUNDING).sum()))
    bend = _acceleration(differences) * reach
    # The formula turns back at infinity, which is the outermost replicate.
    safe = np.where(bend < 1, bend, 0)
    levels = np.where(bend < 1, ndtr(bias + reach / (1 - safe)), reach > 0)
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def _bias(value: float, drawn: np.ndarray) -> float:
    """Return z0, held finite where all replicates lie on one side."""
    below = (drawn < value - _ROUNDING).sum() + (np.abs(drawn - value) <= _ROUNDING).sum() / 2
    share = np.clip(below / len(drawn), 0.5 / len(drawn), 1 - 0.5 / len(drawn))
    return float(ndtri(share))


def _acceleration(differences: np.ndarray) -> float:
    scale = (differences**2).sum()
    return float((differences**3).sum() / (6 * scale**1.5)) if scale > _ROUNDING**2 else 0.0


def _normal_scores(patients: int) -> np.ndarray:
    """Return the lower and the upper score that `patients` independent ones call for."""
    patients = max(patients, 2)
    upper = np.sqrt(patients / (patients - 1)) * stdtrit(patients - 1, (1 + LEVEL) / 2)
    return np.array([-upper, upper])
