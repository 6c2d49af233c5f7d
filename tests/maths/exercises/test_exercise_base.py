"""Each exercise tells right from wrong; a check says why and never raises."""

import re
from fractions import Fraction

import numpy as np
import pytest
from numpy.polynomial import legendre

from dlmath.errors import UserError
from dlmath.maths import exercises
from dlmath.maths.formulas import MINUS

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


def test_a_notebook_shows_formulas_of_a_question_and_values_as_they_are():
    one = exercises.find("best-rate")
    assert f"max |1 {MINUS} rate x| over x in [&mu;, L]" in one.check(lambda *_: None)._repr_html_()
    assert "2/(&mu; + L)" in one.check(one.solution)._repr_html_()
    refused = exercises.check("variance-of-lambda", lambda _: -1e-3)._repr_html_()
    assert "it returns -0.001, not" in refused


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
    assert repr(verdict) == f"Not answered yet: it returns nothing. {one.question}"


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
@pytest.mark.parametrize(
    "given", ["0.5", {"x": 1.0}, [1.0, [2.0, 3.0]], len, [None], np.nan, [], 1j], ids=repr
)
def test_what_is_no_answer_is_refused_with_a_reason_of_the_judge(one, given):
    verdict = one.check(lambda *arguments: given)
    assert verdict.right is False
    assert verdict.reason.startswith(("It must return", "It has the shape", "For ", "dL/dx has"))


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
@pytest.mark.parametrize("form", [np.float32, np.ndarray.tolist, np.complex128], ids=repr)
def test_a_right_answer_may_be_of_another_type(one, form):
    def answer(*arguments):
        given = one.solution(*arguments)
        if isinstance(given, tuple):
            return [form(np.asarray(entry)) for entry in given]
        return form(np.asarray(given))

    assert one.check(answer).right, one.check(answer)


def test_fractions_and_an_array_of_one_are_numbers():
    judge = exercises.compared((3.0,))
    assert judge(lambda x: Fraction(1, 3), lambda x: 1 / x) == ""
    assert judge(lambda x: np.array([[1 / x]]), lambda x: 1 / x) == ""


@pytest.mark.parametrize("answer", [0.2, None, np.ones(3)], ids=repr)
def test_the_value_in_the_place_of_the_function_is_refused(answer):
    verdict = exercises.check("best-rate", answer)
    assert verdict.right is False
    assert verdict.reason.startswith("Hand over the function itself")


def test_seven_digits_of_the_threshold_are_enough_and_five_are_not():
    assert exercises.check("newton-threshold", lambda: 1.088659).right
    assert exercises.check("newton-threshold", lambda: 1.0887).right is False


@pytest.mark.parametrize(
    "places",
    [
        lambda n: np.cos(np.pi * np.arange(n + 1) / n),
        lambda n: legendre.leggauss(n + 1)[0],
        lambda n: [np.sin(np.pi * (k / n - 0.5)) for k in range(n + 1)],
    ],
    ids=["Chebyshev's extrema", "Gauss", "a list"],
)
def test_other_places_than_those_of_the_solution_are_good(places):
    assert exercises.check("good-places", places).right


@pytest.mark.parametrize(
    "features",
    [
        lambda points: np.linalg.norm(points, axis=1, keepdims=True),
        lambda points: 1e6 * points**2,
        lambda points: np.exp(-(points**2).sum(axis=1))[:, np.newaxis],
    ],
    ids=["the length", "large squares", "a hill"],
)
def test_other_features_than_those_of_the_solution_part_the_ring(features):
    assert exercises.check("ring-features", features).right


def test_two_of_three_gradients_are_refused_by_their_names():
    verdict = exercises.check("dense-backward", lambda x, w, g: (g @ w.T, x.T @ g))
    assert repr(verdict) == "Not yet. It must return three arrays: dL/dx, dL/dW, dL/db."


def test_a_wrong_gradient_is_told_a_direction_in_which_it_is_wrong():
    verdict = exercises.check("least-squares-gradient", lambda x, w, y: 2 * x.T @ (x @ w - y))
    changes, claimed = re.search(r"rate (\S+), and .* is (\S+)\.$", verdict.reason).groups()
    assert float(claimed) == pytest.approx(2 * float(changes), rel=1e-3)


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
