"""Influence of the training patients: predictions without each of them in turn."""

from dataclasses import dataclass

import numpy as np

from dlmath.blas_threads import single_threaded
from dlmath.linear_head.head import HeadFit, checked
from dlmath.linear_head.head_hessian import hessian_at
from dlmath.linear_head.leave_out import newton_steps
from dlmath.linear_head.scaling import Scaling
from dlmath.linear_head.softmax import log_sum_exp


@dataclass(frozen=True)
class Influence:
    """Predictions for M new rows, from all P training patients and without each.

    Attributes:
        patients: (P,) as given in `groups`, sorted.
        logits: (M, K) of the full model; each row sums to zero.
        logits_without: (M, P, K), without each patient.
        probabilities: (M, K) of the full model.
        probabilities_without: (M, P, K), without each patient.
    """

    patients: np.ndarray
    logits: np.ndarray
    logits_without: np.ndarray
    probabilities: np.ndarray
    probabilities_without: np.ndarray

    def scaled(self, scaling: Scaling) -> "Influence":
        """Return the predictions of a head whose logits were scaled afterwards, with that scaling.

        The same scaling serves without a patient: it was fitted to other images.
        """
        logits, without = scaling(self.logits), scaling(self.logits_without)
        probabilities = log_sum_exp(logits)[1], log_sum_exp(without)[1]
        return Influence(self.patients, logits, without, *probabilities)

    @property
    def changes(self) -> np.ndarray:
        """Change of the log-odds of each class without each patient, (M, P, K).

        Near 0 and 1 probabilities hardly move; log-odds do.
        """
        return log_odds(self.logits_without) - log_odds(self.logits)[:, np.newaxis]


@single_threaded
def patient_influence(
    fit: HeadFit,
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
    new_features: np.ndarray,
) -> Influence:
    """Predict new rows without each training patient in turn, by one Newton step each.

    What leaving a patient out means is said at `leave_patients_out`.

    Args:
        fit: A head without mixing.
        features: (N, D) as given to `fit_head`.
        targets: (N, K), likewise.
        weights: (N,), likewise.
        groups: (N,), likewise.
        new_features: (M, D) raw features.

    Raises:
        ValueError: The head was mixed, or the data do not fit it.
    """
    targets, weights, groups = checked(features, targets, weights, groups)
    hessian = hessian_at(fit, features, targets, weights)
    places = hessian.basis.shape[1]
    new = hessian.rows.augment(new_features)
    steps = [
        new @ step.reshape(-1, places) for _, _, step in newton_steps(hessian, features, groups)
    ]
    logits = fit.logits(new_features)
    without = logits[:, np.newaxis] + np.stack(steps, axis=1) @ hessian.basis.T
    return Influence(
        np.unique(groups), logits, without, log_sum_exp(logits)[1], log_sum_exp(without)[1]
    )


def log_odds(logits: np.ndarray) -> np.ndarray:
    """Return log p_k - log(1 - p_k), (..., K), of logits (..., K), without rounding p_k to 1."""
    odds = np.empty_like(logits)
    for k in range(logits.shape[-1]):
        odds[..., k] = logits[..., k] - log_sum_exp(np.delete(logits, k, axis=-1))[0]
    return odds
