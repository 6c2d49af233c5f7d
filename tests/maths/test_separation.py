import numpy as np

from dlmath.maths.separation import separating_plane, weakly_separating_plane

LABELS = np.array([1.0, 1.0, -1.0, -1.0])


def test_points_of_both_classes_on_the_plane_are_separated_weakly_alone():
    points = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 1.0]])
    plane = weakly_separating_plane(points, LABELS)
    assert separating_plane(points, LABELS) is None
    assert (LABELS * (points @ plane) >= -1e-9).all()
    assert (LABELS * (points @ plane)).max() > 0.5


def test_what_is_separated_strictly_is_so_weakly():
    points = np.array([[2.0, 1.0], [1.0, 3.0], [-1.0, 0.5], [-2.0, -1.0]])
    assert weakly_separating_plane(points, LABELS) is not None


def test_there_is_none_for_classes_that_overlap():
    points = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert weakly_separating_plane(points, LABELS) is None
