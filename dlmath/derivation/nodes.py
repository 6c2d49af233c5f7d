r"""Forward passes as expressions whose differential has an adjoint.

Every node stands for a tensor. Its differential is linear in those of its children, and
`cotangents(u)` moves the adjoint of each part across: with y = f(a, b),

    <u, dy> = <u, (d_a f) da> + <u, (d_b f) db> = <(d_a f)* u, da> + <(d_b f)* u, db>,

it returns (d_a f)* u and (d_b f)* u, which are nodes again. <A, B> = tr(A^T B) is the Frobenius
inner product, the sum of all entries of A * B.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from dlmath.derivation.operations import Operations
from dlmath.derivation.sizes import Length, NotTraceable, product

# How tightly a text binds: a child in a place that binds tighter is put in brackets.
SUM, HADAMARD, PRODUCT, TIGHT = 0, 1, 2, 3


@dataclass(eq=False)
class Node:
    """A tensor: a function of its children.

    Attributes:
        children: The tensors that it is made of.
        shape: The length of each axis.
        name: What it is called where it stands in another formula; None writes it out.
    """

    children: tuple["Node", ...]
    shape: tuple[Length, ...]
    name: str | None = field(default=None, kw_only=True)

    rule: ClassVar[str] = ""
    level: ClassVar[int] = TIGHT
    text: ClassVar[str] = ""  # with {0} and {1} for the children
    latex: ClassVar[str] = ""
    inner: ClassVar[int] = SUM  # how tightly the place of a child binds

    def value(self, ops: Operations, *values: Any) -> Any:
        """Return the tensor, from the values of its children."""
        raise NotImplementedError

    def cotangents(self, u: "Node") -> tuple["Node | None", ...]:
        """Return the adjoint of each partial differential, applied to u; None where it is 0."""
        raise NotImplementedError

    def called(self, name: str) -> "Node":
        """Give the node a name, and return it."""
        self.name = name
        return self

    def written(self, style: str, *, whole: bool = False) -> str:
        """Return the formula: in `text`, or in `latex`. `whole` writes out a node with a name."""
        if self.name is not None and not whole:
            return symbol(self.name, style)
        return self.formula(style).format(
            *(self._shown(n, style) for n in range(len(self.children)))
        )

    def formula(self, style: str) -> str:
        """Return the formula with places for the children."""
        return self.text if style == "text" else self.latex

    def _shown(self, number: int, style: str) -> str:
        child = self.children[number]
        said = child.written(style)
        level = TIGHT if child.name is not None else child.level
        if level >= self.inner:
            return said
        return f"({said})" if style == "text" else rf"\left({said}\right)"

    def __add__(self, other: "Node") -> "Node":
        return Add(self, other)

    def __sub__(self, other: "Node") -> "Node":
        return Add(self, Scale(Coefficient(Fraction(-1)), other))

    def __mul__(self, other: "Node") -> "Node":
        return Hadamard(self, other)

    def __matmul__(self, other: "Node") -> "Node":
        return MatMul(self, other)


_GREEK = {
    "gamma": r"\gamma",
    "beta": r"\beta",
    "mu": r"\mu",
    "xhat": r"\hat x",
    "epsilon": r"\varepsilon",
}


def symbol(name: str, style: str) -> str:
    r"""Return a name in a formula: `g_xhat` is `g_{\hat x}` in LaTeX."""
    if style == "text":
        return name
    head, _, index = name.partition("_")
    shown = _GREEK.get(head, head if len(head) == 1 else rf"\mathrm{{{head}}}")
    return f"{shown}_{{{symbol(index, style)}}}" if index else shown


def lengths_text(lengths: Sequence[Length]) -> str:
    """Return lengths as they stand at the foot of a sum or a 1."""
    return ",".join(str(length).replace(" ", "") for length in lengths)


class Variable(Node):
    """A tensor that the function is given.

    Args:
        name: Its name.
        shape: The length of each axis; a tuple of lengths for an axis that is read as several.
        is_fixed: It has no differential: a mask, or statistics that do not depend on the input.
    """

    def __init__(
        self, name: str, shape: Sequence[Length | tuple[Length, ...]], *, is_fixed: bool = False
    ):
        lengths = tuple(product(one) if isinstance(one, tuple) else one for one in shape)
        super().__init__((), lengths, name=name)
        self.layout = tuple(shape)
        self.is_fixed = is_fixed

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return ()


class Constant(Node):
    """A tensor of numbers of the geometry, such as one over the pixels of each place.

    Args:
        name: Its name.
        numbers: An array of fractions.
    """

    def __init__(self, name: str, numbers: Any):
        super().__init__((), tuple(numbers.shape), name=name)
        self.numbers = numbers

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.constant(self.numbers)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return ()


@dataclass(frozen=True)
class Coefficient:
    """A rational number times powers of lengths and square roots of primes and of pi.

    Attributes:
        number: The rational number.
        lengths: What it is divided by: 1 / n for a mean over n entries.
        roots: Exponents of 2 and of pi, as ("2", -1/2).
    """

    number: Fraction
    lengths: tuple[Length, ...] = ()
    roots: tuple[tuple[str, Fraction], ...] = ()

    def written(self, style: str) -> str:
        """Return the coefficient as it stands before a factor."""
        below = lengths_text(self.lengths).replace(",", " ")
        parts = [self._number_text(style)] if self.number not in (1, -1) else []
        for base, power in self.roots:
            said = {"text": base, "latex": r"\pi" if base == "pi" else base}[style]
            parts.append(f"{said}^({power})" if style == "text" else f"{said}^{{{power}}}")
        if below:
            divisor = below if len(self.lengths) == 1 else f"({below})"
            parts.append(f"1/{divisor}" if style == "text" else rf"\tfrac{{1}}{{{below}}}")
        return ("-" if self.number < 0 else "") + " ".join(parts)

    def _number_text(self, style: str) -> str:
        size = abs(self.number)
        if style == "latex" and size.denominator > 1:
            return rf"\tfrac{{{size.numerator}}}{{{size.denominator}}}"
        return str(size)


class Add(Node):
    """a + b."""

    rule, level = "sum", SUM

    def __init__(self, a: Node, b: Node):
        _check_equal(a, b)
        super().__init__((a, b), a.shape)

    def formula(self, style: str) -> str:
        second = self.children[1]
        negative = second.name is None and isinstance(second, Scale) and second.is_minus
        return "{0} {1}" if negative else "{0} + {1}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return values[0] + values[1]

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return u, u


class Scale(Node):
    """c a, with a number c."""

    rule, inner = "scalar multiple", HADAMARD

    def __init__(self, coefficient: Coefficient, a: Node):
        super().__init__((a,), a.shape)
        self.coefficient = coefficient
        bound = TIGHT if a.name is not None else max(a.level, self.inner)
        self.level = SUM if self.is_minus else min(PRODUCT, bound)  # type: ignore[misc]

    @property
    def is_minus(self) -> bool:
        """Whether the formula begins with a minus."""
        return self.coefficient.number < 0

    def formula(self, style: str) -> str:
        said = _braced(self.coefficient.written(style))
        if self.is_minus:
            return f"- {said[1:]} {{0}}" if len(said) > 1 else "- {0}"
        return f"{said} {{0}}" if said else "{0}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.scaled(values[0], self.coefficient)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Scale(self.coefficient, u),)


def _braced(said: str) -> str:
    return said.replace("{", "{{").replace("}", "}}")


class Hadamard(Node):
    """a * b, entry by entry: multiplication by b is its own adjoint."""

    rule, level, inner = "entrywise product", HADAMARD, HADAMARD
    text, latex = "{0} * {1}", r"{0} \odot {1}"

    def __init__(self, a: Node, b: Node):
        _check_equal(a, b)
        super().__init__((a, b), a.shape)

    def value(self, ops: Operations, *values: Any) -> Any:
        return values[0] * values[1]

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        a, b = self.children
        return u * b, u * a


class MatMul(Node):
    """a b on the last two axes: <da b, u> = <da, u b^T> and <a db, u> = <db, a^T u>."""

    rule, level, inner = "matrix product", PRODUCT, PRODUCT
    text, latex = "{0} {1}", r"{0}\, {1}"

    def __init__(self, a: Node, b: Node):
        if a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
            raise NotTraceable(f"no matrix product of {a.shape} and {b.shape}")
        super().__init__((a, b), (*a.shape[:-1], b.shape[-1]))

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.matmul(*values)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        a, b = self.children
        return u @ transposed(b), transposed(a) @ u


class Permute(Node):
    """The axes in another order; the adjoint puts them back."""

    rule = "transposition"

    def __init__(self, a: Node, order: Sequence[int]):
        super().__init__((a,), tuple(a.shape[axis] for axis in order))
        self.order = tuple(order)

    @property
    def is_transpose(self) -> bool:
        """Whether it exchanges the last two axes."""
        rank = len(self.order)
        return rank > 1 and self.order == (*range(rank - 2), rank - 1, rank - 2)

    inner = TIGHT

    def formula(self, style: str) -> str:
        if self.is_transpose:
            return "{0}^T" if style == "text" else r"{0}^{{\mathsf T}}"
        places = "".join(str(axis) for axis in self.order)
        return f"{{0}}^({places})" if style == "text" else f"{{0}}^{{{{({places})}}}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.permuted(values[0], self.order)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return (Permute(u, back),)


def transposed(a: Node) -> Node:
    """Return the transpose over the last two axes; of a transpose, what it was made of."""
    if isinstance(a, Permute) and a.is_transpose and a.name is None:
        return a.children[0]
    rank = len(a.shape)
    return Permute(a, (*range(rank - 2), rank - 1, rank - 2))


class Sum(Node):
    """The sum over axes, which are gone: <1^T a, u> = <a, 1 u>."""

    rule, level, inner = "sum over axes", PRODUCT, TIGHT

    def __init__(self, a: Node, axes: Sequence[int]):
        self.axes = tuple(sorted(axis % len(a.shape) for axis in axes))
        super().__init__((a,), tuple(n for i, n in enumerate(a.shape) if i not in self.axes))

    @property
    def lengths(self) -> list[Length]:
        """The lengths that are summed over."""
        return [self.children[0].shape[axis] for axis in self.axes]

    def formula(self, style: str) -> str:
        over = lengths_text(self.lengths)
        return f"sum_{over} {{0}}" if style == "text" else rf"\textstyle\sum_{{{{{over}}}}} {{0}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.summed(values[0], self.axes)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Broadcast(u, self.axes, self.lengths),)


class Broadcast(Node):
    """New axes along which nothing changes: the adjoint of the sum over them.

    Args:
        a: The tensor.
        axes: The places of the new axes in the result.
        lengths: Their lengths.
    """

    rule, level, inner = "broadcast", PRODUCT, PRODUCT

    def __init__(self, a: Node, axes: Sequence[int], lengths: Sequence[Length]):
        shape = list(a.shape)
        for axis, length in sorted(zip(axes, lengths, strict=True)):
            shape.insert(axis, length)
        super().__init__((a,), tuple(shape))
        self.axes, self.lengths = tuple(axes), tuple(lengths)

    def formula(self, style: str) -> str:
        over = lengths_text(self.lengths)
        return f"1_{over} {{0}}" if style == "text" else rf"\mathbf 1_{{{{{over}}}}}\, {{0}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.spread(values[0], self.axes, self.lengths)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Sum(u, self.axes),)


class Reshape(Node):
    """The same entries in another shape; the adjoint puts them back."""

    rule = "reshape"

    def __init__(self, a: Node, shape: Sequence[Length]):
        if product(shape) != product(a.shape):
            raise NotTraceable(f"{a.shape} cannot be read as {tuple(shape)}")
        super().__init__((a,), tuple(shape))

    def formula(self, style: str) -> str:
        over = " x ".join(str(length) for length in self.shape)
        if style == "text":
            return f"[{{0}} as {over}]"
        return rf"\left[{{0}}\right]_{{{{{over.replace(' x ', chr(92) + 'times ')}}}}}"

    def value(self, ops: Operations, *values: Any) -> Any:
        return ops.reshaped(values[0], self.shape)

    def cotangents(self, u: Node) -> tuple[Node | None, ...]:
        return (Reshape(u, self.children[0].shape),)


def _check_equal(a: Node, b: Node) -> None:
    if a.shape != b.shape:
        raise NotTraceable(f"the shapes {a.shape} and {b.shape} differ")
