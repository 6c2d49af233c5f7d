"""Sums, products and changes of shape of symbolic tensors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlmath.derivation.atoms import Index
from dlmath.derivation.index_notation import Expression, total
from dlmath.derivation.sizes import Length, NotTraceable, divided, parts, product
from dlmath.derivation.symbolic_tensor import (
    Axis,
    Factor,
    SymbolicTensor,
    exact,
    full,
    known,
    length_of,
    tensor,
    together,
)


def numbered(axes: Any, rank: int) -> list[int]:
    """Return axes given as an int, several, or None for all, as numbers from 0."""
    if axes is None:
        return list(range(rank))
    return sorted(axis % rank for axis in ([axes] if isinstance(axes, int) else axes))


def reduced(x: SymbolicTensor, axes: Any, keepdims: bool = False) -> SymbolicTensor:
    """Return the sum over axes."""
    over = numbered(axes, len(x.axes))
    indices = [f for axis in over for f in x.axes[axis] if isinstance(f, Index)]
    numbers = _cell_axes(x, over)
    cells = np.moveaxis(x.cells, numbers, range(len(numbers))).reshape(
        -1, *[n for place, n in enumerate(x.cells.shape) if place not in numbers]
    )
    rest = np.empty(cells.shape[1:], dtype=object)
    for place in np.ndindex(*rest.shape):
        found = total(cells[(slice(None), *place)])
        for index in indices:
            found = found.summed(index)
        rest[place] = found
    kept = [() if n in over else axis for n, axis in enumerate(x.axes) if keepdims or n not in over]
    return SymbolicTensor(kept, rest)


def _cell_axes(x: SymbolicTensor, over: Sequence[int]) -> list[int]:
    """Return the axes of the cells that belong to the axes of the tensor."""
    found: list[int] = []
    place = 0
    for number_, axis in enumerate(x.axes):
        count = len(known(axis))
        found += range(place, place + count) if number_ in over else []
        place += count
    return found


def matmul(one: Any, two: Any) -> SymbolicTensor:
    """Return the matrix product over the last two axes; axes before them broadcast."""
    a, b = tensor(one), tensor(two)
    left = SymbolicTensor((*a.axes, ()), a.cells)  # (..., M, K, 1)
    right = SymbolicTensor((*b.axes[:-2], (), *b.axes[-2:]), b.cells)  # (..., 1, K, P)
    return reduced(left * right, -2)


def permuted(x: SymbolicTensor, order: Sequence[int]) -> SymbolicTensor:
    """Return the tensor with its axes in another order."""
    numbers = [n for axis in order for n in _cell_axes(x, [axis])]
    return SymbolicTensor([x.axes[axis] for axis in order], x.cells.transpose(numbers))


def reshaped(x: SymbolicTensor, shape: Sequence[Length]) -> SymbolicTensor:
    """Return the entries in row-major order in another shape; one length may be -1.

    Raises:
        NotTraceable: The lengths do not fit for every size.
    """
    factors = [factor for axis in x.axes for factor in axis]
    size = product(map(length_of, factors))
    wanted = [length for length in shape if not _is_free(length)]
    filled = [divided(size, product(wanted)) if _is_free(length) else length for length in shape]
    axes = [_taken(factors, length) for length in filled]
    if any(factor != 1 for factor in factors):
        raise NotTraceable(f"{x.shape} cannot be read as {tuple(filled)}")
    return SymbolicTensor(axes, x.cells)


def _is_free(length: Length) -> bool:
    return isinstance(length, (int, np.integer)) and length == -1


def _taken(factors: list[Factor], length: Length) -> Axis:
    """Take from the front of `factors` those whose product is the length."""
    taken: list[Factor] = []
    while length != 1:
        if not factors:
            raise NotTraceable(f"nothing is left for a length of {length}")
        factor = factors.pop(0)
        if isinstance(factor, int):
            shared = math.gcd(factor, parts(length)[0])
            if shared == 1 and factor > 1:
                raise NotTraceable(f"a length of {factor} does not begin one of {length}")
            if shared < factor:
                factors.insert(0, factor // shared)
            factor = shared
        taken.append(factor)
        length = divided(length, length_of(factor))
    return tuple(taken)


def stacked(tensors: Sequence[Any], axis: int) -> SymbolicTensor:
    """Return tensors of one shape next to each other along a new axis."""
    first, *others = map(tensor, tensors)
    same = [first, *(_like(first, other) for other in others)]
    axis = axis % (len(first.axes) + 1)
    place = sum(len(known(one)) for one in first.axes[:axis])
    cells = np.stack([one.cells for one in same], axis=place)
    return SymbolicTensor((*first.axes[:axis], (len(same),), *first.axes[axis:]), cells)


def _like(first: SymbolicTensor, other: SymbolicTensor) -> SymbolicTensor:
    """Return the other tensor with the indices of the first, whose shape it must have."""
    if first.shape != other.shape:
        raise NotTraceable(f"shapes {first.shape} and {other.shape} differ")
    return together(lambda _, b: b, first, other)


def concatenated(tensors: Sequence[Any], axis: int) -> SymbolicTensor:
    """Return tensors one after the other along an axis that is there."""
    first, *others = map(tensor, tensors)
    axis = axis % len(first.axes)
    if any(isinstance(factor, Index) for factor in first.axes[axis]):
        # Equal lengths: which tensor it is becomes the slowest factor of the axis.
        side_by_side = stacked([first, *others], axis)
        factors = (*side_by_side.axes[axis], *side_by_side.axes[axis + 1])
        axes = (*side_by_side.axes[:axis], factors, *side_by_side.axes[axis + 2 :])
        return SymbolicTensor(axes, side_by_side.cells)
    place = sum(len(known(one)) for one in first.axes[:axis])
    cells = np.concatenate(
        [_cells_along(_named_like(first, one, axis), axis) for one in (first, *others)], axis=place
    )
    return SymbolicTensor(
        (*first.axes[:axis], (cells.shape[place],), *first.axes[axis + 1 :]), cells
    )


def _named_like(first: SymbolicTensor, x: SymbolicTensor, axis: int) -> SymbolicTensor:
    """Return x with the indices of the first tensor; along the axis there are none."""
    if any(isinstance(factor, Index) for factor in x.axes[axis]):
        raise NotTraceable("a known and an unknown length are put one after the other")
    return x.renamed(dict(zip(x.indices, first.indices, strict=True)))


def _cells_along(x: SymbolicTensor, axis: int) -> np.ndarray:
    """Return the cells with an axis of their own for an axis of length 1."""
    place = sum(len(known(one)) for one in x.axes[:axis])
    return x.cells if x.axes[axis] else np.expand_dims(x.cells, place)


def split(value: Any, num_or_size_splits: Any, axis: int = 0) -> list[SymbolicTensor]:
    """Return equal parts along an axis, whose first factors must be their number."""
    x = tensor(value)
    if not isinstance(num_or_size_splits, int):
        raise NotTraceable("a split into parts of given lengths")
    axis = axis % len(x.axes)
    part = divided(x.shape[axis], num_or_size_splits)
    shape = (*x.shape[:axis], num_or_size_splits, part, *x.shape[axis + 1 :])
    apart = reshaped(x, shape)
    keys = (slice(None),) * axis
    return [apart[(*keys, place)] for place in range(num_or_size_splits)]


def padded(
    value: Any, paddings: Sequence[tuple[int, int]], constant_values: float = 0.0
) -> SymbolicTensor:
    """Return the tensor with a margin before and after each axis of known length."""
    x = tensor(value)
    fill = exact(constant_values)
    for axis, (before, after) in enumerate(paddings):
        for count, at_front in ((before, True), (after, False)):
            if not (isinstance(count, int) and count == 0):
                margin = _margin(x, axis, count, fill)
                x = concatenated([margin, x] if at_front else [x, margin], axis)
    return x


def _margin(x: SymbolicTensor, axis: int, count: int, fill: Expression) -> SymbolicTensor:
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return full(shape, fill)
