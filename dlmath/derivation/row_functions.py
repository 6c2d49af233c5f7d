"""Functions with a definition in simpler nodes and a rule of their own.

Such a rule is a lemma: `lemmas.py` proves that it is what the definition gives.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from dlmath.derivation.entrywise_functions import HALF, Exp, Ones, Power, times
from dlmath.derivation.graph import evaluated
from dlmath.derivation.nodes import Broadcast, Coefficient, Node, Scale, Sum
from dlmath.derivation.operations import Operations
from dlmath.derivation.sizes import Length


class Composite(Node):
    """A function with a definition in simpler nodes."""

    def definition(self) -> Node:
        """Return the function in simpler nodes, of the same children."""
        raise NotImplementedError

    def value(self, ops: Operations, *values: Any) -> Any:
        return evaluated(self.definition(), ops, dict(zip(self.children, values, strict=True)))


class Mean(Composite):
    """m(x): the mean over axes, spread out over them again. It is its own adjoint."""

    rule = "the mean is self-adjoint"

    def __init__(self, a: Node, axes: Sequence[int]):
        super().__init__((a,), a.shape)
        self.axes = tuple(sorted(axis % len(a.shape) for axis in axes))

    def formula(self, style: str) -> str:
        return "m({0})" if style == "text" else r"m\left({0}\right)"

    def definition(self) -> Node:
        a = self.children[0]
        total = Sum(a, self.axes)
        lengths = tuple(total.lengths)
        return Broadcast(Scale(Coefficient(Fraction(1), lengths), total), self.axes, lengths)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Mean(u, self.axes),)


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


class Identity(Node):
    """The identity matrix: Kronecker's delta."""

    text, latex = "I", "I"

    def __init__(self, length: Length):
        super().__init__((), (length, length))

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.identity(self.shape[0])

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return ()


class Trace(Composite):
    """tr a, a scalar: <tr da, u> = <da, u I>."""

    rule = "trace"
    text, latex = "tr({0})", r"\operatorname{{tr}}\left({0}\right)"

    def __init__(self, a: Node):
        super().__init__((a,), ())

    def definition(self) -> Node:
        a = self.children[0]
        return Sum(Identity(a.shape[0]) * a, (0, 1))

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        shape = self.children[0].shape
        return (Broadcast(u, (0, 1), shape) * Identity(shape[0]),)
