"""An exercise: a question, a judge that gives a reason, a solution, and mistakes to be refused.

A judge that accepts everything teaches nothing, so each exercise brings its typical mistakes; a
test holds that the solution passes and that every one of the mistakes is refused.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST = 12  # entries of an array that a reason still writes out

Answer = Callable[..., Any]
Judge = Callable[[Answer, Answer], str]  # (answer, solution) -> a reason, empty when it is right


class NotAnswered(Exception):
    """The function that was to be filled in still returns nothing."""


class Text(str):
    """A text that a notebook shows as it is read, not as Python writes it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer; a notebook shows it as one sentence.

    Attributes:
        right: True or False, and None where nothing was answered.
        reason: Why.
    """

    right: bool | None
    reason: str

    def __repr__(self) -> str:
        word = {True: "Right.", False: "Not yet.", None: "Not answered yet."}[self.right]
        return f"{word} {self.reason}".rstrip()


@dataclass(frozen=True)
class Exercise:
    """A function for the reader to write.

    Attributes:
        name: As in `check`.
        question: What it returns; the docstring of the solution.
        judge: Says what is wrong with an answer.
        insight: What is said once it is right.
        mistakes: Wrong answers by their names; the judge refuses them all.
        solution: A right one.
    """

    name: str
    question: str
    judge: Judge
    insight: str
    mistakes: Mapping[str, Answer]
    solution: Answer

    def check(self, answer: Answer) -> Verdict:
        """Return whether an answer is right, and why; nothing that it does raises an error."""

        def asked(*arguments: Any) -> Any:
            # A copy, so that an answer that writes into its arguments spoils no comparison.
            given = answer(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
            if given is None or given is Ellipsis:
                raise NotAnswered
            return given

        try:
            reason = self.judge(asked, self.solution)
        except NotAnswered:
            return Verdict(None, self.question)
        except Exception as error:  # whatever a reader's function may do
            return Verdict(False, f"It raised {type(error).__name__}: {error}")
        return Verdict(not reason, reason or self.insight)

    def source(self) -> Text:
        """Return the solution's source, without what makes it an exercise."""
        text = inspect.getsource(self.solution)
        return Text(text[text.index("\ndef ") :].strip())


def exercise(
    *, judge: Judge, insight: str, mistakes: Mapping[str, Answer]
) -> Callable[[Answer], Exercise]:
    """Make an `Exercise` of its solution, the function below, whose docstring is the question."""

    def make(solution: Answer) -> Exercise:
        name = solution.__name__.replace("_", "-")
        question = " ".join((inspect.getdoc(solution) or "").split())
        return Exercise(name, question, judge, insight, mistakes, solution)

    return make


def compared(*cases: tuple[Any, ...], tolerance: float = 1e-9) -> Judge:
    """Return the judge that compares an answer with the solution, on each case of arguments.

    Numbers and arrays are compared to an absolute and relative `tolerance`.
    """

    def judge(answer: Answer, solution: Answer) -> str:
        for case in cases:
            given, expected = np.asarray(answer(*case)), np.asarray(solution(*case))
            if given.shape != expected.shape:
                return f"{_called(case)} it has the shape {given.shape}, not {expected.shape}."
            if not np.allclose(given, expected, rtol=tolerance, atol=tolerance):
                return f"{_called(case)} it returns {_short(given)}, not {_short(expected)}."
        return ""

    return judge


def _called(case: tuple[Any, ...]) -> str:
    if not case:
        return "Here"
    return f"For ({', '.join(_short(np.asarray(argument)) for argument in case)})"


def _short(values: np.ndarray) -> str:
    if values.size > LONGEST:
        return f"an array {values.shape}"
    if values.ndim == 0 and np.issubdtype(values.dtype, np.number):
        return f"{values.item():.6g}"
    return np.array2string(values, precision=6, separator=", ").replace("\n", "")
