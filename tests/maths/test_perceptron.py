import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from dlmath import seeds
from dlmath.maths.datasets import ball_and_annulus, separable
from dlmath.maths.perceptron import (
    embed,
    hebb,
    learn_perceptron,
    min_max_scale,
    standard_scale,
)
from dlmath.maths.separation import separating_plane


@given(seed=st.integers(0, 10_000), dimension=st.integers(1, 6))
def test_it_separates_what_is_separable_within_its_bound(seed, dimension):
    rows, labels, normal = separable(30, dimension, 0.1, seed)
    learnt = learn_perceptron(rows, labels)
    margin = (labels * (rows @ normal)).min()
    assert learnt.converged
    assert (labels * (rows @ learnt.weights) > 0).all()
    assert learnt.updates <= (np.linalg.norm(rows, axis=1).max() / margin) ** 2


def test_the_weights_are_those_of_scikit_learn():
    rows, labels, _ = separable(40, 3, 0.1, 5)
    theirs = Perceptron(fit_intercept=False, shuffle=False, tol=None, max_iter=500).fit(
        rows, labels
    )
    np.testing.assert_allclose(learn_perceptron(rows, labels).weights, theirs.coef_[0])


def test_it_gives_up_on_data_that_no_plane_separates():
    points, labels = np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])
    learnt = learn_perceptron(points, labels, most=25)
    assert (learnt.updates, learnt.converged) == (25, False)


def test_the_scalers_are_scikit_learns():
    features = seeds.generator("test", "scalers").normal(3, 5, (20, 4))
    np.testing.assert_allclose(min_max_scale(features), MinMaxScaler().fit_transform(features))
    np.testing.assert_allclose(standard_scale(features), StandardScaler().fit_transform(features))


def test_constant_columns_become_zero():
    constant = np.full((5, 2), 7.0)
    assert not min_max_scale(constant).any()
    assert not standard_scale(constant).any()


def test_embedding_adds_a_one():
    assert embed(np.array([[2.0, 3.0]])).tolist() == [[2.0, 3.0, 1.0]]


def test_hebbs_rule_by_hand():
    path = hebb(np.array([[1.0, 2.0]]), np.array([1.0, 0.0]), 0.1, decay=False)
    assert path[1] == pytest.approx([1.1, 0.2])
    assert hebb(np.array([[1.0, 2.0]]), path[0], 0.1, decay=True)[1] == pytest.approx([1.0, 0.2])


def test_ball_and_annulus_are_uniform_in_their_areas():
    rows, classes = ball_and_annulus(4000, 0)
    radii = np.linalg.norm(rows, axis=1)
    assert radii[classes == 0].max() <= 1
    assert radii[classes == 1].min() >= 1
    assert radii.max() <= 2
    # Half of the ball's area lies within 1/sqrt(2), half of the ring's within sqrt(2.5).
    assert np.mean(radii[classes == 0] < 0.5**0.5) == pytest.approx(0.5, abs=0.04)
    assert np.mean(radii[classes == 1] < 2.5**0.5) == pytest.approx(0.5, abs=0.04)


def test_a_separating_plane_is_found_if_and_only_if_there_is_one():
    rows, labels, _ = separable(50, 3, 0.05, 1)
    plane = separating_plane(rows, labels)
    assert (labels * (rows @ plane) >= 1 - 1e-6).all()
    assert separating_plane(np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])) is None
