r"""Terms and propositions of a formal arithmetic, as trees and as tokens.

A term is a numeral, S t (the successor of t), + t u or * t u; a proposition is an equation = t u.
All are written in Polish notation, an operation before its terms, which needs no brackets:
2 * (1 + 3) is `* 2 + 1 3`. The numeral n abbreviates S S ... S 0, and S n is n + 1 by definition.
"""

from typing import Any, NamedTuple

from dlmath.errors import UserError

LARGEST = 24  # numeral
ARITY = {"S": 1, "+": 2, "*": 2}

Term = int | tuple[Any, ...]


class Proposition(NamedTuple):
    """An equation of two terms, true or false.

    Attributes:
        left, right: An integer, or a tuple of an operation and its terms: `("+", 1, ("S", 0))`.
    """

    left: Term
    right: Term


def value(term: Term) -> int:
    """Return the natural number that a term stands for."""
    if isinstance(term, int):
        return term
    operation, *parts = term
    values = [value(part) for part in parts]
    if operation == "S":
        return values[0] + 1
    return values[0] + values[1] if operation == "+" else values[0] * values[1]


def is_true(proposition: Proposition) -> bool:
    """Return whether both sides stand for the same number."""
    return value(proposition.left) == value(proposition.right)


def depth(term: Term) -> int:
    """Return how many operations stand inside each other at most; a numeral has 0."""
    return 0 if isinstance(term, int) else 1 + max(depth(part) for part in term[1:])


def term_tokens(term: Term) -> list[str]:
    """Return a term in Polish notation."""
    if isinstance(term, int):
        return [str(term)]
    return [term[0], *(token for part in term[1:] for token in term_tokens(part))]


def proposition_tokens(proposition: Proposition) -> list[str]:
    """Return a proposition in Polish notation: `=`, its left side, its right side."""
    return ["=", *term_tokens(proposition.left), *term_tokens(proposition.right)]


def parsed(text: str) -> Proposition:
    """Return the proposition that a text in Polish notation says.

    Raises:
        UserError: It says none.
    """
    tokens = text.split()
    try:
        if tokens[0] != "=":
            raise ValueError(tokens[0])
        left, rest = _read(tokens[1:])
        right, rest = _read(rest)
    except (IndexError, ValueError) as error:
        raise UserError(_NOT_ONE.format(text)) from error
    if rest:
        raise UserError(_NOT_ONE.format(text))
    return Proposition(left, right)


_NOT_ONE = (
    "A proposition is `=` and two terms in Polish notation, with S, + and * and numerals: "
    "`= + 2 * 1 3 5`. Received: {!r}"
)


def _read(tokens: list[str]) -> tuple[Term, list[str]]:
    head, *rest = tokens
    if head not in ARITY:
        if not head.isdecimal():
            raise ValueError(head)
        return int(head), rest
    parts = []
    for _ in range(ARITY[head]):
        part, rest = _read(rest)
        parts.append(part)
    return (head, *parts), rest
