"""The value of an expression in index notation at given arrays: sums are loops over indices."""

import itertools
import math
from collections.abc import Mapping

import numpy as np

from dlmath.derivation.atoms import Applied, Entry, Index
from dlmath.derivation.index_notation import DELTA, Expression, Monomial
from dlmath.derivation.symbolic_tensor import SymbolicTensor

Point = Mapping[Index, int]


def value_of(
    expression: Expression,
    arrays: Mapping[str, np.ndarray],
    lengths: Mapping[str, int],
    point: Point,
) -> float:
    """Return the value where the free indices are at `point`."""
    return math.fsum(
        float(value) * _value(monomial, arrays, lengths, point)
        for monomial, value in expression.terms.items()
    )


def _value(monomial: Monomial, arrays, lengths, point) -> float:
    scale = math.prod(_scalar(name, lengths) ** float(p) for name, p in monomial.scalars)
    ranges = [range(lengths[index.length]) for index in monomial.bound]
    total = 0.0
    for places in itertools.product(*ranges):
        inside = {**point, **dict(zip(monomial.bound, places, strict=True))}
        factors = [
            _atom(atom, arrays, lengths, inside) ** float(power) for atom, power in monomial.factors
        ]
        total += math.prod(factors)
    return scale * total


def _scalar(name: str, lengths: Mapping[str, int]) -> float:
    return math.pi if name == "pi" else float(name) if name.isdigit() else lengths[name]


def _atom(atom: Entry | Applied, arrays, lengths, point) -> float:
    if isinstance(atom, Entry):
        places = tuple(point[p] if isinstance(p, Index) else p for p in atom.places)
        if atom.tensor == DELTA:
            return float(places[0] == places[1])
        return float(arrays[atom.tensor][places])
    values = [value_of(one, arrays, lengths, point) for one in atom.arguments]
    functions = {
        "exp": math.exp,
        "log": math.log,
        "erf": math.erf,
        "base": lambda x: x,
        "positive": lambda x: float(x > 0),
        "zero": lambda x: float(abs(x) < 1e-14),
        "max": max,
        "clip": lambda x, low, high: min(max(x, low), high),
    }
    return functions[atom.function](*values)


def factor_lengths(tensor: SymbolicTensor, lengths: Mapping[str, int]) -> list[int]:
    """Return the number that each factor of the axes stands for."""
    factors = [factor for axis in tensor.axes for factor in axis]
    return [lengths[f.length] if isinstance(f, Index) else f for f in factors]


def array_of(
    tensor: SymbolicTensor, arrays: Mapping[str, np.ndarray], lengths: Mapping[str, int]
) -> np.ndarray:
    """Return the array that a symbolic tensor stands for."""
    factors = [factor for axis in tensor.axes for factor in axis]
    counts = factor_lengths(tensor, lengths)
    found = np.empty(counts)
    for place in np.ndindex(*counts):
        pairs = list(zip(factors, place, strict=True))
        cell = tensor.cells[tuple(n for f, n in pairs if not isinstance(f, Index))]
        point = {f: n for f, n in pairs if isinstance(f, Index)}
        found[place] = value_of(cell, arrays, lengths, point)
    shape = [
        math.prod(lengths[f.length] if isinstance(f, Index) else f for f in axis)
        for axis in tensor.axes
    ]
    return found.reshape(shape)
