"""The solved head against scikit-learn's solver, and its invariances."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from dlmath.errors import DataError
from dlmath.linear_head import HeadFit, Mixing, fit_head
from dlmath.linear_head.folds import patient_folds

Clouds = Callable[..., tuple[np.ndarray, ...]]


def standardised(features: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(features, axis=0, weights=weights)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    return (features - mean) / scale, scale


def same_function(left: HeadFit, right: HeadFit, features: np.ndarray) -> None:
    np.testing.assert_allclose(left.logits(features), right.logits(features), atol=1e-7)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("l2", [1e-3, 0.1])
def test_the_optimum_is_that_of_scikit_learn(clouds: Clouds, classes: int, l2: float) -> None:
    features, targets, weights, groups = clouds(classes=classes)

    fit = fit_head(features, targets, weights, groups, l2=l2)

    # A soft label is one row for each class, weighted by its share.
    x, scale = standardised(features, weights)
    rows, labels = np.repeat(x, classes, axis=0), np.tile(np.arange(classes), len(x))
    shares = (weights[:, None] * targets).ravel()
    strength = (2 if classes == 2 else 1) / (l2 * weights.sum())
    theirs = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=200)
    theirs.fit(rows, labels, sample_weight=shares)
    ours = (fit.kernel * scale[:, None]).T
    if classes == 2:
        ours = ours[1:] - ours[:1]
    np.testing.assert_allclose(ours, theirs.coef_, rtol=1e-6, atol=1e-7)
    p = np.exp(fit.logits(features))
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, theirs.predict_proba(x), atol=1e-7)


def test_the_stated_optimality_is_the_gradient_at_the_result(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds(classes=3)
    l2 = 0.02

    fit = fit_head(features, targets, weights, groups, l2=l2)

    x, scale = standardised(features, weights)
    kernel = fit.kernel * scale[:, None]
    p = np.exp(fit.logits(features))
    residual = weights[:, None] / weights.sum() * (p / p.sum(axis=1, keepdims=True) - targets)
    gradient = np.vstack([x.T @ residual + l2 * kernel, residual.sum(axis=0)])
    assert fit.converged
    assert fit.optimality <= 1e-9
    assert np.abs(gradient).max() <= 1e-8  # in other coordinates, and rounded again


@settings(max_examples=10, deadline=None)
@given(classes=st.integers(2, 4), seed=st.integers(0, 2**16))
def test_the_order_of_rows_and_classes_plays_no_part(
    clouds: Clouds, classes: int, seed: int
) -> None:
    features, targets, weights, groups = clouds(60, 4, classes, seed)
    rng = np.random.default_rng(seed)
    rows, order = rng.permutation(60), rng.permutation(classes)

    fit = fit_head(features, targets, weights, groups, l2=0.01)
    other = fit_head(features[rows], targets[rows][:, order], weights[rows], groups[rows], l2=0.01)

    np.testing.assert_allclose(other.logits(features), fit.logits(features)[:, order], atol=1e-7)


@settings(max_examples=10, deadline=None)
@given(exponent=st.integers(-6, 6), shift=st.floats(-3, 3), seed=st.integers(0, 2**16))
def test_units_of_the_features_play_no_part(
    clouds: Clouds, exponent: int, shift: float, seed: int
) -> None:
    features, targets, weights, groups = clouds(60, 4, seed=seed)
    scale = 10.0**exponent

    fit = fit_head(features, targets, weights, groups, l2=0.01)
    other = fit_head((features + shift) * scale, targets, weights, groups, l2=0.01)

    np.testing.assert_allclose(
        other.logits((features + shift) * scale), fit.logits(features), atol=1e-6
    )


def test_a_row_twice_is_a_row_of_weight_two(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds()
    twice = np.concatenate([np.arange(120), np.arange(30)])
    heavier = weights * np.where(np.arange(120) < 30, 2, 1)

    once = fit_head(features, targets, heavier, groups, l2=0.01)
    repeated = fit_head(features[twice], targets[twice], weights[twice], groups[twice], l2=0.01)

    same_function(once, repeated, features)


def test_a_soft_label_is_a_row_for_each_class(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds(classes=3)
    rows = np.repeat(np.arange(120), 3)
    hard = np.tile(np.eye(3), (120, 1))

    soft = fit_head(features, targets, weights, groups, l2=0.01)
    split = fit_head(
        features[rows], hard, (weights[:, None] * targets).ravel(), groups[rows], l2=0.01
    )

    same_function(soft, split, features)


@pytest.mark.parametrize("mixing", [None, Mixing(0.4)])
def test_a_row_without_weight_might_as_well_not_be_there(
    clouds: Clouds, mixing: Mixing | None
) -> None:
    features, targets, weights, groups = clouds()
    weights[:40] = 0

    zero = fit_head(features, targets, weights, groups, mixing=mixing)
    absent = fit_head(features[40:], targets[40:], weights[40:], groups[40:], mixing=mixing)

    np.testing.assert_array_equal(zero.kernel, absent.kernel)


def test_more_features_than_rows() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(40, 300)), np.arange(40) % 2
    features[:, 0] = 7.0  # constant
    targets, groups = np.eye(2)[labels], np.arange(40)

    fit = fit_head(features, targets, np.ones(40), groups, l2=1e-4)

    x = (features[:, 1:] - features[:, 1:].mean(axis=0)) / features[:, 1:].std(axis=0)
    theirs = LogisticRegression(C=2 / (1e-4 * 40), tol=1e-12, max_iter=10_000).fit(x, labels)
    assert fit.optimality <= 1e-9
    assert not fit.kernel[0].any()
    np.testing.assert_allclose(
        fit.logits(features) @ [-1, 1], theirs.decision_function(x), rtol=1e-5
    )


def test_separable_classes_have_an_optimum_under_the_penalty() -> None:
    features = np.linspace(-1, 1, 50)[:, None] ** np.arange(1, 4)
    targets = np.eye(2)[(features[:, 0] > 0).astype(int)]

    fit = fit_head(features, targets, np.ones(50), np.arange(50), l2=1e-7)

    assert fit.converged
    assert (fit.logits(features).argmax(axis=1) == targets.argmax(axis=1)).all()


def test_large_sets_go_through_in_blocks(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    features, targets, weights, groups = clouds(500, 8, 3)
    held = fit_head(features.astype(np.float32), targets, weights, groups)
    monkeypatch.setattr("dlmath.linear_head.standardized_features.HELD_BYTES", 0)
    monkeypatch.setattr("dlmath.linear_head.standardized_features.BLOCK_BYTES", 8 * 8 * 64)

    passed = fit_head(features.astype(np.float32), targets, weights, groups)

    assert passed.l2 == held.l2
    same_function(held, passed, features)


def test_the_penalty_chosen_has_the_least_cross_validated_loss(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds()
    seen = []

    fit = fit_head(features, targets, weights, groups, progress=seen.append)

    best = min(fit.path, key=lambda point: point.cv_loss)
    strengths = [point.l2 for point in fit.path]
    losses = [point.loss for point in fit.path]
    assert fit.l2 == best.l2
    assert strengths == sorted(strengths, reverse=True)
    assert losses == sorted(losses, reverse=True)  # the weaker the penalty, the closer the fit
    assert all(point.cv_standard_error > 0 for point in fit.path)
    assert tuple(seen) == fit.iterations
    assert {step.stage for step in seen} == {"path", "folds", "final"}


def test_the_path_goes_on_where_the_best_lies_at_its_end() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(200, 40)), np.arange(200) % 2

    fit = fit_head(features, np.eye(2)[labels], np.ones(200), np.arange(200))

    assert fit.l2 > 1  # pure noise: the stronger, the better


def test_cross_validated_loss_is_that_of_refits(clouds: Clouds) -> None:
    features, targets, weights, groups = clouds(90, 4, 2)
    fit = fit_head(features, targets, weights, groups, folds=3, seed=5)
    folds = patient_folds(groups, targets, 3, 5)
    point = fit.path[4]
    losses = np.empty(90)
    for fold in range(3):
        kept = folds != fold
        refit = fit_head(features[kept], targets[kept], weights[kept], groups[kept], l2=point.l2)
        scores = refit.logits(features)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        losses[~kept] = -(targets * scores).sum(axis=1)[~kept]

    assert point.cv_loss == pytest.approx(np.average(losses, weights=weights), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"l2": 0.0}, "`l2` must be above 0"),
        ({"weights": np.full(12, -1.0)}, "`weights` must be"),
        ({"targets": np.ones((12, 2))}, "sum to 1"),
        ({"groups": np.arange(11)}, "Received: shapes"),
        (
            {name: np.empty((0, 2)) for name in ("features", "targets")}
            | {name: np.empty(0) for name in ("weights", "groups")},
            "N > 0",
        ),
        ({"folds": 1}, "`folds` must be at least 2"),
        ({"features": np.full((12, 2), np.nan)}, "finite"),
    ],
)
def test_a_wrong_argument_is_named(change: dict, message: str) -> None:
    given = {
        "features": np.arange(24.0).reshape(12, 2),
        "targets": np.eye(2)[np.arange(12) % 2],
        "weights": np.ones(12),
        "groups": np.arange(12),
    }

    with pytest.raises(ValueError, match=message):
        fit_head(**{**given, **change})


def test_a_class_without_examples_is_named() -> None:
    with pytest.raises(DataError, match="none of class number 1"):
        fit_head(np.ones((4, 2)), np.eye(3)[[0, 2, 0, 2]], np.ones(4), np.arange(4))
