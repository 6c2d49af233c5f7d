"""An exercise: a question, a judge that gives a reason, a solution, and mistakes to be refused.

A judge that accepts everything teaches nothing, so each exercise brings its typical mistakes; a
test holds that the solution passes and that every one of the mistakes is refused.
"""

import inspect
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from dlmath.maths.formulas import typeset

LONGEST = 12  # entries of an array that a reason still writes out

Answer = Callable[..., Any]
Judge = Callable[[Answer, Answer], str]  # (answer, solution) -> a reason, empty when it is right


class NotAnswered(Exception):
    """The function that was to be filled in still returns nothing."""


class Refused(Exception):
    """Raised where an answer can be compared with nothing; the text is the reason."""


class Text(str):
    """A text that a notebook shows as it is read, not as Python writes it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Verdict:
    """The verdict of a check on an answer; a notebook shows it as one sentence.

    Attributes:
        right: True or False, and None where nothing was answered.
        reason: Why.
    """

    right: bool | None
    reason: str

    def __repr__(self) -> str:
        open_yet = "Not answered yet: it returns nothing."
        word = {True: "Right.", False: "Not yet.", None: open_yet}[self.right]
        return f"{word} {self.reason}".rstrip()

    def _repr_html_(self) -> str:
        """Return it with the formulas of a question or an insight typeset; values stay as typed."""
        return f"<p>{escape(repr(self)) if self.right is False else typeset(repr(self))}</p>"


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
        if not callable(answer):
            given = reprlib.repr(answer)
            return Verdict(False, f"Hand over the function itself, uncalled. Received: {given}")

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
        except Refused as refused:
            return Verdict(False, str(refused))
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


def numbers(given: Any) -> np.ndarray:
    """Return what an answer returned, a number or an array or lists of them, as an array.

    Raises:
        Refused: It is a text, a function, rows of different lengths, or the like.
    """
    try:
        values = np.asarray(given)
        if values.dtype.kind == "O":  # fractions, decimals and symbols become numbers
            values = values.astype(float)
    except (TypeError, ValueError):
        values = np.array("")
    if values.dtype.kind not in "biufc":
        raise Refused(f"It must return numbers. It returns {reprlib.repr(given)}.")
    # What comes out of a Fourier transform or of roots has imaginary parts of rounding.
    return np.real_if_close(values, tol=1e6)


def number(given: Any) -> float:
    """Return what an answer returned as one number; an array of one entry is one too.

    Raises:
        Refused: It is none, or not finite.
    """
    values = numbers(given)
    if values.size != 1 or np.iscomplexobj(values) or not np.isfinite(values).all():
        raise Refused(f"It must return one finite number. It returns {_short(values)}.")
    return float(values.item())


def compared(*cases: tuple[Any, ...], tolerance: float = 1e-6) -> Judge:
    """Return the judge that compares an answer with the solution, on each case of arguments.

    Numbers and arrays are compared to an absolute and relative `tolerance`, by default one that
    the rounding of float32 passes. Where one number is asked for, an array of one will do.
    """

    def judge(answer: Answer, solution: Answer) -> str:
        for case in cases:
            given, expected = numbers(answer(*case)), np.asarray(solution(*case))
            if given.size == 1 and expected.ndim == 0:
                given = given.reshape(())
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
        return f"{values.item():.8g}"
    return np.array2string(values, precision=8, separator=", ").replace("\n", "")
