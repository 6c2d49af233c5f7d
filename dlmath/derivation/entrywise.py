"""Functions of one expression, each brought to a form that equal expressions share.

    (a b)^p = a^p b^p                      p whole, or a and b positive
    e^(a + b) = e^a e^b,  e^(log a) = a    e^a to a power instead of e^(p a)
    log(a b) = log a + log b               a and b positive
    (e^-x + 1)^p = e^(-p x) (1 + e^x)^p    the least power of an exponential is taken out of a sum
    erf(-x) = -erf(x)
    max(a, 0) = a [a > 0]

where [..] is 1 if the condition is true and 0 otherwise. A shift of the logits thus cancels out of
softmax, and 1 / (1 + e^-x) and e^x / (1 + e^x) are one expression.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction

from dlmath.derivation.atoms import Applied, Entry, Index, fresh
from dlmath.derivation.index_notation import (
    BASE,
    ONE,
    UNIT,
    ZERO,
    Atom,
    Expression,
    Monomial,
    applied,
    number,
    scalar,
    term,
    total,
)
from dlmath.derivation.sizes import NotTraceable

INFINITY = scalar("infinity")


def power(base: Expression, exponent: Fraction | int) -> Expression:
    """Return a power of an expression, the exponent rational.

    Raises:
        NotTraceable: It is a negative power of 0.
    """
    exponent = Fraction(exponent)
    if not base.terms and exponent <= 0:
        raise NotTraceable("a power of 0 that is not positive")
    if exponent == 0:
        return ONE
    if exponent > 0 and exponent.denominator == 1:
        return _whole_power(base, int(exponent))
    single = base.single
    if single and not single[0].bound and _distributes(*single, exponent):
        return _monomial_power(*single, exponent)
    content, rest = _content(base)
    if exponent.denominator > 1 and not is_positive(content):
        content, rest = ONE, base
    if content == ONE:
        return term(Fraction(1), (), ((Applied(BASE, (rest,)), exponent),), ())
    return power(content, exponent) * power(rest, exponent)


def _whole_power(base: Expression, exponent: int) -> Expression:
    found = base
    for _ in range(exponent - 1):
        found = found * base
    return found


def _distributes(monomial: Monomial, value: Fraction, exponent: Fraction) -> bool:
    return exponent.denominator == 1 or is_positive(Expression({monomial: value}))


def _monomial_power(monomial: Monomial, value: Fraction, exponent: Fraction) -> Expression:
    scalars = [(name, p * exponent) for name, p in monomial.scalars]
    factors = [(atom, p * exponent) for atom, p in monomial.factors]
    whole = exponent.denominator == 1
    coefficient = value ** int(exponent) if whole else Fraction(1)
    primes = [] if whole else [(str(p), k * exponent) for p, k in _prime_powers(value)]
    return term(coefficient, [*scalars, *primes], factors, ())


def _prime_powers(value: Fraction) -> list[tuple[int, int]]:
    found = []
    for part, sign in ((value.numerator, 1), (value.denominator, -1)):
        prime = 2
        while part > 1:
            count = 0
            while part % prime == 0:
                part, count = part // prime, count + 1
            found += [(prime, sign * count)] if count else []
            prime += 1
    return found


def is_positive(expression: Expression) -> bool:
    """Return whether an expression is seen to be positive: a sum of products of such."""
    return bool(expression.terms) and all(
        value > 0 and all(_atom_is_positive(*pair) for pair in monomial.factors)
        for monomial, value in expression.terms.items()
    )


def _atom_is_positive(atom: Atom, exponent: Fraction) -> bool:
    if isinstance(atom, Entry):
        return False
    if atom.function == BASE:
        return exponent.denominator > 1 or is_positive(atom.arguments[0])
    if atom.function == "clip":
        return (atom.arguments[1].rational or 0) > 0
    return atom.function == "exp"


def _content(expression: Expression) -> tuple[Expression, Expression]:
    """Return (c, e) with c e the expression: the exponentials and the number taken out of it."""
    atoms = {
        atom
        for monomial in expression.terms
        for atom, _ in monomial.factors
        if isinstance(atom, Applied) and atom.function == "exp" and not _meets(atom, expression)
    }
    content = ONE
    for atom in sorted(atoms, key=lambda one: one.key):
        least = min(dict(monomial.factors).get(atom, Fraction(0)) for monomial in expression.terms)
        content = content * term(Fraction(1), (), ((atom, least),), ())
    rest = expression * power(content, -1) if content != ONE else expression
    lead = abs(next(iter(rest.terms.values())))
    return content.times(lead), rest.times(1 / lead)


def _meets(atom: Atom, expression: Expression) -> bool:
    """Return whether an atom has an index over which the expression is summed."""
    return bool(atom.free - expression.free)


def exp(expression: Expression) -> Expression:
    """Return e to the power of an expression."""
    found = ONE
    for monomial, value in expression.terms.items():
        found = found * _exp_of_term(monomial, value)
    return found


def _exp_of_term(monomial: Monomial, value: Fraction) -> Expression:
    if len(monomial.factors) == 1 and not monomial.scalars and not monomial.bound:
        atom, exponent = monomial.factors[0]
        if isinstance(atom, Applied) and atom.function == "log" and exponent == 1:
            return power(atom.arguments[0], value)
    unit = Expression({monomial: Fraction(1)})
    return term(Fraction(1), (), ((Applied("exp", (unit,)), value),), ())


def log(expression: Expression) -> Expression:
    """Return the natural logarithm of an expression."""
    if expression == ONE:
        return ZERO
    single = expression.single
    if single and not single[0].bound and is_positive(expression):
        monomial, value = single
        parts = [_log_of(atom).times(exponent) for atom, exponent in monomial.factors]
        parts += [
            applied("log", scalar(name)).times(exponent) for name, exponent in monomial.scalars
        ]
        parts += [applied("log", number(p)).times(k) for p, k in _prime_powers(value)]
        return total(parts)
    content, rest = _content(expression)
    if content != ONE and is_positive(content):
        return log(content) + log(rest)
    return applied("log", expression)


def _log_of(atom: Atom) -> Expression:
    if isinstance(atom, Applied) and atom.function == "exp":
        return atom.arguments[0]
    if isinstance(atom, Applied) and atom.function == BASE:
        return applied("log", atom.arguments[0])
    return applied("log", term(Fraction(1), (), ((atom, Fraction(1)),), ()))


def erf(expression: Expression) -> Expression:
    """Return the error function, which is odd."""
    if not expression.terms:
        return ZERO
    negative = next(iter(expression.terms.values())) < 0
    return -applied("erf", -expression) if negative else applied("erf", expression)


def positive(expression: Expression) -> Expression:
    """Return [expression > 0]: 1 or 0."""
    if not expression.terms or is_positive(-expression):
        return ZERO
    if is_positive(expression):
        return ONE
    return applied("positive", expression.times(1 / abs(next(iter(expression.terms.values())))))


def equals(one: Expression, two: Expression) -> Expression:
    """Return [one = two]: 1 or 0."""
    gap = one - two
    if not gap.terms:
        return ONE
    if gap.rational is not None or is_positive(gap) or is_positive(-gap):
        return ZERO
    return applied("zero", gap.times(1 / next(iter(gap.terms.values()))))


def maximum(one: Expression, two: Expression) -> Expression:
    """Return the larger of two expressions."""
    for this, other in ((one, two), (two, one)):
        if this == -INFINITY:
            return other
        if this.rational is not None:
            return this + (other - this) * positive(other - this)
    return applied("max", *sorted((one, two), key=lambda side: side.key))


def minimum(one: Expression, two: Expression) -> Expression:
    """Return the smaller of two expressions."""
    return -maximum(-one, -two)


def absolute(expression: Expression) -> Expression:
    """Return |expression|."""
    return expression * sign(expression)


def sign(expression: Expression) -> Expression:
    """Return 1, 0 or -1."""
    return positive(expression) - positive(-expression)


def clip(expression: Expression, low: Expression, high: Expression) -> Expression:
    """Return the expression kept within [low, high], two rational numbers.

    What is clipped has no constant term and begins with the coefficient 1: the clipped 1 - q is 1
    less the clipped q, within other bounds.
    """
    offset = expression.terms.get(UNIT, Fraction(0))
    varying = expression - number(offset)
    if not varying.terms:
        raise NotTraceable("a number that is clipped")
    slope = next(iter(varying.terms.values()))
    bounds = [(one - number(offset)).times(1 / slope) for one in (low, high)]
    clipped = applied("clip", varying.times(1 / slope), *(bounds if slope > 0 else bounds[::-1]))
    return number(offset) + clipped.times(slope)


REBUILT: dict[str, Callable[..., Expression]] = {
    "exp": exp,
    "log": log,
    "erf": erf,
    "positive": positive,
    "zero": lambda gap: equals(gap, ZERO),
    "max": maximum,
    "clip": clip,
    BASE: lambda base: base,
}


def rebuilt(expression: Expression, replacement: Callable[[Atom], Expression | None]) -> Expression:
    """Return the expression with other expressions in place of some of its atoms.

    Args:
        expression: In its normal form; so is the answer.
        replacement: Gives what stands for an atom, or None where it stays. Its free indices must
            be those of the atom.
    """
    return total(
        _rebuilt_term(monomial, replacement).times(value)
        for monomial, value in expression.terms.items()
    )


def _rebuilt_term(
    monomial: Monomial, replacement: Callable[[Atom], Expression | None]
) -> Expression:
    names = {index: fresh(index.length) for index in monomial.bound}
    found = term(Fraction(1), monomial.scalars, (), ())
    for atom, exponent in monomial.factors:
        found = found * power(_rebuilt_atom(atom.renamed(names), replacement), exponent)
    return _summed(found, names.values())


def _rebuilt_atom(atom: Atom, replacement: Callable[[Atom], Expression | None]) -> Expression:
    new = replacement(atom)
    if new is not None:
        return new
    if isinstance(atom, Entry):
        return term(Fraction(1), (), ((atom, Fraction(1)),), ())
    return REBUILT[atom.function](*(rebuilt(one, replacement) for one in atom.arguments))


def _summed(expression: Expression, indices: Iterable[Index]) -> Expression:
    for index in indices:
        expression = expression.summed(index)
    return expression


def atoms_of(expression: Expression) -> set[Atom]:
    """Return every atom of an expression, those inside its functions too."""
    found: set[Atom] = set()
    for monomial in expression.terms:
        for atom, _ in monomial.factors:
            found.add(atom)
            if isinstance(atom, Applied):
                found = found.union(*(atoms_of(one) for one in atom.arguments))
    return found
