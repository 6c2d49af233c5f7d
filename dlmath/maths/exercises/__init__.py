"""The exercises of the notebooks, with checks that the reader runs.

In a notebook the reader fills in a function and runs the cell. As long as it returns nothing, the
check says so and fails nothing, so a notebook with open exercises still runs from top to bottom::

    from dlmath.maths import exercises

    def best_rate(mu, smoothness):
        ...  # your answer

    exercises.check("best-rate", best_rate)  # Not answered yet: it returns nothing. ...

`exercises.solution("best-rate")` shows the source of a right answer.

The exercises of a notebook are functions under `@exercise` in one module of this package, listed
in `MODULES`. The function is the solution and its docstring the question; with it stand the judge
and the typical mistakes, which a test runs through the judge. `compared(case, ...)` is the judge
that compares an answer with the solution; a judge of one's own is a function of (answer, solution)
that returns what is wrong, in a sentence that helps, or an empty text.
"""

import importlib
from functools import cache

from dlmath.errors import UserError, did_you_mean
from dlmath.maths.exercises.exercise_base import Answer, Exercise, Text, Verdict, compared, exercise

__all__ = [
    "Exercise",
    "Verdict",
    "all_exercises",
    "check",
    "compared",
    "exercise",
    "find",
    "solution",
]

MODULES = (
    "start",
    "backpropagation",
    "optimisation",
    "networks",
    "approximation",
    "convolution",
    "evaluation",
    "geometry",
)


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its name, in the order of the notebooks."""
    return {
        value.name: value
        for module in MODULES
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values()
        if isinstance(value, Exercise)
    }


def find(name: str) -> Exercise:
    """Return the exercise of that name.

    Raises:
        UserError: There is none.
    """
    if name not in all_exercises():
        raise UserError(
            f"There is no exercise {name!r}.{did_you_mean(name, all_exercises())} "
            f"There are {', '.join(all_exercises())}."
        )
    return all_exercises()[name]


def check(name: str, answer: Answer) -> Verdict:
    """Return whether the function `answer` solves the exercise, and why (not)."""
    return find(name).check(answer)


def solution(name: str) -> Text:
    """Return the source of a right answer."""
    return find(name).source()
