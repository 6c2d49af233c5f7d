"""NaN is never passed over: neither among extremes nor in a check."""

import ast
import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.maths.experiment_base import at_least, at_most
from dlmath.maths.extremes import largest_of, smallest_of

NAN = float("nan")


@pytest.mark.parametrize("values", list(permutations([1.0, NAN, math.inf])), ids=str)
def test_nan_is_the_extreme_wherever_it_stands(values):
    for extreme in (largest_of, smallest_of):
        assert math.isnan(extreme(values))
        assert math.isnan(extreme(*values))


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_of_numbers_it_is_the_built_in_extreme(values):
    assert largest_of(values) == max(values)
    assert smallest_of(iter(values)) == min(values)


def test_a_number_keeps_its_type_and_nothing_has_a_default():
    assert type(largest_of(2, 3)) is int
    assert smallest_of([], default=7) == 7
    with pytest.raises(ValueError, match="empty"):
        largest_of([])


@pytest.mark.parametrize("values", list(permutations([0.0, NAN, 0.5])), ids=str)
@pytest.mark.parametrize("form", [tuple, np.array, iter])
def test_a_check_of_several_values_fails_if_one_is_undefined(values, form):
    assert not at_most("error", form(values), 1).holds
    assert not at_least("error", form(values), -1).holds


def test_a_check_of_several_values_is_that_of_the_worst():
    assert at_most("error", [0.5, 2.0], 1).value == 2
    assert at_least("gain", (x for x in (0.5, 2.0)), 1).value == 0.5
    assert at_most("error", np.float64(3), 3).holds


def built_in_extremes(source):
    """Return the calls of the built-in max and min but for guards: those with a constant."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        ast.unparse(call)
        for call in calls
        if ast.unparse(call.func) in ("max", "min")
        and not any(isinstance(one, ast.Constant) for one in call.args)
        and not call.keywords
    ]


def test_no_experiment_takes_an_extreme_that_passes_nan_over(repository):
    found = {
        path.name: built_in_extremes(path.read_text(encoding="utf-8"))
        for path in (repository / "dlmath/maths/experiments").glob("*.py")
    }
    assert {name: calls for name, calls in found.items() if calls} == {}
