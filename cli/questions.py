"""Questions on a terminal: they are asked again until the answer can be used.

They go to stderr: stdout holds only results. Ctrl-C leaves with exit code 130.
"""

import string
from collections.abc import Callable, Sequence
from typing import TypeVar

from dlmath.cli.output import ERR
from dlmath.errors import UserError
from dlmath.names import folded

Value = TypeVar("Value")


def choose(question: str, choices: Sequence[str], instead: str) -> str:
    """Return the choice that is typed, by its mark or its name, without regard to case.

    Args:
        question: A sentence.
        choices: From 1 to 26.
        instead: The option that says the same, named when the input ends.

    Raises:
        UserError: The input ended without an answer.
    """
    marks = _marks(choices)
    ERR.line(question)
    for mark, choice in zip(marks, choices, strict=True):
        ERR.line(f"  {mark}  {choice}")
    advice = f"Type {' or '.join(marks)}, or the name."

    def read(answer: str) -> str:
        named = [one for one in choices if one == answer]
        named += [one for one in choices if folded(one) == folded(answer)]
        named += [one for mark, one in zip(marks, choices, strict=True) if mark == answer]
        if named:
            return named[0]
        raise UserError(f"There is no choice {answer!r}. {advice}")

    return ask(f"{' or '.join(marks)}:", read, f"Nothing was typed. {advice}", instead)


def _marks(choices: Sequence[str]) -> list[str]:
    """Return what stands before each choice: a number, or a letter where a name is a number."""
    if any(choice.isdecimal() for choice in choices):
        return list(string.ascii_lowercase[: len(choices)])
    return [str(number) for number in range(1, len(choices) + 1)]


def ask(prompt: str, read: Callable[[str], Value], on_nothing: str, instead: str) -> Value:
    """Ask until `read` takes the answer.

    Args:
        prompt: Stands before the answer.
        read: Returns what the answer means, or raises a `UserError` that says what is wrong.
        on_nothing: Said when Enter is pressed on nothing; "" where that is an answer too.
        instead: The option that says the same, named when the input ends.

    Raises:
        UserError: The input ended without an answer.
    """
    while True:
        try:
            answer = ERR.ask(prompt)
        except EOFError:
            ERR.line()  # ends the line of the prompt
            raise UserError(f"The input ended without an answer. Pass {instead}") from None
        if not answer and on_nothing:
            ERR.line(on_nothing)
            continue
        try:
            return read(answer)
        except UserError as error:
            ERR.line(str(error))
