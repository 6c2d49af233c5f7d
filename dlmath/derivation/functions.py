r"""Functions of tensors: entry by entry, over rows, and along windows.

A *composite* function has a `definition()` in simpler nodes and a rule of its own, which is a
lemma: `lemmas.py` proves that the rule is what the definition gives.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from dlmath.derivation.nodes import (
    PRODUCT,
    TIGHT,
    Broadcast,
    Coefficient,
    Node,
    Scale,
    Sum,
)
from dlmath.derivation.operations import Operations
from dlmath.derivation.sizes import Length

HALF = Fraction(1, 2)


def times(number: Fraction | int, a: Node) -> Node:
    """Return a rational number times a tensor."""
    return Scale(Coefficient(Fraction(number)), a)


class Ones(Node):
    """The tensor of ones, and what is made of it by `times`: constants."""

    def __init__(self, shape: Sequence[Length]):
        super().__init__((), tuple(shape))

    def formula(self, style: str) -> str:
        return "1" if style == "text" else r"\mathbf 1"

    def value(self, ops: Operations, *values: Any) -> Any:
        one = ops.constant(np.array(Fraction(1), dtype=object))
        return ops.spread(one, range(len(self.shape)), self.shape)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return ()


class Entrywise(Node):
    """A function of each entry: y = f(x) has dy = f'(x) * dx, its own adjoint."""

    rule = "entrywise function"
    function = ""

    def __init__(self, a: Node):
        super().__init__((a,), a.shape)

    def formula(self, style: str) -> str:
        if style == "text":
            return f"{self.function}({{0}})"
        return rf"\operatorname{{{{{self.function}}}}}\left({{0}}\right)"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.entrywise(self.function, values[0])

    def slope(self) -> Node:
        """Return f'(x)."""
        raise NotImplementedError

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (u * self.slope(),)


class Exp(Entrywise):
    """e^x, its own derivative."""

    rule, function = "exp' = exp", "exp"

    def slope(self) -> Node:
        return self


class Log(Entrywise):
    """log x, with the derivative 1 / x."""

    rule, function = "log' = 1/x", "log"

    def slope(self) -> Node:
        return Power(self.children[0], -1)


class Erf(Entrywise):
    """The error function, with the derivative 2 / sqrt(pi) e^(-x^2)."""

    rule, function = "erf' = 2/sqrt(pi) exp(-x^2)", "erf"

    def slope(self) -> Node:
        x = self.children[0]
        bell = Exp(times(-1, Power(x, 2)))
        return Scale(Coefficient(Fraction(2), (), (("pi", -HALF),)), bell)


class Power(Entrywise):
    """x^p with a rational p, and the derivative p x^(p-1)."""

    rule, inner = "power rule", TIGHT

    def __init__(self, a: Node, exponent: Fraction | int):
        super().__init__(a)
        self.exponent = Fraction(exponent)

    def formula(self, style: str) -> str:
        said = str(self.exponent)
        if style == "text":
            return f"{{0}}^{said}" if said.isdigit() else f"{{0}}^({said})"
        return f"{{0}}^{{{{{said}}}}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.entrywise("power", values[0], self.exponent)

    def slope(self) -> Node:
        lower = self.exponent - 1
        x = self.children[0]
        return times(self.exponent, x if lower == 1 else Power(x, lower))


class Step(Entrywise):
    """[x > 0]: 1 where x is positive, else 0. It is constant but at 0: its differential is 0."""

    rule, function = "step", "positive"

    def formula(self, style: str) -> str:
        return "[{0} > 0]" if style == "text" else r"\left[{0} > 0\right]"

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (None,)


class Inside(Entrywise):
    """[x = clip(x)]: 1 where clipping leaves x, else 0; its differential is 0."""

    rule = "inside"

    def __init__(self, clipped: "Clip"):
        super().__init__(clipped.children[0])
        self.clipped = clipped

    def formula(self, style: str) -> str:
        return "[{0} kept]" if style == "text" else r"\left[{0}\text{{ kept}}\right]"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.equals(values[0], self.clipped.value(ops, values[0]))

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (None,)


class Clip(Entrywise):
    """x kept within [low, high]; the derivative is 1 where x is left as it is, else 0."""

    rule, function = "clip' = 1 inside, 0 outside", "clip"

    def __init__(self, a: Node, low: float, high: float):
        super().__init__(a)
        self.bounds = low, high

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.entrywise("clip", values[0], *self.bounds)

    def slope(self) -> Node:
        return Inside(self)


