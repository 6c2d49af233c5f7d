r"""How sure a probability is: a Gaussian posterior of the head around its optimum.

The penalty is a Gaussian prior and the objective times S the negative log posterior. To second
order around the optimum the parameters are Gaussian with the precision

    S H = sum_i w_i a_i U^T (diag p_i - p_i p_i^T) U a_i^T + l2 S diag(1, ..., 1, 0) (x) I,

and a logit, linear in them, is Gaussian with the variance a^T (S H)^-1 a. Source: MacKay, "The
evidence framework applied to classification networks", Neural Computation 4(5), 1992.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from dlmath.convex.head import HeadFit, checked
from dlmath.convex.influence import log_odds
from dlmath.convex.softmax import log_sum_exp
from dlmath.convex.solved import Solved, solve_at, stack


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
    solved: Solved

    def predict(self, features: np.ndarray, *, level: float = 0.95) -> Uncertain:
        """Return the probabilities of raw features (n, D) with intervals of the given level."""
        places = self.solved.basis.shape[1]
        stacked = stack(self.solved.rows.augment(features), places)
        solved = self.solved.solve(features).reshape(-1, len(features), places)
        seen = stacked.reshape(len(features), places, -1)
        covariance = np.einsum("nrd,dns->nrs", seen, solved, optimize=True) / self.solved.total
        logits = self.fit.logits(features)
        p = log_sum_exp(logits)[1]
        slopes = _slopes_of_log_odds(p) @ self.solved.basis  # (n, K, K - 1)
        deviation = np.sqrt(np.einsum("nkr,nrs,nks->nk", slopes, covariance, slopes, optimize=True))
        odds = log_odds(logits)
        reach = ndtri((1 + level) / 2) * deviation
        return Uncertain(p, odds, deviation, expit(odds - reach), expit(odds + reach))


def laplace(
    fit: HeadFit, features: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> Laplace:
    """Return the posterior of a head.

    The rows count as independent, each as often as its weight says: images of one patient are
    not, and the intervals are then too narrow.

    Args:
        fit: A head without mixing.
        features: (N, D) as given to `fit_head`.
        targets: (N, K), likewise.
        weights: (N,), likewise.

    Raises:
        ValueError: The head was mixed, or the data do not fit it.
    """
    targets, weights, _ = checked(features, targets, weights, np.zeros(len(features)))
    return Laplace(fit, solve_at(fit, features, targets, weights))


def _slopes_of_log_odds(p: np.ndarray) -> np.ndarray:
    """Return d log-odds_k / d logit_j = (1[j = k] - p_j) / (1 - p_k), (n, K, K)."""
    others = np.maximum(1 - p, np.finfo(float).tiny)[:, :, np.newaxis]
    same = np.eye(p.shape[1])
    # At j = k the quotient is 1 whatever p is.
    return same + (same - 1) * p[:, np.newaxis, :] / others
