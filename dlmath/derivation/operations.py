"""What nodes compute with: expressions for all sizes at once, or NumPy arrays of some size."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy import special

from dlmath.derivation import entrywise
from dlmath.derivation.index_notation import DELTA, ONE, ZERO, Expression, scalar
from dlmath.derivation.sizes import Length, number_of, product
from dlmath.derivation.symbolic_operations import (
    matmul,
    permuted,
    reduced,
    reshaped,
    stacked,
)
from dlmath.derivation.symbolic_tensor import (
    SymbolicTensor,
    exact,
    full,
    mapped,
    named,
    tensor,
    together,
)

if TYPE_CHECKING:
    from dlmath.derivation.nodes import Coefficient


class Operations(Protocol):
    """The functions that nodes are made of; sums and products are Python's operators."""

    def constant(self, numbers: np.ndarray) -> Any:
        """Return an array of fractions."""

    def identity(self, length: Length) -> Any:
        """Return the identity matrix."""

    def scaled(self, x: Any, coefficient: "Coefficient") -> Any:
        """Return x times a coefficient."""

    def matmul(self, a: Any, b: Any) -> Any:
        """Return the matrix product over the last two axes."""

    def permuted(self, x: Any, order: Sequence[int]) -> Any:
        """Return x with its axes in another order."""

    def summed(self, x: Any, axes: Sequence[int]) -> Any:
        """Return the sum over axes."""

    def spread(self, x: Any, axes: Sequence[int], lengths: Sequence[Length]) -> Any:
        """Return x with new axes along which nothing changes."""

    def reshaped(self, x: Any, shape: Sequence[Length]) -> Any:
        """Return x in another shape."""

    def gathered(self, x: Any, table: np.ndarray, fill: float) -> Any:
        """Return the entries of axis 1 that the table names, `fill` where it is -1."""

    def scattered(self, x: Any, table: np.ndarray, size: int) -> Any:
        """Return the adjoint of `gathered` for an axis of length `size`."""

    def entrywise(self, function: str, x: Any, *numbers: Any) -> Any:
        """Return a function of each entry: one of `FUNCTIONS`."""

    def equals(self, a: Any, b: Any) -> Any:
        """Return 1 where the entries are equal, else 0."""

    def maximum(self, a: Any, b: Any) -> Any:
        """Return the larger entries."""

    def part(self, x: Any, axis: int, place: int) -> Any:
        """Return the part of x at a place of an axis, which is gone."""

    def joined(self, values: Sequence[Any], axis: int) -> Any:
        """Return tensors next to each other along a new axis."""


FUNCTIONS = ("exp", "log", "erf", "positive", "power", "clip")


class Symbolic:
    """Operations on symbolic tensors."""

    def constant(self, numbers: np.ndarray) -> SymbolicTensor:
        return tensor(numbers)

    def identity(self, length: Length) -> SymbolicTensor:
        return named(DELTA, (length, length))

    def scaled(self, x: SymbolicTensor, coefficient: "Coefficient") -> SymbolicTensor:
        found = exact(coefficient.number)
        for length in coefficient.lengths:
            found = found * entrywise.power(exact(length), -1)
        for base, power in coefficient.roots:
            found = found * scalar(base, power)
        return x.each(lambda one: one * found)

    def matmul(self, a: SymbolicTensor, b: SymbolicTensor) -> SymbolicTensor:
        return matmul(a, b)

    def permuted(self, x: SymbolicTensor, order: Sequence[int]) -> SymbolicTensor:
        return permuted(x, order)

    def summed(self, x: SymbolicTensor, axes: Sequence[int]) -> SymbolicTensor:
        return reduced(x, tuple(axes))

    def spread(
        self, x: SymbolicTensor, axes: Sequence[int], lengths: Sequence[Length]
    ) -> SymbolicTensor:
        with_ones = list(x.axes)
        for axis in sorted(axes):
            with_ones.insert(axis, ())
        shape = [product([]) for _ in with_ones]
        for axis, length in zip(axes, lengths, strict=True):
            shape[axis] = length
        return full(shape, ONE) * SymbolicTensor(with_ones, x.cells)

    def reshaped(self, x: SymbolicTensor, shape: Sequence[Length]) -> SymbolicTensor:
        return reshaped(x, shape)

    def gathered(self, x: SymbolicTensor, table: np.ndarray, fill: float) -> SymbolicTensor:
        # Axis 1 has a known length, and the others before it have none.
        padded = np.concatenate([x.cells, _filled(x.cells[:1].shape, exact(fill))])
        cells = padded[table]
        return SymbolicTensor((x.axes[0], *[(n,) for n in table.shape], *x.axes[2:]), cells)

    def scattered(self, x: SymbolicTensor, table: np.ndarray, size: int) -> SymbolicTensor:
        lead = table.ndim
        flat = x.cells.reshape(table.size, *x.cells.shape[_known_axes(x, lead) :])
        found = _filled((size, *flat.shape[1:]), ZERO)
        for place, target in enumerate(table.ravel()):
            if target >= 0:
                found[target, ...] = mapped(lambda a, b: a + b, found[target], flat[place])
        return SymbolicTensor((x.axes[0], (size,), *x.axes[1 + lead :]), found)

    def entrywise(self, function: str, x: SymbolicTensor, *numbers: Any) -> SymbolicTensor:
        given = numbers if function == "power" else tuple(map(exact, numbers))
        return x.each(lambda one: getattr(entrywise, function)(one, *given))

    def equals(self, a: SymbolicTensor, b: SymbolicTensor) -> SymbolicTensor:
        return together(entrywise.equals, a, b)

    def maximum(self, a: SymbolicTensor, b: SymbolicTensor) -> SymbolicTensor:
        return together(entrywise.maximum, a, b)

    def part(self, x: SymbolicTensor, axis: int, place: int) -> SymbolicTensor:
        return x[(*(slice(None),) * axis, place)]

    def joined(self, values: Sequence[SymbolicTensor], axis: int) -> SymbolicTensor:
        return stacked(values, axis)


