import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors as ScikitLearns

from dlmath.evaluation import feature_distance
from dlmath.evaluation.feature_distance import Mahalanobis, NearestNeighbours, distance_limit


def two_classes(seed=0, n=2_000, width=4):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    mixing = rng.normal(size=(width, width))
    return rng.normal(size=(n, width)) @ mixing + 6 * labels[:, np.newaxis], labels, mixing


def test_of_gaussian_classes_the_distance_is_chi_squared():
    features, labels, _ = two_classes(n=20_000)

    distances = Mahalanobis.fit(features, labels)(features)

    # The nearest of two classes is the own one almost always, as they lie far apart.
    assert np.mean(distances > chi2(4).ppf(0.9)) == pytest.approx(0.1, abs=0.02)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_distance_does_not_depend_on_the_axes(seed):
    features, labels, _ = two_classes(seed, n=300)
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]

    plain = Mahalanobis.fit(features, labels)(features[:20])
    turned = Mahalanobis.fit(features @ turn + 3, labels)(features[:20] @ turn + 3)

    np.testing.assert_allclose(plain, turned, rtol=1e-6)


def test_a_feature_that_never_varies_does_no_harm():
    features, labels, _ = two_classes()
    with_constant = np.column_stack([features, np.full(len(features), 7.0)])

    distances = Mahalanobis.fit(with_constant, labels)(with_constant)

    assert np.isfinite(distances).all()


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_neighbours_are_those_of_scikit_learn(seed, neighbours):
    rng = np.random.default_rng(seed)
    train, new = rng.normal(size=(40, 6)), rng.normal(size=(15, 6))

    found = NearestNeighbours.fit(train, neighbours)(new)

    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (train, new)]
    expected = ScikitLearns(n_neighbors=neighbours).fit(unit[0]).kneighbors(unit[1])[0][:, -1]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_many_images_are_measured_in_parts(monkeypatch):
    train = np.random.default_rng(0).normal(size=(50, 3))
    whole = NearestNeighbours.fit(train)(train)

    monkeypatch.setattr(feature_distance, "_AT_ONCE", 7)

    np.testing.assert_array_equal(NearestNeighbours.fit(train)(train), whole)
    assert NearestNeighbours.fit(train)(train[:0]).shape == (0,)


def test_both_tell_another_distribution():
    features, labels, mixing = two_classes()
    other = 4 * np.random.default_rng(1).normal(size=(500, 4)) @ mixing - 6
    truth = np.repeat([0, 1], [len(features), len(other)])

    mahalanobis = Mahalanobis.fit(features, labels)
    neighbours = NearestNeighbours.fit(features)

    for distance, least in ((mahalanobis, 0.9), (neighbours, 0.6)):
        scores = np.concatenate([distance(features), distance(other)])
        assert roc_auc_score(truth, scores) > least


def test_fewer_images_than_neighbours_are_refused():
    with pytest.raises(ValueError, match="Received: 3"):
        NearestNeighbours.fit(np.ones((3, 2)), 10)


def test_the_limit_is_kept_by_the_share():
    distances = np.arange(1.0, 101.0)

    assert np.mean(distances <= distance_limit(distances)) >= 0.95
    assert distance_limit(distances) == 96
