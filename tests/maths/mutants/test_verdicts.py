"""Experiments on mutants: what is noticed, what is not, and what never ends."""

import numpy as np
import pytest

from dlmath.errors import CheckFailedError, UserError
from dlmath.maths import Outcome, Sabotage, Source
from dlmath.maths.experiment_base import at_least, at_most, experiment
from dlmath.maths.mutants import audit, audit_all
from dlmath.maths.mutants.forked import judge
from dlmath.maths.plots import curves

NUMBERS = np.array([1.0, 2.0, 6.0])
CHART = curves("Numbers", "place", "number", {"numbers": ([0, 1, 2], NUMBERS)})
PAGE = {
    "title": "The mean",
    "statement": "The mean of 1, 2 and 6 is 3.",
    "sources": (Source("tsemo", 1, "Tsemo"),),
    "sabotage": Sabotage("the numbers are others", {"shift": 1.0}),
}


def average(numbers):
    return numbers.sum() / len(numbers)


def halvings(number):
    count = 0
    while number > 1:
        number = number // 2
        count += 1
    return count


@experiment(**PAGE, about=("average",))
def two_sided(*, shift: float = 0.0) -> Outcome:
    """`shift` is added to the numbers."""
    mean = average(NUMBERS + shift)
    return Outcome((at_most("mean", mean, 3 + 1e-12), at_least("mean", mean, 3 - 1e-12)), CHART)


@experiment(**PAGE, about=("average",))
def one_sided(*, shift: float = 0.0) -> Outcome:
    """`shift` is added to the numbers."""
    return Outcome((at_most("mean", average(NUMBERS + shift), 3.5),), CHART)


@experiment(**PAGE, about=("average",))
def wrong_as_it_is(*, shift: float = 0.0) -> Outcome:
    """`shift` is added to the numbers."""
    return Outcome((at_most("mean", average(NUMBERS + shift), 2),), CHART)


@experiment(**PAGE, about=("halvings",))
def counted(*, shift: float = 0.0) -> Outcome:
    """`shift` is added to the count."""
    return Outcome((at_most("away from 3", abs(halvings(8) + shift - 3), 0),), CHART)


def test_an_experiment_with_bounds_on_both_sides_notices_every_change():
    found = audit(two_sided)
    assert found.survivors == []
    assert len(found.judged) >= 6


def test_an_experiment_with_one_bound_is_found_weak():
    changes = {mutant.change for mutant in audit(one_sided).survivors}
    assert "result `numbers.sum() / len(numbers)` negated" in changes
    assert "result `numbers.sum() / len(numbers)` zero" in changes
    assert "`len(numbers)` dropped in `numbers.sum() / len(numbers)`" not in changes


def test_what_never_ends_is_noticed_too():
    hows = {one.mutant.change: one.how for one in audit(counted).judged}
    assert hows["`number = number // 2` left out"] == "does not end"
    assert hows["`count += 1` left out"] == "fails"
    assert set(hows.values()) <= {"fails", "raises", "does not end"}


def test_nothing_is_said_of_an_experiment_that_does_not_hold_as_it_is():
    with pytest.raises(CheckFailedError, match="wrong-as-it-is fails as it is"):
        audit(wrong_as_it_is)


def test_the_function_is_right_again_after_the_audit():
    audit(one_sided)
    assert average(NUMBERS) == 3


@pytest.mark.parametrize(
    ("holds", "how"),
    [
        (lambda: True, "holds"),
        (lambda: False, "fails"),
        (lambda: 1 / 0, "raises"),
        (lambda: np.ones(1 << 40), "raises"),  # more memory than is granted
    ],
)
def test_how_a_computation_ends(holds, how):
    assert judge(holds, 5).how == how


def test_memory_that_the_process_has_already_does_not_count():
    held = np.empty(9 << 30, np.uint8)  # addresses only: none of it is written
    assert judge(lambda: np.ones(1 << 24).all(), 5).how == "holds"
    assert held.nbytes > 8 << 30


def test_experiments_are_audited_in_processes_of_their_own_and_in_order():
    done = []
    names = ["rmsprop-is-scale-free", "best-step"]
    found = audit_all(names, 2, lambda *args: done.append(args))
    assert [one.experiment for one in found] == names
    assert [(number, of) for number, of, _ in done] == [(1, 2), (2, 2)]
    assert all(one.judged for one in found)


def test_an_unknown_experiment_is_refused_before_anything_is_run():
    with pytest.raises(UserError, match="no experiment 'best-stop'"):
        audit_all(["best-step", "best-stop"])