def _filled(shape: Sequence[int], value: Expression) -> np.ndarray:
    cells = np.empty(tuple(shape), dtype=object)
    cells[...] = value
    return cells


def _known_axes(x: SymbolicTensor, lead: int) -> int:
    """Return how many axes of the cells the axes 1 to `lead` have; a length of 1 has none."""
    return sum(len([f for f in axis if isinstance(f, int)]) for axis in x.axes[1 : 1 + lead])


class Numeric:
    """Operations on NumPy arrays.

    Args:
        values: The number that each dimension stands for.
    """

    def __init__(self, values: Mapping[str, int]):
        self.values = dict(values)

    def _number(self, length: Length) -> int:
        return number_of(length, self.values)

    def constant(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.astype(float)

    def identity(self, length: Length) -> np.ndarray:
        return np.eye(self._number(length))

    def scaled(self, x: np.ndarray, coefficient: "Coefficient") -> np.ndarray:
        factor = float(coefficient.number)
        for length in coefficient.lengths:
            factor /= self._number(length)
        for base, power in coefficient.roots:
            factor *= self._root(base) ** float(power)
        return factor * x

    def _root(self, base: str) -> float:
        if base == "pi":
            return np.pi
        return float(base) if base.isdigit() else float(self.values[base])

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a @ b

    def permuted(self, x: np.ndarray, order: Sequence[int]) -> np.ndarray:
        return x.transpose(order)

    def summed(self, x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
        return x.sum(axis=tuple(axes))

    def spread(self, x: np.ndarray, axes: Sequence[int], lengths: Sequence[Length]) -> np.ndarray:
        for axis, length in sorted(zip(axes, lengths, strict=True), key=lambda pair: pair[0]):
            x = np.repeat(np.expand_dims(x, axis), self._number(length), axis)
        return x

    def reshaped(self, x: np.ndarray, shape: Sequence[Length]) -> np.ndarray:
        return x.reshape([self._number(length) for length in shape])

    def gathered(self, x: np.ndarray, table: np.ndarray, fill: float) -> np.ndarray:
        margin = np.full((x.shape[0], 1, *x.shape[2:]), fill)
        return np.concatenate([x, margin], axis=1)[:, table]

    def scattered(self, x: np.ndarray, table: np.ndarray, size: int) -> np.ndarray:
        flat = x.reshape(x.shape[0], table.size, *x.shape[1 + table.ndim :])
        found = np.zeros((x.shape[0], size + 1, *flat.shape[2:]))
        for place, target in enumerate(table.ravel()):
            found[:, target] += flat[:, place]
        return found[:, :size]

    def entrywise(self, function: str, x: np.ndarray, *numbers: Any) -> np.ndarray:
        if function == "power":
            return x ** float(numbers[0])
        if function == "clip":
            low, high = map(float, numbers)
            return np.clip(x, low, high)
        if function == "positive":
            return (x > 0).astype(float)
        return {"exp": np.exp, "log": np.log, "erf": special.erf}[function](x)

    def equals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a == b).astype(float)

    def maximum(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.maximum(a, b)

    def part(self, x: np.ndarray, axis: int, place: int) -> np.ndarray:
        return np.take(x, place, axis)

    def joined(self, values: Sequence[np.ndarray], axis: int) -> np.ndarray:
        return np.stack(values, axis)
