r"""Laplace approximation: a Gaussian posterior of the head around its optimum.

The penalty is a Gaussian prior and the objective times S the negative log posterior. To second
order around the optimum the parameters are Gaussian with the precision

    S H = sum_i w_i a_i U^T (diag p_i - p_i p_i^T) U a_i^T + l2 S diag(1, ..., 1, 0) (x) I,

and a logit, linear in them, is Gaussian with the variance a^T (S H)^-1 a. Source: MacKay, "The
evidence framework applied to classification networks", Neural Computation 4(5), 1992.

That takes rows for independent, and images of one patient are not. With F the part of H that is
of the data, H^-1 = H^-1 (F + penalty) H^-1, and H^-1 F H^-1 / S is what the data's scatter does to
the parameters. It can be measured over patients instead: as sum_g d_g d_g^T, with d_g the step of
the parameters when patient g is left out (the jackknife; as a sandwich: Liang, Zeger,
"Longitudinal data analysis using generalized linear models", Biometrika 73(1), 1986).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from dlmath.blas_threads import single_threaded
from dlmath.linear_head.head import HeadFit, checked
from dlmath.linear_head.head_hessian import HeadHessian, hessian_at, stack
from dlmath.linear_head.influence import log_odds
from dlmath.linear_head.leave_out import newton_steps
from dlmath.linear_head.scaling import Scaling, unscaled
from dlmath.linear_head.softmax import log_sum_exp


@dataclass(frozen=True)
class Uncertain:
    """Probabilities of n rows with their intervals, (n, K) each.

    Attributes:
        probabilities: At the optimum.
        log_odds: log p - log(1 - p).
        standard_deviation: Of the log-odds. Exact under the posterior for two classes; to first
            order for more.
        low: The end of the interval: the probability at the log-odds' lower quantile.
        high: Its other end.
    """

    probabilities: np.ndarray
    log_odds: np.ndarray
    standard_deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Laplace:
    """The posterior of a head; `laplace` makes it."""

    fit: HeadFit
    hessian: HeadHessian
    patient_steps: np.ndarray | None = None  # d_g as columns, ((D + 1) (K - 1), P)

    def predict(
        self, features: np.ndarray, *, level: float = 0.95, scaling: Scaling | None = None
    ) -> Uncertain:
        """Return the probabilities of raw features (n, D) with intervals of the given level.

        A scaling of the logits is taken as given, as the features are.
        """
        scaling = scaling or unscaled(self.fit.kernel.shape[1])
        covariance = scaling.slope**2 * self._covariance(features)
        logits = scaling(self.fit.logits(features))
        p = log_sum_exp(logits)[1]
        slopes = _slopes_of_log_odds(p) @ self.hessian.basis  # (n, K, K - 1)
        deviation = np.sqrt(np.einsum("nkr,nrs,nks->nk", slopes, covariance, slopes, optimize=True))
        odds = log_odds(logits)
        reach = ndtri((1 + level) / 2) * deviation
        return Uncertain(p, odds, deviation, expit(odds - reach), expit(odds + reach))

    def _covariance(self, features: np.ndarray) -> np.ndarray:
        """Return that of the logits z of raw features (n, D), (n, K - 1, K - 1)."""
        places, count = self.hessian.basis.shape[1], len(features)
        stacked = stack(self.hessian.rows.augment(features), places)
        solved = self.hessian.solve(features)  # H^-1 a
        if self.patient_steps is None:
            seen = stacked.reshape(count, places, -1)
            solved = solved.reshape(-1, count, places)
            return np.einsum("nrd,dns->nrs", seen, solved, optimize=True) / self.hessian.total
        moved = (stacked @ self.patient_steps).reshape(count, places, -1)
        shrunk = solved[:-places].reshape(-1, count, places)  # the bias is not penalised
        prior = np.einsum("dnr,dns->nrs", shrunk, shrunk, optimize=True)
        return moved @ moved.swapaxes(1, 2) + prior * self.fit.l2 / self.hessian.total


@single_threaded
def laplace(
    fit: HeadFit,
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray | None = None,
) -> Laplace:
    """Return the posterior of a head.

    Without groups the rows count as independent, each as often as its weight says. With groups
    the data's part of the covariance is measured over patients, whose images may be alike.

    Args:
        fit: A head without mixing.
        features: (N, D) as given to `fit_head`.
        targets: (N, K), likewise.
        weights: (N,), likewise.
        groups: (N,) patient of each row, or None.

    Raises:
        ValueError: The head was mixed, or the data do not fit it.
    """
    each = np.arange(len(features)) if groups is None else groups
    targets, weights, each = checked(features, targets, weights, each)
    hessian = hessian_at(fit, features, targets, weights)
    if groups is None:
        return Laplace(fit, hessian)
    steps = [step for _, _, step in newton_steps(hessian, features, each)]
    return Laplace(fit, hessian, np.stack(steps, axis=1))


def _slopes_of_log_odds(p: np.ndarray) -> np.ndarray:
    """Return d log-odds_k / d logit_j = (1[j = k] - p_j) / (1 - p_k), (n, K, K)."""
    others = np.maximum(1 - p, np.finfo(float).tiny)[:, :, np.newaxis]
    same = np.eye(p.shape[1])
    # At j = k the quotient is 1 whatever p is.
    return same + (same - 1) * p[:, np.newaxis, :] / others