class Mean(Node):
    """m(x): the mean over axes, spread out over them again. It is its own adjoint."""

    rule = "the mean is self-adjoint"

    def __init__(self, a: Node, axes: Sequence[int]):
        super().__init__((a,), a.shape)
        self.axes = tuple(sorted(axis % len(a.shape) for axis in axes))

    def formula(self, style: str) -> str:
        return "m({0})" if style == "text" else r"m\left({0}\right)"

    def definition(self) -> Node:
        """Return 1 (1/n) sum x."""
        a = self.children[0]
        total = Sum(a, self.axes)
        lengths = tuple(total.lengths)
        return Broadcast(Scale(Coefficient(Fraction(1), lengths), total), self.axes, lengths)

    def value(self, ops: Operations, *values: Any) -> Any:
        return evaluated(self.definition(), ops, {self.children[0]: values[0]})

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Mean(u, self.axes),)


class Composite(Node):
    """A function with a definition in simpler nodes."""

    def definition(self) -> Node:
        """Return the function in simpler nodes, of the same children."""
        raise NotImplementedError

    def value(self, ops: Operations, *values: Any) -> Any:
        return evaluated(self.definition(), ops, dict(zip(self.children, values, strict=True)))


class Sigmoid(Composite):
    """s(x) = 1 / (1 + e^-x), with s' = s (1 - s)."""

    rule = "s' = s (1 - s)"
    text, latex = "s({0})", r"s\left({0}\right)"

    def __init__(self, a: Node):
        super().__init__((a,), a.shape)

    def definition(self) -> Node:
        return Power(Ones(self.shape) + Exp(times(-1, self.children[0])), -1)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (u * (self * (Ones(self.shape) - self)),)


class Tanh(Composite):
    """tanh x = (e^x - e^-x) / (e^x + e^-x), with tanh' = 1 - tanh^2."""

    rule = "tanh' = 1 - tanh^2"
    text, latex = "tanh({0})", r"\tanh\left({0}\right)"

    def __init__(self, a: Node):
        super().__init__((a,), a.shape)

    def definition(self) -> Node:
        up, down = Exp(self.children[0]), Exp(times(-1, self.children[0]))
        return (up - down) * Power(up + down, -1)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (u * (Ones(self.shape) - Power(self, 2)),)


class Softmax(Composite):
    """S(z) = e^z / sum e^z along axes: dS(v) = S * (v - <S, v>), self-adjoint."""

    rule = "softmax: S * (u - sum of S * u)"
    text, latex = "S({0})", r"S\left({0}\right)"

    def __init__(self, a: Node, axes: Sequence[int]):
        super().__init__((a,), a.shape)
        self.axes = tuple(sorted(axis % len(a.shape) for axis in axes))

    def _spread_sum(self, a: Node) -> Node:
        total = Sum(a, self.axes)
        return Broadcast(total, self.axes, total.lengths)

    def definition(self) -> Node:
        powers = Exp(self.children[0])
        return powers * Power(self._spread_sum(powers), -1)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (self * (u - self._spread_sum(self * u)),)


class Normalized(Composite):
    """xhat = r c with c = x - m(x), r = (m(c^2) + epsilon)^(-1/2): dxhat = r (1 - m - xhat m xhat).

    Args:
        a: x.
        axes: The axes of the mean m.
        epsilon: Added to the variance.
    """

    rule = "normalisation: r * (u - m(u) - xhat * m(xhat * u))"
    text, latex = "norm({0})", r"\operatorname{{norm}}\left({0}\right)"

    def __init__(self, a: Node, axes: Sequence[int], epsilon: Fraction):
        super().__init__((a,), a.shape)
        self.axes, self.epsilon = tuple(axes), epsilon

    def reciprocal(self) -> Node:
        """Return r, in the shape of x."""
        x = self.children[0]
        centred = x - Mean(x, self.axes)
        shift = times(self.epsilon, Ones(x.shape))
        return Power(Mean(Power(centred, 2), self.axes) + shift, -HALF)

    def definition(self) -> Node:
        x = self.children[0]
        return (x - Mean(x, self.axes)) * self.reciprocal()

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        through_variance = self * Mean(self * u, self.axes)
        r = self.reciprocal().called("r")
        return (r * (u - Mean(u, self.axes) - through_variance),)


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
        pairs = zip(reached, reached[1:], strict=False)
        return ops.joined([reached[0], *(now - before for before, now in pairs)], self.axis)

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


def evaluated(node: Node, ops: Operations, values: dict[Node, Any]) -> Any:
    """Return the value of a node from those of its variables; each node is computed once."""
    if node not in values:
        found = node.value(ops, *(evaluated(child, ops, values) for child in node.children))
        values[node] = found
    return values[node]
