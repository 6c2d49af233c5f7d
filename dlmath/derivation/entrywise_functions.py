"""Functions of each entry of a tensor, each with its derivative."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from dlmath.derivation.nodes import TIGHT, Coefficient, Node, Scale
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


class IsPositive(Entrywise):
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
