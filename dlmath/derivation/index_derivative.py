r"""The derivative of an expression in index notation, by the chain rule on its atoms.

    d x[i, j] / d x[p, q] = delta[i, p] delta[j, q].

So the gradient of L = sum of g y comes out of what a forward pass computes, whatever it is made of,
and without the adjoint rules of `nodes.py`: a second derivation to compare the first with.
"""

from fractions import Fraction

from dlmath.derivation.atoms import Applied, Entry, Index, fresh
from dlmath.derivation.entrywise import exp, power
from dlmath.derivation.index_notation import (
    BASE,
    DELTA,
    INDICATORS,
    ONE,
    ZERO,
    Atom,
    Expression,
    Monomial,
    applied,
    entry,
    scalar,
    term,
    total,
)
from dlmath.derivation.sizes import NotTraceable
from dlmath.derivation.symbolic_tensor import SymbolicTensor, mapped


def gradient(y: SymbolicTensor, upstream: SymbolicTensor, x: SymbolicTensor) -> SymbolicTensor:
    """Return the gradient of <upstream, y> by x, whose cells are entries of one tensor.

    Raises:
        NotTraceable: y holds a function whose derivative is not known here, such as a maximum.
    """
    products = upstream * y
    loss = total(products.cells.ravel())
    for index in products.indices:
        loss = loss.summed(index)
    names = {index: fresh(index.length) for index in x.indices}
    places = x.renamed(names)
    return places.with_cells(mapped(lambda cell: _derivative(loss, _entry(cell)), places.cells))


def _entry(cell: Expression) -> Entry:
    assert cell.single is not None
    ((atom, _),) = cell.single[0].factors
    assert isinstance(atom, Entry)
    return atom


def _derivative(expression: Expression, by: Entry) -> Expression:
    return total(
        _derivative_of_term(monomial, by).times(value)
        for monomial, value in expression.terms.items()
    )


def _derivative_of_term(monomial: Monomial, by: Entry) -> Expression:
    """Return the sum over the factors of p f^(p-1) f' times the other factors."""
    names = {index: fresh(index.length) for index in monomial.bound}
    factors = [(atom.renamed(names), exponent) for atom, exponent in monomial.factors]
    found = ZERO
    for place, (atom, exponent) in enumerate(factors):
        inner = _derivative_of_atom(atom, by)
        if inner.terms:
            rest = [*factors[:place], (atom, exponent - 1), *factors[place + 1 :]]
            outer = term(exponent, monomial.scalars, rest, ())
            found = found + outer * inner
    for index in names.values():
        found = found.summed(index)
    return found


def _derivative_of_atom(atom: Atom, by: Entry) -> Expression:
    if isinstance(atom, Entry):
        return _same_place(atom, by) if atom.tensor == by.tensor else ZERO
    inner = [_derivative(argument, by) for argument in atom.arguments]
    if atom.function in INDICATORS or not any(one.terms for one in inner):
        return ZERO
    return _slope(atom) * inner[0]


def _slope(atom: Applied) -> Expression:
    """Return the derivative of a function by its first argument."""
    argument = atom.arguments[0]
    if atom.function == "exp":
        return exp(argument)
    if atom.function == "log":
        return power(argument, -1)
    if atom.function == BASE:
        return ONE
    if atom.function == "erf":
        return exp(-(argument * argument)) * scalar("pi", Fraction(-1, 2)).times(2)
    if atom.function == "clip":
        clipped = term(Fraction(1), (), ((atom, Fraction(1)),), ())
        return applied("zero", _led_by_one(argument - clipped))
    raise NotTraceable(f"the derivative of {atom.function} is not known in index notation")


def _led_by_one(gap: Expression) -> Expression:
    return gap.times(1 / next(iter(gap.terms.values())))


def _same_place(one: Entry, two: Entry) -> Expression:
    """Return the product of Kronecker's deltas of the places of two entries."""
    found = ONE
    for mine, other in zip(one.places, two.places, strict=True):
        if isinstance(mine, Index) and isinstance(other, Index):
            found = found * entry(DELTA, mine, other)
        elif mine != other:
            return ZERO
    return found
