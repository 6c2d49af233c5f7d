import numpy as np
import pytest

from dlmath.maths.differences import central


def test_the_gradient_of_a_number_has_the_shape_of_the_point():
    point = np.array([[1.0, 2.0], [3.0, -4.0]])
    np.testing.assert_allclose(central(lambda x: float(np.sum(x**3)), point), 3 * point**2)


def test_the_jacobian_of_a_vector_has_the_point_first():
    matrix = np.arange(6.0).reshape(2, 3)
    found = central(lambda x: matrix @ x, np.ones(3))
    np.testing.assert_allclose(found, matrix.T)


def test_the_error_is_of_second_order():
    errors = [abs(central(np.exp, np.zeros(1), step)[0, 0] - 1) for step in (1e-2, 1e-3)]
    assert errors == pytest.approx([1e-4 / 6, 1e-6 / 6], rel=1e-3)
