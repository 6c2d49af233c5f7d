"""Each exercise tells right from wrong; a check says why and never raises."""

import numpy as np
import pytest

from dlmath.errors import UserError
from dlmath.maths import exercises

EVERY = list(exercises.all_exercises().values())
MISTAKES = [
    pytest.param(one, answer, id=f"{one.name}: {name}")
    for one in EVERY
    for name, answer in one.mistakes.items()
]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_the_solution_is_right(one):
    verdict = one.check(one.solution)
    assert verdict.right, verdict
    assert one.question
    assert one.insight in repr(verdict)


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_two_mistakes_or_more_are_known(one):
    assert len(one.mistakes) >= 2


@pytest.mark.parametrize(("one", "answer"), MISTAKES)
def test_a_typical_mistake_is_refused_with_a_reason(one, answer):
    verdict = one.check(answer)
    assert verdict.right is False
    assert "raised" not in verdict.reason  # refused for what it returns, not for a slip in the test
    assert len(verdict.reason) > 20


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
@pytest.mark.parametrize("nothing", [None, ...])
def test_an_open_exercise_is_no_failure(one, nothing):
    verdict = one.check(lambda *arguments: nothing)
    assert verdict.right is None
    assert repr(verdict) == f"Not answered yet. {one.question}"


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_the_source_of_the_solution_stands_alone(one):
    source = exercises.solution(one.name)
    assert repr(source).startswith("def ")
    assert "@exercise" not in source


def test_what_an_answer_raises_is_reported():
    def answer(*arguments):
        raise ZeroDivisionError("division by zero")

    verdict = exercises.check("best-rate", answer)
    assert repr(verdict) == "Not yet. It raised ZeroDivisionError: division by zero"


def test_compared_names_the_case_and_both_values():
    judge = exercises.compared((2.0, np.ones(2)))
    reason = judge(lambda a, x: a * x, lambda a, x: a * x + 1)
    assert reason == "For (2, [1., 1.]) it returns [2., 2.], not [3., 3.]."


def test_compared_writes_no_long_array():
    judge = exercises.compared((np.ones((30, 3)),))
    assert judge(lambda x: 1.0, lambda x: 2.0) == "For (an array (30, 3)) it returns 1, not 2."


def test_compared_of_a_function_without_arguments():
    assert exercises.compared(())(lambda: 1.0, lambda: 2.0) == "Here it returns 1, not 2."


def test_compared_refuses_another_shape():
    judge = exercises.compared((np.ones(3),))
    assert "shape (), not (3,)" in judge(lambda x: 1.0, lambda x: x)


def test_compared_refuses_what_is_not_a_number():
    assert exercises.compared((1.0,))(lambda x: float("nan"), lambda x: x)


def test_an_answer_cannot_spoil_the_arguments():
    def spoiling(x):
        x[:] = 0
        return 6.0

    one = exercises.Exercise(
        "sum", "Return it.", exercises.compared((np.arange(4.0),)), "", {}, lambda x: x.sum()
    )
    assert one.check(spoiling).right


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="best-rate"):
        exercises.check("best-rates", lambda: None)
