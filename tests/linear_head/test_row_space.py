"""Fewer rows than features: the same optimum, found in the space of the rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dlmath.linear_head import Mixing, fit_head, leave_patients_out
from dlmath.linear_head.folds import patient_folds
from dlmath.linear_head.row_space import RowSpace, all_rows
from dlmath.linear_head.standardized_features import LEAST_SPREAD, StandardizedFeatures

ROWS, WIDTH = 60, 150


def few(classes: int = 2, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Features (60, 150) of unlike scales, hard labels, weights and 30 patients."""
    rng = np.random.default_rng(seed)
    labels = np.arange(ROWS) % classes
    features = rng.normal(size=(ROWS, WIDTH)) + rng.normal(size=(classes, WIDTH))[labels]
    features *= 10.0 ** rng.uniform(-2, 2, WIDTH)
    features[:, 3] = 7.0  # constant
    return features, np.eye(classes)[labels], rng.uniform(0.5, 2, ROWS), np.arange(ROWS) // 2


def standardised(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean = np.average(features, axis=0, weights=weights)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    return (features - mean) / np.where(scale > 1e-9, scale, np.inf)


def log_losses(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(logits, axis=1) - (targets * logits).sum(axis=1)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("l2", [1e-4, 0.1])
def test_the_optimum_is_that_of_scikit_learn(classes: int, l2: float) -> None:
    features, targets, weights, groups = few(classes)

    fit = fit_head(features, targets, weights, groups, l2=l2)

    x = standardised(features, weights)
    strength = (2 if classes == 2 else 1) / (l2 * weights.sum())
    theirs = LogisticRegression(C=strength, tol=1e-12, max_iter=20_000)
    theirs.fit(x, targets.argmax(axis=1), sample_weight=weights)
    ours = fit.logits(features)
    expected = theirs.predict_proba(x)
    np.testing.assert_allclose(
        np.exp(ours) / np.exp(ours).sum(axis=1, keepdims=True), expected, atol=1e-5
    )
    assert fit.optimality <= 1e-9
    assert not fit.kernel[3].any()


def test_the_stated_optimality_is_the_gradient_by_feature() -> None:
    features, targets, weights, groups = few(3)
    fit = fit_head(features, targets, weights, groups, l2=0.01)

    rows = StandardizedFeatures(features, weights)
    raw = np.vstack([fit.kernel, fit.bias])
    residual = np.exp(fit.logits(features))
    residual = residual / residual.sum(axis=1, keepdims=True) - targets
    gradient = rows.adjoint(weights[:, np.newaxis] / weights.sum() * residual)
    gradient[:-1] += 0.01 * rows.restandardise(raw)[:-1]
    assert np.abs(gradient).max() <= 1e-8  # rounded again on the way


@pytest.mark.parametrize("mixing", [None, Mixing(0.4)])
def test_both_spaces_give_the_same_path(
    mixing: Mixing | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = few()
    data[1][::5] = data[1][::5, ::-1]  # classes that overlap: the losses stay away from 0
    few_rows = fit_head(*data, mixing=mixing)
    for module in ("row_space", "refits"):
        monkeypatch.setattr(f"dlmath.linear_head.{module}.is_smaller", lambda rows: False)

    by_features = fit_head(*data, mixing=mixing)

    assert few_rows.l2 == by_features.l2
    for ours, theirs in zip(few_rows.path, by_features.path, strict=True):
        assert ours.cv_loss == pytest.approx(theirs.cv_loss, rel=2e-4)
    np.testing.assert_allclose(
        few_rows.logits(data[0]), by_features.logits(data[0]), rtol=1e-6, atol=1e-6
    )


def test_cross_validated_loss_is_that_of_refits() -> None:
    features, targets, weights, groups = few()
    fit = fit_head(features, targets, weights, groups, folds=3, seed=5)
    folds = patient_folds(groups, targets, 3, 5)
    point = fit.path[2]
    losses = np.empty(ROWS)
    for fold in range(3):
        kept = folds != fold
        refit = fit_head(features[kept], targets[kept], weights[kept], groups[kept], l2=point.l2)
        losses[~kept] = log_losses(targets, refit.logits(features))[~kept]

    assert point.cv_loss == pytest.approx(np.average(losses, weights=weights), rel=1e-4)


def test_leaving_patients_out_is_refitting_without_them() -> None:
    features, targets, weights, groups = few()
    fit = fit_head(features, targets, weights, groups, l2=0.02)

    exact = leave_patients_out(fit, features, targets, weights, groups, exact=True)

    for patient in (0, 7, 29):
        kept = groups != patient
        l2 = 0.02 * weights.sum() / weights[kept].sum()
        refit = fit_head(features[kept], targets[kept], weights[kept], groups[kept], l2=l2)
        logits = refit.logits(features[~kept])
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(exact.probabilities[~kept], expected, atol=1e-6)


@pytest.mark.parametrize("rows", [ROWS, 400])
def test_a_feature_that_only_one_patient_switches_on_does_not_decide(rows: int) -> None:
    """Without that patient it keeps rounding noise, by which its images must not be divided."""
    rng = np.random.default_rng(0)
    labels = np.arange(rows) % 2
    features = rng.normal(size=(rows, WIDTH)) + 0.2 * labels[:, np.newaxis]
    usual = fit_head(features, np.eye(2)[labels], np.ones(rows), np.arange(rows))
    rare = np.zeros((rows, 5))
    rare[:5] = np.diag(rng.uniform(1, 2, 5))
    rare += 1e-5 * rng.normal(size=rare.shape)

    fit = fit_head(np.hstack([features, rare]), np.eye(2)[labels], np.ones(rows), np.arange(rows))

    assert fit.l2 == usual.l2
    losses = [min(point.cv_loss for point in one.path) for one in (fit, usual)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    steps = [step for step in fit.iterations if step.stage == "folds"]
    assert len(steps) < 10 * 5 * len(fit.path), "the inner iterations stall"


def test_the_spread_of_some_rows_has_a_floor() -> None:
    features = np.zeros((10, 2))
    features[:, 0], features[0, 1] = np.arange(10), 1.0
    rows = StandardizedFeatures(features, np.ones(10))
    without_first = np.ones((10, 1))
    without_first[0] = 0

    spread = rows.spread(without_first)[:, 0]

    np.testing.assert_allclose(spread, [features[1:, 0].var() / features[:, 0].var(), LEAST_SPREAD])
    np.testing.assert_allclose(
        rows.spread_without(features[:1], np.full(1, 0.1)), spread, rtol=1e-12
    )


def test_many_rows_stay_in_the_space_of_features() -> None:
    features = np.random.default_rng(0).normal(size=(30, 8))
    rows = StandardizedFeatures(features, np.ones(30))
    assert all_rows(rows) is rows


def test_products_in_the_space_of_the_rows_are_those_with_features() -> None:
    features, _, weights, _ = few()
    rows = StandardizedFeatures(features, weights)
    present = np.arange(ROWS) % 3 > 0
    spread = rows.spread((weights * present)[:, np.newaxis])[:, 0]
    space, rng = RowSpace(rows, present, spread), np.random.default_rng(1)
    t = rng.normal(size=(space.width + 1, 2, 3))

    assert space.width == present.sum()
    kernel = space.in_features(t)
    divided = np.concatenate([kernel[:-1] / np.sqrt(spread)[:, None, None], kernel[-1:]])
    np.testing.assert_allclose(rows.times(divided), space.times(t), atol=1e-9)
    np.testing.assert_allclose(space.project(divided), t, atol=1e-9)
