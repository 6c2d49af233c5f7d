"""Sums of products in index notation, in a normal form.

An expression is a sum of terms; a term is a rational number times powers of scalars (sizes,
parameters, pi), times factors such as x[n, d] or exp(...) to rational powers, summed over *bound*
indices. Products are multiplied out, a sum reaches over its whole term, bound indices have the
names that come first in the alphabet, and Kronecker's delta is summed away. Two expressions of
sums and products are then equal, for all sizes and entries, when their text is.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor

from dlmath.derivation.atoms import Applied, Entry, Index, Keyed, fresh
from dlmath.derivation.sizes import NotTraceable

DELTA = "delta"
INDICATORS = ("positive", "zero")  # 1 where the argument is positive, or zero; 0 elsewhere
BASE = "base"  # a sum that stands under an exponent
MOST_BOUND = 6  # of one length in one term: their 720 orders are tried

Atom = Entry | Applied
Powers = tuple[tuple[Atom, Fraction], ...]
Scalars = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, eq=False)
class Monomial(Keyed):
    """A term without its coefficient: scalars and factors to powers, summed over `bound`."""

    scalars: Scalars
    factors: Powers
    bound: tuple[Index, ...]

    @cached_property
    def key(self) -> str:
        parts = [f"{name}^{power}" for name, power in self.scalars]
        parts += [f"{atom.key}^{power}" for atom, power in self.factors]
        over = ",".join(f"{index.name}:{index.length}" for index in self.bound)
        return f"sum<{over}> {' '.join(parts)}" if over else " ".join(parts)

    @cached_property
    def free(self) -> frozenset[Index]:
        inside = frozenset().union(*(atom.free for atom, _ in self.factors))
        return inside - frozenset(self.bound)

    @cached_property
    def height(self) -> int:
        inside = max((atom.height for atom, _ in self.factors), default=0)
        return inside + 1 if self.bound else inside


class Expression(Keyed):
    """A sum of monomials with rational coefficients.

    Args:
        terms: The coefficient, not 0, of each monomial.
    """

    def __init__(self, terms: Mapping[Monomial, Fraction]):
        ordered = sorted(terms.items(), key=lambda pair: pair[0].key)
        self.terms = {monomial: value for monomial, value in ordered if value}

    @cached_property
    def key(self) -> str:
        return " + ".join(f"{value} {monomial.key}" for monomial, value in self.terms.items())

    @cached_property
    def free(self) -> frozenset[Index]:
        return frozenset().union(*(monomial.free for monomial in self.terms))

    @cached_property
    def height(self) -> int:
        return max((monomial.height for monomial in self.terms), default=0)

    def renamed(self, names: Mapping[Index, Index]) -> "Expression":
        """Return the expression with other names for its free indices."""
        if not self.free & names.keys():
            return self
        found: dict[Monomial, Fraction] = {}
        for monomial, value in self.terms.items():
            factors = tuple((atom.renamed(names), power) for atom, power in monomial.factors)
            new = _with_bound_named(monomial.scalars, factors, monomial.bound)
            found[new] = found.get(new, Fraction(0)) + value
        return Expression(found)

    def __add__(self, other: "Expression") -> "Expression":
        found = dict(self.terms)
        for monomial, value in other.terms.items():
            found[monomial] = found.get(monomial, Fraction(0)) + value
        return Expression(found)

    def __neg__(self) -> "Expression":
        return self.times(-1)

    def __sub__(self, other: "Expression") -> "Expression":
        return self + -other

    def __mul__(self, other: "Expression") -> "Expression":
        return total(
            _product(one, value, two, by)
            for one, value in self.terms.items()
            for two, by in other.terms.items()
        )

    def times(self, number: Fraction | int) -> "Expression":
        """Return the expression times a rational number."""
        return Expression({m: value * Fraction(number) for m, value in self.terms.items()})

    def summed(self, index: Index) -> "Expression":
        """Return the sum over all values of a free index."""
        return total(
            term(value, m.scalars, m.factors, (*m.bound, index)) for m, value in self.terms.items()
        )

    @property
    def single(self) -> tuple[Monomial, Fraction] | None:
        """Return the monomial and coefficient where there is one term, else None."""
        return next(iter(self.terms.items())) if len(self.terms) == 1 else None

    @property
    def rational(self) -> Fraction | None:
        """Return the number that the expression is, or None where it is not a rational number."""
        if not self.terms:
            return Fraction(0)
        one = self.single
        return one[1] if one and one[0] == UNIT else None


UNIT = Monomial((), (), ())
ZERO = Expression({})


def number(value: Fraction | int) -> Expression:
    """Return a rational number as an expression."""
    return Expression({UNIT: Fraction(value)})


ONE = number(1)


def scalar(name: str, power: Fraction | int = 1) -> Expression:
    """Return a positive scalar, such as a size, to a power."""
    return term(Fraction(1), ((name, Fraction(power)),), (), ())


def entry(tensor: str, *places: Index | int) -> Expression:
    """Return an entry of a tensor as an expression."""
    return term(Fraction(1), (), ((Entry(tensor, places), Fraction(1)),), ())


def applied(function: str, *arguments: Expression) -> Expression:
    """Return a function of expressions that nothing simplifies."""
    return term(Fraction(1), (), ((Applied(function, arguments), Fraction(1)),), ())


def total(expressions: Iterable[Expression]) -> Expression:
    """Return the sum of expressions."""
    found: dict[Monomial, Fraction] = {}
    for one in expressions:
        for monomial, value in one.terms.items():
            found[monomial] = found.get(monomial, Fraction(0)) + value
    return Expression(found)


def term(
    coefficient: Fraction,
    scalars: Iterable[tuple[str, Fraction]],
    factors: Iterable[tuple[Atom, Fraction]],
    bound: Iterable[Index],
) -> Expression:
    """Return the normal form of one term, summed over `bound`.

    A sum under an exponent that becomes a whole number is multiplied out.
    """
    powers = _collected(factors)
    bound = list(bound)
    delta = next((a for a in powers if isinstance(a, Entry) and a.tensor == DELTA), None)
    if delta is not None:
        solved = _delta_solved(delta, bound)
        if solved is not None:
            return _without_delta(coefficient, scalars, powers, bound, delta, solved)
    expanded = next((a for a, p in powers.items() if _is_multiplied_out(a, p)), None)
    if expanded is not None:
        return _multiplied_out(coefficient, scalars, powers, bound, expanded)
    reduced = _divided_out(powers, bound)
    if reduced is not None:
        return term(coefficient, scalars, *reduced)
    used = frozenset().union(*(atom.free for atom in powers))
    lengths = [(index.length, Fraction(1)) for index in bound if index not in used]
    coefficient, kept = _collected_scalars(coefficient, [*scalars, *lengths])
    monomial = _with_bound_named(kept, tuple(powers.items()), [i for i in bound if i in used])
    return Expression({monomial: coefficient})


def _collected(factors: Iterable[tuple[Atom, Fraction]]) -> dict[Atom, Fraction]:
    found: dict[Atom, Fraction] = {}
    for atom, power in factors:
        found[atom] = found.get(atom, Fraction(0)) + power
    for atom in found:
        if isinstance(atom, Entry) and atom.tensor == DELTA:
            found[atom] = Fraction(1)
        if isinstance(atom, Applied) and atom.function in INDICATORS:
            if found[atom] <= 0:
                raise NotTraceable("a division by a comparison")
            found[atom] = Fraction(1)
    return {atom: power for atom, power in found.items() if power}


def _collected_scalars(
    coefficient: Fraction, scalars: Iterable[tuple[str, Fraction]]
) -> tuple[Fraction, Scalars]:
    """Add up the exponents; primes under a root keep an exponent in [0, 1)."""
    found: dict[str, Fraction] = {}
    for name, power in scalars:
        found[name] = found.get(name, Fraction(0)) + power
    for name, power in found.items():
        if name.isdigit():
            coefficient *= Fraction(int(name)) ** floor(power)
            found[name] = power - floor(power)
    return coefficient, tuple(sorted((name, power) for name, power in found.items() if power))


def _delta_solved(delta: Entry, bound: list[Index]) -> dict[Index, Index | int] | bool | None:
    """Return what a delta sets a bound index to, its constant value, or None if it stays."""
    one, two = delta.places
    if one == two:
        return True
    if isinstance(one, int) and isinstance(two, int):
        return False
    for index, other in ((one, two), (two, one)):
        if isinstance(index, Index) and index in bound:
            return {index: other}
    return None


def _without_delta(
    coefficient: Fraction,
    scalars: Iterable[tuple[str, Fraction]],
    powers: dict[Atom, Fraction],
    bound: list[Index],
    delta: Entry,
    solved: dict[Index, Index | int] | bool,
) -> Expression:
    if solved is False:
        return ZERO
    rest = [(atom, power) for atom, power in powers.items() if atom != delta]
    if solved is True:
        return term(coefficient, scalars, rest, bound)
    ((index, other),) = solved.items()
    if not isinstance(other, Index):
        raise NotTraceable("a delta between an index and a number")
    renamed = [(atom.renamed({index: other}), power) for atom, power in rest]
    return term(coefficient, scalars, renamed, [i for i in bound if i != index])


def _divided_out(
    powers: dict[Atom, Fraction], bound: list[Index]
) -> tuple[list[tuple[Atom, Fraction]], list[Index]] | None:
    """Return factors and bound indices after a sum was divided by itself: 1/(sum p) sum p = 1.

    None where no sum that a term is divided by is also a factor of it.
    """
    for base, exponent in powers.items():
        if not (isinstance(base, Applied) and base.function == BASE and exponent < 0):
            continue
        inside = base.arguments[0].single
        if inside is None or len(inside[0].bound) != 1 or inside[0].scalars or inside[1] != 1:
            continue
        (own,) = inside[0].bound
        for index in bound:
            wanted = {a.renamed({own: index}): p for a, p in inside[0].factors}
            rest = {atom: p for atom, p in powers.items() if atom not in wanted}
            if index.length != own.length or any(index in atom.free for atom in rest):
                continue
            if all(powers.get(atom) == p for atom, p in wanted.items()):
                rest[base] = exponent + 1
                return list(rest.items()), [one for one in bound if one != index]
    return None


def _is_multiplied_out(atom: Atom, power: Fraction) -> bool:
    is_base = isinstance(atom, Applied) and atom.function == BASE
    return is_base and power > 0 and power.denominator == 1


def _multiplied_out(
    coefficient: Fraction,
    scalars: Iterable[tuple[str, Fraction]],
    powers: dict[Atom, Fraction],
    bound: list[Index],
    base: Atom,
) -> Expression:
    assert isinstance(base, Applied)
    # While the product is made the indices are free, and must not meet those that it binds.
    names = {index: fresh(index.length) for index in bound}
    rest = [(atom.renamed(names), power) for atom, power in powers.items() if atom != base]
    inside = base.renamed(names).arguments[0]
    found = term(coefficient, scalars, rest, ())
    for _ in range(int(powers[base])):
        found = found * inside
    for index in names.values():
        found = found.summed(index)
    return found


def _product(one: Monomial, value: Fraction, two: Monomial, by: Fraction) -> Expression:
    """Multiply two terms, whose bound indices are first told apart."""
    (first, over), (second, under) = _apart(one), _apart(two)
    return term(value * by, (*one.scalars, *two.scalars), (*first, *second), (*over, *under))


def _apart(monomial: Monomial) -> tuple[Powers, tuple[Index, ...]]:
    if not monomial.bound:
        return monomial.factors, ()
    names = {index: fresh(index.length) for index in monomial.bound}
    factors = tuple((atom.renamed(names), power) for atom, power in monomial.factors)
    return factors, tuple(names.values())


def _with_bound_named(scalars: Scalars, factors: Powers, bound: Iterable[Index]) -> Monomial:
    """Return the monomial whose bound indices have the names that make its text the first.

    A name holds the height of the term over the sums inside its factors, so that no sum inside
    binds an index of the same name.
    """
    bound = tuple(bound)
    height = 1 + max((atom.height for atom, _ in factors), default=0)
    free = frozenset().union(*(atom.free for atom, _ in factors)) - frozenset(bound)
    if bound and any(index.name.startswith(f"_{height}.") for index in free):
        raise RuntimeError(f"a sum would bind an index that is free: {free}")
    candidates = (
        Monomial(
            scalars,
            tuple(sorted(_renamed_all(factors, names), key=lambda pair: pair[0].key)),
            tuple(sorted(names.values(), key=lambda index: index.name)),
        )
        for names in _namings(bound, height)
    )
    return min(candidates, key=lambda monomial: monomial.key)


def _renamed_all(factors: Powers, names: Mapping[Index, Index]) -> Iterator[tuple[Atom, Fraction]]:
    return ((atom.renamed(names) if names else atom, power) for atom, power in factors)


def _namings(bound: tuple[Index, ...], height: int) -> Iterator[dict[Index, Index]]:
    """Yield every way to name the bound indices, lengths in alphabetical order."""
    lengths = sorted({index.length for index in bound})
    groups = [[index for index in bound if index.length == length] for length in lengths]
    if any(len(group) > MOST_BOUND for group in groups):
        raise NotTraceable(f"a term is summed over more than {MOST_BOUND} indices of one length")
    for orders in itertools.product(*(itertools.permutations(group) for group in groups)):
        ordered = list(itertools.chain(*orders))
        yield {
            index: Index(f"_{height}.{place}", index.length) for place, index in enumerate(ordered)
        }
