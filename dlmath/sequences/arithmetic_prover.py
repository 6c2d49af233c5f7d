"""Proofs of a formal arithmetic, line by line; `arithmetic_checker` says what a proof is."""

from dlmath.sequences.arithmetic_terms import (
    Proposition,
    Term,
    is_true,
    proposition_tokens,
    term_tokens,
    value,
)


def proven(proposition: Proposition) -> list[str]:
    """Return a proposition with its proof, or with its refutation, as tokens.

    Each line is needed by a later one, and no term has two lines. The left side comes first, and
    of each term its parts from left to right.
    """
    lines: dict[Term, int] = {}
    for side in proposition:
        _prove(side, lines)
    written = [
        token
        for term, numeral in lines.items()
        for token in (*term_tokens(term), str(numeral), ";")
    ]
    return [
        *proposition_tokens(proposition),
        ":",
        *written,
        "T" if is_true(proposition) else "F",
    ]


def _prove(term: Term, lines: dict[Term, int]) -> None:
    """Add the lines that a term's value needs, and its own."""
    if isinstance(term, int) or term in lines:
        return
    operation, *parts = term
    for part in parts:
        _prove(part, lines)
    if operation != "S":
        x, y = (value(part) for part in parts)
        (_plus if operation == "+" else _times)(x, y, lines)
    lines[term] = value(term)


def _plus(x: int, y: int, lines: dict[Term, int]) -> None:
    for step in range(y + 1):
        lines.setdefault(("+", x, step), x + step)


def _times(x: int, y: int, lines: dict[Term, int]) -> None:
    for step in range(y + 1):
        if ("*", x, step) in lines:
            continue
        if step:
            _plus(x * (step - 1), x, lines)
        lines["*", x, step] = x * step
