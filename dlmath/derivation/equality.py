"""Proof that two expressions in index notation are equal, for all sizes and entries.

The difference is zero where its normal form has no terms. If it has some, they are judged further,
by steps that never call equal what is not:

1. denominators: the difference is multiplied by the sums that stand under negative exponents;
2. summands: a sum is zero if its summand is;
3. cases: where an entry is compared with a number, the cases below it, at it and above it are
   judged one by one, with the comparison answered.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from dlmath.derivation.atoms import Applied, Entry, fresh
from dlmath.derivation.entrywise import atoms_of, rebuilt
from dlmath.derivation.index_notation import (
    BASE,
    INDICATORS,
    ONE,
    ZERO,
    Atom,
    Expression,
    Monomial,
    number,
    term,
    total,
)

Range = tuple[Fraction | None, Fraction | None]  # an open interval; None has no bound there
Ranges = Mapping[Entry, Range]


def are_equal(one: Expression, two: Expression) -> bool:
    """Return whether two expressions are proven to be equal."""
    return is_zero(one - two)


def is_zero(expression: Expression, ranges: Ranges | None = None, *, at_kinks: bool = True) -> bool:
    """Return whether an expression is proven to be 0. False says that no proof was found.

    Args:
        expression: In its normal form.
        ranges: Between which numbers an entry is known to lie.
        at_kinks: Also where an entry equals a number that it is compared with.
    """
    ranges = ranges or {}
    if not expression.terms:
        return True
    cleared = _without_denominators(expression)
    if cleared is not None:
        return all(is_zero(part, ranges, at_kinks=at_kinks) for part in cleared)
    if any(monomial.bound for monomial in expression.terms):
        summands = _summands(expression)
        return summands is not None and all(
            is_zero(summand, ranges, at_kinks=at_kinks) for summand in summands
        )
    comparison = _first_comparison(expression)
    if comparison is None:
        return False
    below, at, above = _cases(expression, comparison, ranges)
    cases = (below, at, above) if at_kinks else (below, above)
    return all(is_zero(*case, at_kinks=at_kinks) for case in cases)


def _summands(expression: Expression) -> list[Expression] | None:
    """Return what is summed, one expression for each set of lengths that is summed over.

    None where two indices of one length are summed over: which of them corresponds to which in
    another term is not known.
    """
    groups: dict[tuple[str, ...], list[tuple[Monomial, Fraction]]] = defaultdict(list)
    for monomial, value in expression.terms.items():
        groups[tuple(sorted(index.length for index in monomial.bound))].append((monomial, value))
    if any(len(set(lengths)) < len(lengths) for lengths in groups):
        return None
    return [_freed(lengths, terms) for lengths, terms in groups.items()]


def _freed(lengths: tuple[str, ...], terms: list[tuple[Monomial, Fraction]]) -> Expression:
    indices = {length: fresh(length) for length in lengths}
    freed = []
    for monomial, value in terms:
        names = {index: indices[index.length] for index in monomial.bound}
        factors = [(atom.renamed(names), exponent) for atom, exponent in monomial.factors]
        freed.append(term(value, monomial.scalars, factors, ()))
    return total(freed)


@dataclass(frozen=True)
class _Comparison:
    """A place where the sign of an expression in one entry changes."""

    entry: Entry
    root: Fraction


def _first_comparison(expression: Expression) -> _Comparison | None:
    for atom in sorted(atoms_of(expression), key=lambda one: one.key):
        if isinstance(atom, Applied) and atom.function in INDICATORS:
            found = _compared(atom.arguments[0])
            if found is not None:
                return _Comparison(found[0], -found[2] / found[1])
    return None


def _compared(argument: Expression) -> tuple[Entry, Fraction, Fraction] | None:
    """Return (entry, a, b) where the argument is a * entry + b with numbers a and b."""
    slope, offset, found = Fraction(0), Fraction(0), None
    for monomial, value in argument.terms.items():
        if not monomial.factors and not monomial.scalars:
            offset = value
        elif len(monomial.factors) == 1 and not monomial.scalars and not monomial.bound:
            atom, exponent = monomial.factors[0]
            if not isinstance(atom, Entry) or exponent != 1 or found is not None:
                return None
            found, slope = atom, value
        else:
            return None
    return (found, slope, offset) if found is not None else None


def _cases(
    expression: Expression, at: _Comparison, ranges: Ranges
) -> list[tuple[Expression, Ranges]]:
    """Return the expression below, at and above a root of the entry, with the ranges there."""
    low, high = ranges.get(at.entry, (None, None))
    below = {**ranges, at.entry: (low, at.root)}
    above = {**ranges, at.entry: (at.root, high)}

    def placed(atom: Atom) -> Expression | None:
        return number(at.root) if atom == at.entry else None

    return [
        (_answered(expression, below), below),
        (rebuilt(expression, placed), ranges),
        (_answered(expression, above), above),
    ]


def _answered(expression: Expression, ranges: Ranges) -> Expression:
    """Answer every comparison with a number that the ranges decide, those that arise too."""

    def answer(atom: Atom) -> Expression | None:
        if not isinstance(atom, Applied) or atom.function not in INDICATORS:
            return None
        found = _compared(atom.arguments[0])
        if found is None:
            return None
        entry, slope, offset = found
        side = _side(-offset / slope, ranges.get(entry, (None, None)))
        if side == 0:
            return None
        return ONE if atom.function == "positive" and side * slope > 0 else ZERO

    found = rebuilt(expression, answer)
    return found if found == expression else _answered(found, ranges)


def _side(root: Fraction, within: Range) -> int:
    """Return 1 where the range lies above the root, -1 below, 0 where that is open."""
    low, high = within
    if low is not None and low >= root:
        return 1
    return -1 if high is not None and high <= root else 0


def _without_denominators(expression: Expression) -> list[Expression] | None:
    """Return expressions that are all zero only if this one is, with one denominator fewer.

    None where there is no denominator.
    """
    for base in sorted(_bases(expression), key=lambda one: one.key):
        parts: dict[Fraction, list[tuple[Monomial, Fraction]]] = defaultdict(list)
        for monomial, value in expression.terms.items():
            exponent = dict(monomial.factors).get(base, Fraction(0))
            parts[exponent - floor(exponent)].append((monomial, value))
        cleared = [_cleared(base, terms) for terms in parts.values()]
        if len(cleared) > 1 or cleared[0] != expression:
            return cleared
    return None


def _bases(expression: Expression) -> set[Applied]:
    """Return the sums under an exponent that no term sums over."""
    return {
        atom
        for monomial in expression.terms
        for atom, _ in monomial.factors
        if isinstance(atom, Applied)
        and atom.function == BASE
        and not any(atom.free & set(one.bound) for one in expression.terms)
    }


def _cleared(base: Applied, terms: list[tuple[Monomial, Fraction]]) -> Expression:
    """Multiply by the power of a base that leaves whole exponents of at least 0."""
    least = min(dict(monomial.factors).get(base, Fraction(0)) for monomial, _ in terms)
    return total(
        term(value, monomial.scalars, (*monomial.factors, (base, -least)), monomial.bound)
        for monomial, value in terms
    )
