"""Reading entries by a table, and the largest of several."""

import itertools
from typing import Any

import numpy as np

from dlmath.derivation.nodes import PRODUCT, Broadcast, Node
from dlmath.derivation.operations import Operations


class Gather(Node):
    """Places of axis 1, by a table of their numbers: S x. The adjoint adds up what was read.

    Args:
        a: x, of a known length along axis 1.
        table: Numbers of places, of any shape; -1 reads `fill`.
        fill: Stands in the margin.
        name: Of the map.
    """

    rule, level, inner = "gathering: the adjoint adds up", PRODUCT, PRODUCT

    def __init__(self, a: Node, table: np.ndarray, fill: float = 0.0, name: str = "S"):
        super().__init__((a,), (a.shape[0], *table.shape, *a.shape[2:]))
        self.table, self.fill, self.map_name = table, fill, name

    def formula(self, style: str) -> str:
        return f"{self.map_name} {{0}}" if style == "text" else rf"{self.map_name}\, {{0}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.gathered(values[0], self.table, self.fill)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Scatter(u, self.table, int(self.children[0].shape[1]), self.map_name),)  # type: ignore[arg-type]


class Scatter(Node):
    """The adjoint of `Gather`: what was read from a place is added up there."""

    rule, level, inner = "scattering: the adjoint gathers", PRODUCT, PRODUCT

    def __init__(self, a: Node, table: np.ndarray, size: int, name: str = "S"):
        super().__init__((a,), (a.shape[0], size, *a.shape[1 + table.ndim :]))
        self.table, self.size, self.map_name = table, size, name

    def formula(self, style: str) -> str:
        name = self.map_name
        return f"{name}* {{0}}" if style == "text" else rf"{name}^{{{{*}}}}\, {{0}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.scattered(values[0], self.table, self.size)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Gather(u, self.table, name=self.map_name),)


class FirstLargest(Node):
    """m: 1 at the first of the largest entries along an axis of known length, else 0. Fixed."""

    rule = "fixed selection"
    text, latex = "first largest({0})", r"m\left({0}\right)"

    def __init__(self, a: Node, axis: int):
        super().__init__((a,), a.shape)
        self.axis = axis

    def value(self, ops: Operations, *values: Any) -> Any:
        so_far = _running_maxima(ops, values[0], self.axis, int(self.shape[self.axis]))  # type: ignore[arg-type]
        reached = [ops.equals(one, so_far[-1]) for one in so_far]
        gained = [now - before for before, now in itertools.pairwise(reached)]
        return ops.joined([reached[0], *gained], self.axis)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (None,)


class Largest(Node):
    """The largest entry along an axis; near x without ties it is sum of m * x, m fixed."""

    rule = "maximum with fixed selection"
    text, latex = "max({0})", r"\max\left({0}\right)"

    def __init__(self, a: Node, axis: int):
        super().__init__((a,), (*a.shape[:axis], *a.shape[axis + 1 :]))
        self.axis = axis

    def value(self, ops: Operations, *values: Any) -> Any:
        length = int(self.children[0].shape[self.axis])  # type: ignore[arg-type]
        return _running_maxima(ops, values[0], self.axis, length)[-1]

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        a = self.children[0]
        spread = Broadcast(u, (self.axis,), (a.shape[self.axis],))
        return (FirstLargest(a, self.axis).called("m") * spread,)


def _running_maxima(ops: Operations, x: Any, axis: int, length: int) -> list[Any]:
    found = [ops.part(x, axis, 0)]
    for place in range(1, length):
        found.append(ops.maximum(found[-1], ops.part(x, axis, place)))
    return found
