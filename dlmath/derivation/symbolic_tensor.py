"""Tensors of expressions, over axes of which some lengths are known and others stand for any.

An axis is a row of factors in row-major order: an int is a known length, an `Index` one that stands
for any length. So (N, 5, 6, C) read as rows is the axes (N, 30), (C,), and reading it back is
exact. Along known lengths the expressions stand one by one in an array; along the others an
expression holds the index itself.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from dlmath.derivation import entrywise
from dlmath.derivation.atoms import Index, fresh
from dlmath.derivation.index_notation import ONE, Expression, entry, number, scalar
from dlmath.derivation.sizes import Length, NotTraceable, Size, parts, product

Factor = int | Index
Axis = tuple[Factor, ...]


def mapped(function: Callable[..., Expression], *arrays: np.ndarray) -> np.ndarray:
    """Return the array of the function's values; the arrays broadcast."""
    found = np.frompyfunc(function, len(arrays), 1)(*arrays)
    wrapped = np.empty(np.shape(found), dtype=object)
    wrapped[...] = found
    return wrapped


def length_of(factor: Factor) -> Length:
    """Return the length that a factor of an axis stands for."""
    return Size(1, (factor.length,)) if isinstance(factor, Index) else factor


class SymbolicTensor:
    """A tensor of expressions.

    Args:
        axes: The factors of each axis; the ints, in order, are the shape of `cells`.
        cells: Expressions, an array of objects.
    """

    dtype = "float64"  # the only one: code that asks gets an answer
    __array_ufunc__ = None  # NumPy leaves operators to this class

    def __init__(self, axes: Iterable[Axis], cells: np.ndarray):
        self.axes, lengths = _merged(axes)
        self.cells = cells.reshape(lengths)

    @property
    def shape(self) -> tuple[Length, ...]:
        """The length of each axis: an int where it is known, else a `Size`."""
        return tuple(product(map(length_of, axis)) for axis in self.axes)

    @property
    def indices(self) -> list[Index]:
        """The indices of the axes that stand for any length."""
        return [f for axis in self.axes for f in axis if isinstance(f, Index)]

    def with_cells(self, cells: np.ndarray) -> "SymbolicTensor":
        """Return a tensor of the same axes."""
        return SymbolicTensor(self.axes, cells)

    def each(self, function: Callable[[Expression], Expression]) -> "SymbolicTensor":
        """Return the tensor of a function of each entry."""
        return self.with_cells(mapped(function, self.cells))

    def renamed(self, names: dict[Index, Index]) -> "SymbolicTensor":
        """Return the tensor with other indices along its axes."""
        axes = [tuple(names.get(f, f) if isinstance(f, Index) else f for f in a) for a in self.axes]
        return SymbolicTensor(axes, mapped(lambda one: one.renamed(names), self.cells))

    def apart(self) -> "SymbolicTensor":
        """Return the tensor with indices that no other has."""
        return self.renamed({index: fresh(index.length) for index in self.indices})

    def __add__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: a + b, self, other)

    def __sub__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: b - a, self, other)

    def __mul__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: a * b, self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: a * entrywise.power(b, -1), self, other)

    def __rtruediv__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: b * entrywise.power(a, -1), self, other)

    def __pow__(self, exponent: Any) -> "SymbolicTensor":
        if isinstance(exponent, SymbolicTensor):
            raise NotTraceable("a power whose exponent is a tensor")
        by = exact(exponent).rational
        if by is None:
            raise NotTraceable(f"a power with the exponent {exponent}")
        return self.each(lambda one: entrywise.power(one, by))

    def __neg__(self) -> "SymbolicTensor":
        return self.each(lambda one: -one)

    def __gt__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: entrywise.positive(a - b), self, other)

    def __lt__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: entrywise.positive(b - a), self, other)

    def __ge__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: ONE - entrywise.positive(b - a), self, other)

    def __le__(self, other: Any) -> "SymbolicTensor":
        return together(lambda a, b: ONE - entrywise.positive(a - b), self, other)

    def __eq__(self, other: Any) -> "SymbolicTensor":  # type: ignore[override]
        return together(entrywise.equals, self, other)

    def __ne__(self, other: Any) -> "SymbolicTensor":  # type: ignore[override]
        return together(lambda a, b: ONE - entrywise.equals(a, b), self, other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise NotTraceable("a branch that depends on the values of a tensor")

    def __getitem__(self, keys: Any) -> "SymbolicTensor":
        return sliced(self, keys if isinstance(keys, tuple) else (keys,))


def _merged(axes: Iterable[Axis]) -> tuple[tuple[Axis, ...], tuple[int, ...]]:
    """Merge neighbouring known lengths, drop ones; also return the known lengths in order."""
    found: list[Axis] = []
    for axis in axes:
        merged: list[Factor] = []
        for factor in axis:
            if isinstance(factor, int) and merged and isinstance(merged[-1], int):
                merged[-1] *= factor
            elif factor != 1:
                merged.append(factor)
        found.append(tuple(merged))
    return tuple(found), tuple(f for axis in found for f in axis if isinstance(f, int))


def known(axis: Axis) -> tuple[int, ...]:
    """Return the known lengths among the factors of an axis."""
    return tuple(factor for factor in axis if isinstance(factor, int))


def exact(value: Any) -> Expression:
    """Return a number of the code as the exact number that it stands for.

    A float stands for the fraction that is written for it, or for the root of a fraction, times a
    power of the root of pi, that it is the rounding of: `math.sqrt(2)` is the root of 2.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, Size):
        factor, names = parts(value)
        found = number(factor)
        for name, power in names.items():
            found = found * scalar(name, power)
        return found
    if isinstance(value, (bool, int, Fraction, np.integer)):
        return number(Fraction(int(value)) if not isinstance(value, Fraction) else value)
    if math.isinf(value):
        return entrywise.INFINITY.times(1 if value > 0 else -1)
    return _exact_float(float(value))


def _exact_float(value: float) -> Expression:
    if len(repr(value).replace("-", "")) <= 12:
        return number(Fraction(repr(value)))
    nearby = Fraction(value).limit_denominator(1000)
    if float(nearby) == value:
        return number(nearby)
    for power in (0, 1, -1, 2, -2):
        square = value * value / math.pi**power
        fraction = Fraction(square).limit_denominator(1000)
        if fraction and abs(square / float(fraction) - 1) < 2e-15:
            root = entrywise.power(number(fraction), Fraction(1, 2))
            found = root * scalar("pi", Fraction(power, 2))
            return found if value > 0 else -found
    return number(Fraction(value))


def tensor(value: Any) -> SymbolicTensor:
    """Return a number, an array or a tensor as a tensor of expressions."""
    if isinstance(value, SymbolicTensor):
        return value
    if isinstance(value, (list, tuple, np.ndarray)):
        given = np.asarray(value, dtype=object)
        return SymbolicTensor([(length,) for length in given.shape], mapped(exact, given))
    cell = np.empty((), dtype=object)
    cell[...] = exact(value)
    return SymbolicTensor((), cell)


def named(name: str, shape: Sequence[Length | Sequence[Length]]) -> SymbolicTensor:
    """Return the tensor of that name, of any entries.

    Args:
        name: The name.
        shape: The length of each axis; where it is a product, a tuple of lengths says in which
            order its factors follow each other in the axis.
    """
    return like(name, [_factors(length) for length in shape])


def _factors(length: Length | Sequence[Length]) -> Axis:
    if isinstance(length, (tuple, list)):
        return tuple(factor for one in length for factor in _factors(one))
    factor, names = parts(length)  # type: ignore[arg-type]
    dimensions = [fresh(one) for one in sorted(names.elements())]
    return (factor, *dimensions) if factor > 1 else tuple(dimensions)


def like(name: str, axes: Iterable[Axis]) -> SymbolicTensor:
    """Return the tensor of that name whose axes have the factors of those given."""
    merged, lengths = _merged(axes)
    cells = np.empty(lengths, dtype=object)
    for place in np.ndindex(*lengths):
        values = iter(place)
        cells[place] = entry(
            name, *(f if isinstance(f, Index) else next(values) for axis in merged for f in axis)
        )
    return SymbolicTensor(merged, cells)


def full(shape: Sequence[Length], value: Expression) -> SymbolicTensor:
    """Return the tensor with one value everywhere."""
    axes = named("", shape).axes
    cells = np.empty([f for axis in axes for f in known(axis)], dtype=object)
    cells[...] = value
    return SymbolicTensor(axes, cells)


def together(
    function: Callable[[Expression, Expression], Expression], one: Any, two: Any
) -> SymbolicTensor:
    """Return the tensor of a function of the entries of two tensors, which broadcast."""
    a, b = tensor(one), tensor(two).apart()
    rank = max(len(a.axes), len(b.axes))
    left = ((),) * (rank - len(a.axes)) + a.axes
    right = ((),) * (rank - len(b.axes)) + b.axes
    names: dict[Index, Index] = {}
    axes = [_matched(*pair, names) for pair in zip(left, right, strict=True)]
    b = b.renamed(names)
    cells = mapped(function, _spread(a.cells, left, axes), _spread(b.cells, right, axes))
    shape = [length for axis in axes for length in known(axis)]
    return SymbolicTensor(axes, np.broadcast_to(cells, shape))


def _matched(one: Axis, two: Axis, names: dict[Index, Index]) -> Axis:
    """Return the factors of two axes that meet, and note which index of the second is which."""
    if not one or not two:
        return one or two
    if [length_of(f) for f in one] != [length_of(f) for f in two]:
        raise NotTraceable(f"axes of the lengths {_text(one)} and {_text(two)} do not fit")
    names.update(
        {
            f: e
            for e, f in zip(one, two, strict=True)
            if isinstance(e, Index)
            if isinstance(f, Index)
        }
    )
    return one


def _text(axis: Axis) -> str:
    return str(product(map(length_of, axis)))


def _spread(cells: np.ndarray, own: Sequence[Axis], axes: Sequence[Axis]) -> np.ndarray:
    """Return cells with an axis of length 1 for every known length that they lack."""
    shape: list[int] = []
    for mine, full_axis in zip(own, axes, strict=True):
        shape += known(mine) if mine else [1] * len(known(full_axis))
    return cells.reshape(shape)


def sliced(x: SymbolicTensor, keys: tuple[Any, ...]) -> SymbolicTensor:
    """Return x[keys]: ints, slices, None and ...; an axis of any length is taken as a whole."""
    if Ellipsis in [key for key in keys if key is Ellipsis]:
        place = next(n for n, key in enumerate(keys) if key is Ellipsis)
        missing = len(x.axes) - sum(key is not None for key in keys) + 1
        keys = (*keys[:place], *[slice(None)] * missing, *keys[place + 1 :])
    axes: list[Axis] = []
    taken: list[Any] = []
    remaining = list(x.axes)
    for key in keys:
        if key is None:
            axes.append(())
            continue
        axis = remaining.pop(0)
        whole = isinstance(key, slice) and key.step in (None, 1) and not key.start
        if whole and (key.stop is None or key.stop == product(map(length_of, axis))):
            axes.append(axis)
            taken += [slice(None)] * len(known(axis))
            continue
        if len(known(axis)) != len(axis):
            raise NotTraceable(f"a part of an axis of length {_text(axis)}")
        if isinstance(key, slice):
            axes.append((len(range(*key.indices(math.prod(known(axis))))),))
        taken += [key] if axis else []
    cells = np.asarray(x.cells[tuple(taken)], dtype=object)
    return SymbolicTensor([*axes, *remaining], cells)
