"""Leaving patients out by updates, against real refits."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from dlmath.linear_head import (
    Mixing,
    fit_head,
    leave_patients_out,
    patient_influence,
    ridge_without_patients,
)
from dlmath.linear_head.softmax import sum_zero_basis
from dlmath.linear_head.standardized_features import StandardizedFeatures

Clouds = Callable[..., tuple[np.ndarray, ...]]


def refit_logits(
    data: tuple[np.ndarray, ...], patient: int, l2: float, new: np.ndarray
) -> np.ndarray:
    """Logits of new rows from a real refit without a patient, by another solver altogether."""
    features, targets, weights, groups = data
    kept = groups != patient
    rows = StandardizedFeatures(features[kept], weights[kept])
    basis = sum_zero_basis(targets.shape[1])
    x, shares = rows.augment(features[kept]), (weights[kept] / weights.sum())[:, None]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        t = flat.reshape(x.shape[1], -1)
        scores = x @ t @ basis.T
        scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        penalty = l2 * np.vstack([t[:-1], 0 * t[-1:]])
        gradient = x.T @ (shares * (np.exp(scores) - targets[kept])) @ basis + penalty
        value = -(shares * targets[kept] * scores).sum() + (penalty * t).sum() / 2
        return value, gradient.ravel()

    start = np.zeros(x.shape[1] * basis.shape[1])
    options = {"gtol": 1e-12, "ftol": 0.0, "maxiter": 5000, "maxcor": 50}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return rows.augment(new) @ found.x.reshape(x.shape[1], -1) @ basis.T


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_ridge_without_patients_is_that_of_refits(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds(90, 5, 3)
    l2 = 0.05

    predictions = ridge_without_patients(features, targets, weights, groups, l2=l2)

    x = StandardizedFeatures(features, weights).augment(features)
    penalty = np.diag([l2] * 5 + [0.0])
    for patient in np.unique(groups):
        kept = groups != patient
        shares = (weights / weights.sum())[kept, None]
        normal = x[kept].T @ (shares * x[kept]) + penalty
        refit = np.linalg.solve(normal, x[kept].T @ (shares * targets[kept]))
        np.testing.assert_allclose(predictions[~kept], x[~kept] @ refit, atol=1e-10)


@pytest.mark.parametrize("classes", [2, 3])
def test_exact_is_a_refit_and_one_step_comes_near(clouds: Clouds, classes: int) -> None:
    data = clouds(150, 5, classes)
    features, _, _, groups = data
    fit = fit_head(*data, l2=0.02)

    exact = leave_patients_out(fit, *data, exact=True)
    one_step = leave_patients_out(fit, *data)

    for patient in np.unique(groups)[:20]:
        own = groups == patient
        refit = probabilities(refit_logits(data, patient, 0.02, features[own]))
        np.testing.assert_allclose(exact.probabilities[own], refit, atol=1e-6)
    change = np.abs(exact.probabilities - probabilities(fit.logits(features))).max()
    assert np.abs(one_step.probabilities - exact.probabilities).max() < 0.1 * change
    assert one_step.log_loss == pytest.approx(exact.log_loss, rel=1e-3)
    assert one_step.auc == pytest.approx(exact.auc, abs=2e-3)


def test_one_step_errs_by_the_square_of_what_is_left_out(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds(150, 5)
    own = groups == groups[0]

    def errors(scale: float) -> float:
        lighter = np.where(own, scale * weights, weights)
        data = (features, targets, lighter, groups)
        fit = fit_head(*data, l2=0.02)
        exact = leave_patients_out(fit, *data, exact=True).probabilities[own]
        return float(np.abs(leave_patients_out(fit, *data).probabilities[own] - exact).max())

    assert errors(1.0) / errors(0.1) == pytest.approx(100, rel=0.5)


def test_mixed_heads_are_left_out_by_refits_alone(clouds: Clouds) -> None:
    data = clouds()
    fit = fit_head(*data, l2=0.1, mixing=Mixing(0.4))

    assert leave_patients_out(fit, *data, exact=True).log_loss > 0
    with pytest.raises(ValueError, match="fitted without mixing"):
        leave_patients_out(fit, *data)


def test_data_of_another_head_are_refused(clouds: Clouds) -> None:
    fit = fit_head(*clouds(width=6), l2=0.1)

    with pytest.raises(ValueError, match="must be those that the head was fitted to"):
        leave_patients_out(fit, *clouds(width=5))


@pytest.mark.parametrize("classes", [2, 3])
def test_influence_is_the_change_under_retraining(clouds: Clouds, classes: int) -> None:
    data = clouds(150, 5, classes)
    new = clouds(7, 5, classes, seed=3)[0]
    fit = fit_head(*data, l2=0.02)

    influence = patient_influence(fit, *data, new)

    np.testing.assert_allclose(influence.probabilities, probabilities(fit.logits(new)), atol=1e-12)
    for number, patient in list(enumerate(influence.patients))[:8]:
        refit = refit_logits(data, patient, 0.02, new)
        change = refit - influence.logits
        ours = influence.logits_without[:, number] - influence.logits
        assert np.abs(ours - change).max() < 0.15 * np.abs(change).max()


def test_changes_are_of_the_log_odds(clouds: Clouds) -> None:
    data = clouds(150, 5)
    influence = patient_influence(fit_head(*data, l2=0.02), *data, data[0][:3])

    without, own = influence.probabilities_without, influence.probabilities[:, np.newaxis]
    expected = np.log(without / (1 - without)) - np.log(own / (1 - own))
    np.testing.assert_allclose(influence.changes, expected, rtol=1e-9, atol=1e-9)
    assert set(influence.patients.tolist()) == set(data[3].tolist())
