import numpy as np
from sklearn.decomposition import PCA

from dlmath import seeds
from dlmath.maths.components import Components


def rows_of(count: int) -> np.ndarray:
    rng = seeds.generator("test", "components")
    return rng.normal(size=(count, 4)) * [3.0, 1.0, 0.5, 0.1] + 7.0


def test_they_are_scikit_learns_up_to_the_sign():
    rows = rows_of(50)
    theirs = PCA(3, svd_solver="full").fit(rows)
    ours = Components.of(rows, 3)
    np.testing.assert_allclose(np.abs(ours.directions.T), np.abs(theirs.components_), atol=1e-9)
    scale = np.sqrt(theirs.explained_variance_ * 49 / 50)  # theirs divides by N - 1
    np.testing.assert_allclose(np.abs(ours(rows)), np.abs(theirs.transform(rows) / scale))


def test_coordinates_are_uncorrelated_and_of_deviation_one():
    rows = rows_of(30)
    coordinates = Components.of(rows, 4)(rows)
    np.testing.assert_allclose(coordinates.T @ coordinates / 30, np.eye(4), atol=1e-9)


def test_no_more_of_them_than_the_rows_span():
    flat = rows_of(40) @ np.diag([1.0, 1, 0, 0])
    assert Components.of(flat, 4)(flat).shape == (40, 2)
    assert Components.of(rows_of(3), 4)(rows_of(5)).shape == (5, 2)
