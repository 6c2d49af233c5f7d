import numpy as np
import pytest
from sklearn.preprocessing import PolynomialFeatures

from dlmath import seeds
from dlmath.maths.boundaries import by_degree, fit_boundary, hulls_apart, least_degree
from dlmath.maths.experiments.decision_boundaries import petals
from dlmath.maths.polynomials import monomials, powers, written


@pytest.mark.parametrize(("dimension", "degree"), [(1, 4), (2, 3), (3, 2)])
def test_monomials_are_scikit_learns(dimension, degree):
    points = seeds.generator("test", "monomials").normal(size=(6, dimension))
    theirs = PolynomialFeatures(degree).fit(points)
    assert powers(dimension, degree) == [tuple(row) for row in theirs.powers_.tolist()]
    np.testing.assert_allclose(monomials(points, degree), theirs.transform(points))


def test_a_polynomial_is_written_for_people():
    assert written(np.array([-0.6, 0, 0, 1, 0, 1]), 2, 2) == "- 0.6 + 1 x1^2 + 1 x2^2"
    assert written(np.zeros(3), 2, 1) == "0"


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_the_least_degree_is_that_of_the_truth(degree):
    rows, labels = petals(250, degree, 0.03, 1)
    boundary = least_degree(rows, labels)
    assert boundary.degree == degree
    assert boundary.accuracy == 1
    assert (np.sign(boundary(rows)) == labels).all()


def test_exclusive_or_needs_degree_two():
    rows = np.array([[0.0, 0], [1, 1], [0, 1], [1, 0]])
    labels = np.array([1.0, 1, -1, -1])
    assert fit_boundary(rows, labels, 1).accuracy < 1
    assert least_degree(rows, labels).degree == 2


def test_a_mixture_of_both_classes_proves_that_no_line_parts_them():
    rows = np.array([[0.0, 0], [1, 1], [0, 1], [1, 0]])
    labels = np.array([1.0, 1, -1, -1])
    assert hulls_apart(rows, labels, 1) == pytest.approx(0, abs=1e-12)
    assert hulls_apart(rows, labels, 2) > 0.01
    # Of x = 0 and x = 2: |l (1, 0) - (1 - l) (1, 2)|^2 = 8 l^2 - 12 l + 5 is 1/2 at l = 3/4.
    found = hulls_apart(np.array([[0.0], [2.0]]), np.array([1.0, -1.0]), 1)
    assert found == pytest.approx(0.5**0.5)


def test_there_may_be_none():
    rows, labels = np.zeros((2, 2)), np.array([1.0, -1.0])
    assert least_degree(rows, labels, highest=3) is None


def test_columns_of_very_different_sizes_do_no_harm():
    rows, labels = petals(200, 2, 0.03, 2)
    assert least_degree(rows * [1e-3, 1e3], labels).degree == 2


def test_degrees_are_tried_until_one_is_right_on_all_points():
    rows, labels = petals(250, 3, 0.03, 1)
    found = list(by_degree(rows, labels, 6))
    assert [boundary.degree for boundary in found] == [1, 2, 3]
    assert [boundary.accuracy == 1 for boundary in found] == [False, False, True]


def test_the_degree_is_that_of_any_affine_image():
    rows, labels = petals(200, 2, 0.03, 3)
    turned = rows @ np.array([[2.0, 1.0], [-1.0, 3.0]]) + [5.0, -4.0]
    assert least_degree(turned, labels).degree == least_degree(rows, labels).degree == 2
