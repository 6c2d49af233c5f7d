import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from dlmath.inference.ood_fit import fit_ood_score, ood_limit


def two_classes(seed=0, n=2_000, width=4):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    mixing = rng.normal(size=(width, width))
    return rng.normal(size=(n, width)) @ mixing + 6 * labels[:, np.newaxis], labels, mixing


def test_of_gaussian_classes_the_distance_is_chi_squared():
    features, labels, _ = two_classes(n=20_000)

    ood_scores = fit_ood_score(features, labels)(features)

    # The nearest of two classes is the own one almost always, as they lie far apart.
    assert np.mean(ood_scores > chi2(4).ppf(0.9)) == pytest.approx(0.1, abs=0.02)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_distance_does_not_depend_on_the_axes(seed):
    features, labels, _ = two_classes(seed, n=300)
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]

    plain = fit_ood_score(features, labels)(features[:20])
    turned = fit_ood_score(features @ turn + 3, labels)(features[:20] @ turn + 3)

    np.testing.assert_allclose(plain, turned, rtol=1e-3, atol=1e-5)  # stored as float32


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 6))
def test_fewer_directions_are_a_covariance_with_one_variance_for_the_rest(seed, most):
    features, labels, _ = two_classes(seed, n=200, width=6)

    found = fit_ood_score(features, labels, most)

    assert found.directions.shape == (6, most)
    u = np.linalg.qr(found.directions, mode="complete")[0]
    variances = np.r_[found.variances, np.full(6 - most, found.rest)]
    inverse = u @ np.diag(1 / variances) @ u.T
    away = features[:9, np.newaxis] - found.means
    expected = np.einsum("nki,ij,nkj->nk", away, inverse, away).min(axis=1)
    np.testing.assert_allclose(found(features[:9]), expected, rtol=1e-3, atol=1e-5)


def test_a_feature_that_never_varies_does_no_harm():
    features, labels, _ = two_classes()
    with_constant = np.column_stack([features, np.full(len(features), 7.0)])

    ood_scores = fit_ood_score(with_constant, labels)(with_constant)

    assert np.isfinite(ood_scores).all()


def test_more_features_than_images_can_be_fitted():
    features, labels, _ = two_classes(n=20, width=300)

    ood_scores = fit_ood_score(features, labels)(features)

    assert np.isfinite(ood_scores).all()


def test_it_tells_another_distribution():
    features, labels, mixing = two_classes()
    other = 4 * np.random.default_rng(1).normal(size=(500, 4)) @ mixing - 6
    truth = np.repeat([0, 1], [len(features), len(other)])
    ood_score = fit_ood_score(features, labels)

    scores = np.concatenate([ood_score(features), ood_score(other)])

    assert roc_auc_score(truth, scores) > 0.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_no_numbers_are_left_out_and_are_no_distance(bad):
    features, labels, _ = two_classes(n=60)
    broken = np.vstack([features, np.full(4, bad)])

    found = fit_ood_score(broken, np.r_[labels, 0])

    np.testing.assert_array_equal(found(features), fit_ood_score(features, labels)(features))
    assert np.isnan(found(broken)[-1])


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.ones((20, 3)), np.arange(20) % 2),
        (np.arange(6.0).reshape(2, 3), np.arange(2)),
        (np.full((20, 3), np.nan), np.arange(20) % 2),
    ],
    ids=["never vary", "an image a class", "no numbers"],
)
def test_features_that_tell_nothing_give_no_distance(features, labels):
    assert fit_ood_score(features, labels) is None


def test_the_limit_is_kept_by_the_share():
    ood_scores = np.arange(1.0, 101.0)

    assert np.mean(ood_scores <= ood_limit(ood_scores)) >= 0.95
    assert ood_limit(ood_scores) == 96
