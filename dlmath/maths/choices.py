"""A word that an argument of an experiment may be, and what it stands for."""

from collections.abc import Mapping
from typing import TypeVar

from dlmath.errors import UserError, did_you_mean

Value = TypeVar("Value")


def choose(name: str, word: str, choices: Mapping[str, Value]) -> Value:
    """Return what `word` stands for.

    Raises:
        UserError: It is none of the choices.
    """
    if word not in choices:
        raise UserError(
            f"`{name}` must be one of {', '.join(choices)}. Received: {name}={word!r}."
            f"{did_you_mean(word, choices)}"
        )
    return choices[word]
