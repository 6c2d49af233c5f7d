r"""A checker of proofs in a formal arithmetic. It reads tokens, whoever wrote them.

A proof follows its proposition after `:`. Each line is an equation of a term and a numeral and ends
in `;`. It must be an axiom or follow from lines above it. With numerals x, y, z, v, a, b and terms
t, u:

    S x = x + 1        what the numeral x + 1 abbreviates
    + x 0 = x          + x (y + 1) = z + 1    if + x y = z
    * x 0 = 0          * x (y + 1) = z        if * x y = v and + v x = z
    S t = a + 1        if t = a
    + t u = z          if t = a, u = b and + a b = z; the same for *

The recursion equations are Peano's; the last two rows are congruence with transitivity, and a
numeral is equal to itself. The proof ends in `T` if both sides of the proposition were shown equal
to one numeral, and in `F` if they were shown equal to two: S x = 0 is false and S is injective, so
that distinct numerals are not equal.

**Soundness.** By induction over the lines, each is true of the natural numbers: every rule leads
from true equations to a true one. So `T` is accepted of true propositions only, and `F` of false
ones only.
"""

from collections.abc import Sequence

Tokens = tuple[str, ...]
WHERE = ":"  # the proof begins
END = ";"  # of a line


def accepts(tokens: Sequence[str]) -> bool:
    """Return whether tokens are a proposition with a proof, or with a refutation, of it.

    Args:
        tokens: The proposition, `:`, lines that end in `;`, and `T` or `F`.
    """
    if WHERE not in tokens or tokens[0] != "=":
        return False
    begins = list(tokens).index(WHERE)
    left, rest = _first_term(tokens[1:begins])
    right, rest = _first_term(rest)
    if not left or not right or rest:
        return False
    *lines, verdict = _split(tokens[begins + 1 :])
    if verdict not in (["T"], ["F"]):
        return False
    known: dict[Tokens, int] = {}
    for line in lines:
        term, last = _first_term(line)
        if len(last) != 1 or _numeral(last) is None or _follows(term, known) != _numeral(last):
            return False
        known[term] = int(last[0])
    sides = [_known(side, known) for side in (left, right)]
    return None not in sides and (sides[0] == sides[1]) == (verdict == ["T"])


def _split(tokens: Sequence[str]) -> list[list[str]]:
    """Return the lines, and as the last list what follows the last of them."""
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == END:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _follows(term: Tokens, known: dict[Tokens, int]) -> int | None:
    """Return the numeral that a term is equal to by one rule from what is known, or None."""
    if not term or term[0] not in ("S", "+", "*"):
        return None
    operation = term[0]
    first, rest = _first_term(term[1:])
    a = _known(first, known)
    if operation == "S":
        return None if a is None else a + 1
    b = _known(rest, known)
    if a is None or b is None:
        return None
    if _numeral(first) is None or _numeral(rest) is None:
        return known.get((operation, str(a), str(b)))
    return _plus(a, b, known) if operation == "+" else _times(a, b, known)


def _plus(x: int, y: int, known: dict[Tokens, int]) -> int | None:
    if y == 0:
        return x
    before = known.get(("+", str(x), str(y - 1)))
    return None if before is None else before + 1


def _times(x: int, y: int, known: dict[Tokens, int]) -> int | None:
    if y == 0:
        return 0
    before = known.get(("*", str(x), str(y - 1)))
    return None if before is None else known.get(("+", str(before), str(x)))


def _known(term: Tokens, known: dict[Tokens, int]) -> int | None:
    numeral = _numeral(term)
    return known.get(term) if numeral is None else numeral


def _numeral(term: Sequence[str]) -> int | None:
    """Return the value of a numeral in its one spelling, or None."""
    if len(term) != 1 or not (term[0].isascii() and term[0].isdecimal()):
        return None
    return int(term[0]) if str(int(term[0])) == term[0] else None


def _first_term(tokens: Sequence[str]) -> tuple[Tokens, Tokens]:
    """Return the term that tokens begin with, empty if there is none, and the tokens after it."""
    missing = 1
    for place, token in enumerate(tokens):
        if token in ("+", "*"):
            missing += 1
        elif token != "S":
            if _numeral([token]) is None:
                break
            missing -= 1
        if missing == 0:
            return tuple(tokens[: place + 1]), tuple(tokens[place + 1 :])
    return (), tuple(tokens)
