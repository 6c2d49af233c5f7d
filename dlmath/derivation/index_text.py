"""Expressions in index notation, written for people as text or LaTeX."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from dlmath.derivation.atoms import Applied, Entry, Index
from dlmath.derivation.index_notation import BASE, Atom, Expression, Monomial
from dlmath.derivation.symbolic_tensor import SymbolicTensor

Names = dict[Index, str]


@dataclass(frozen=True)
class IndexDerivation:
    """A backward pass that was derived in index notation, from what the code computes.

    Attributes:
        output: y; None where the code could not be followed.
        gradients: dL/dv by the name of the tensor v.
    """

    output: SymbolicTensor | None
    gradients: Mapping[str, SymbolicTensor]

    def lines(self, style: str) -> Iterator[tuple[str, str]]:
        """Yield the lines as (formula, rule)."""
        if self.output is not None:
            yield _line("y", self.output, style), "what forward computes"
        for name, found in self.gradients.items():
            left = f"dL/d{name}" if style == "text" else rf"\frac{{\partial L}}{{\partial {name}}}"
            yield _line(left, found, style), "chain rule, entry by entry"


def _line(left: str, found: SymbolicTensor, style: str) -> str:
    names = named_indices(found.indices)
    places = ", ".join(names[index] for index in found.indices)
    said = written(found.cells.flat[0], style, names)
    where = f"[{places}]" if style == "text" else f"_{{{places}}}"
    more = ", ..." if found.cells.size > 1 else ""
    return f"{left}{where if places else ''} = {said}{more}"


def named_indices(indices: list[Index], taken: Names | None = None) -> Names:
    """Return a letter for each index: that of its length, with primes where it is taken."""
    names = dict(taken or {})
    for index in indices:
        name = index.length.lower()
        while name in names.values():
            name += "'"
        names[index] = name
    return names


def written(expression: Expression, style: str, names: Names) -> str:
    """Return an expression as a formula.

    Args:
        expression: In its normal form.
        style: "text" or "latex".
        names: What its free indices are called.
    """
    terms = [_term(monomial, value, style, names) for monomial, value in expression.terms.items()]
    return " + ".join(terms).replace("+ -", "- ") or "0"


def _term(monomial: Monomial, value: Fraction, style: str, names: Names) -> str:
    inside = named_indices(list(monomial.bound), names)
    parts = [f"{name}{_power(power, style)}" for name, power in monomial.scalars]
    parts += [f"{_atom(a, style, inside)}{_power(p, style)}" for a, p in monomial.factors]
    over = ",".join(inside[index] for index in monomial.bound)
    total = f"sum_{over} " if style == "text" else rf"\textstyle\sum_{{{over}}} "
    number = "" if value == 1 and parts else "-" if value == -1 and parts else f"{value} "
    return f"{number}{total if over else ''}{' '.join(parts)}".rstrip()


def _power(power: Fraction, style: str) -> str:
    if power == 1:
        return ""
    return f"^{{{power}}}" if style == "latex" else f"^{power}" if power > 0 else f"^({power})"


def _atom(atom: Atom, style: str, names: Names) -> str:
    if isinstance(atom, Entry):
        places = ", ".join(names[p] if isinstance(p, Index) else str(p) for p in atom.places)
        return f"{atom.tensor}[{places}]" if style == "text" else f"{atom.tensor}_{{{places}}}"
    return _applied(atom, [written(one, style, names) for one in atom.arguments], style)


def _applied(atom: Applied, inside: list[str], style: str) -> str:
    if atom.function == BASE:
        return f"({inside[0]})"
    if atom.function in ("positive", "zero"):
        sign = ">" if atom.function == "positive" else "="
        return f"[{inside[0]} {sign} 0]"
    name = atom.function if style == "text" else rf"\operatorname{{{atom.function}}}"
    return f"{name}({', '.join(inside)})"
