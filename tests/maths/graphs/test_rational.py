from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.maths.graphs.rational import (
    characteristic_polynomial,
    is_positive_definite,
    power_traces,
    solution,
    times,
)


@st.composite
def matrices(draw, rows=3, columns=3):
    entries = st.fractions(-3, 3, max_denominator=3)
    line = st.lists(entries, min_size=columns, max_size=columns)
    return draw(st.lists(line, min_size=rows, max_size=rows))


@given(matrices())
def test_the_polynomial_is_numpys_and_the_trace_is_the_sum_of_powers_of_its_roots(matrix):
    found = [float(one) for one in characteristic_polynomial(matrix)]
    floats = np.array(matrix, float)
    np.testing.assert_allclose(found, np.poly(floats), atol=1e-9)
    cubes = np.trace(np.linalg.matrix_power(floats, 3))
    assert float(power_traces(matrix, 3)[2]) == pytest.approx(cubes, abs=1e-9)


@given(matrices(4, 2), st.lists(st.fractions(-2, 2, max_denominator=4), min_size=2, max_size=2))
def test_a_solution_solves_and_a_right_side_off_the_image_has_none(matrix, x):
    right = times(matrix, x)
    if np.linalg.matrix_rank(np.array(matrix, float)) < 2:
        with pytest.raises(ArithmeticError, match="rank below 2"):
            solution(matrix, right)
        return
    assert solution(matrix, right) == x
    # Three more rows: one of them forces x to be another one.
    assert solution([*matrix, matrix[0]], [*right, right[0] + 1]) is None


@given(matrices())
def test_a_gram_matrix_is_positive_definite_if_the_rank_is_full(matrix):
    gram = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in matrix] for x in matrix]
    assert is_positive_definite(gram) == (np.linalg.matrix_rank(np.array(matrix, float)) == 3)
    assert not is_positive_definite([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]])
