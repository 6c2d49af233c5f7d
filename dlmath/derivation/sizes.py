"""Sizes of axes that are not fixed: monomials such as `2 N C` in named dimensions.

A tensor whose axes have such sizes stands for the tensors of all sizes at once. Where a size is
known it is an int, and so code that asks `isinstance(length, int)` behaves as it does in TensorFlow
with unknown sizes.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from dlmath.errors import DlmathError


class NotTraceable(DlmathError):
    """The code does something that the symbolic tensors cannot follow."""


@dataclass(frozen=True)
class Size:
    """An int times named dimensions, at least one of them.

    Attributes:
        factor: The int, at least 1.
        dimensions: Names in alphabetical order, repeated for a power.
    """

    factor: int
    dimensions: tuple[str, ...]

    def __mul__(self, other: "Length") -> "Length":
        return product([self, other])

    __rmul__ = __mul__

    def __floordiv__(self, other: "Length") -> "Length":
        return divided(self, other)

    def __rfloordiv__(self, other: "Length") -> "Length":
        return divided(other, self)

    def __mod__(self, other: "Length") -> int:
        divided(self, other)
        return 0

    def __gt__(self, other: "Length") -> bool:
        raise NotTraceable(f"a branch on whether {self} exceeds {other}")

    def __sub__(self, other: "Length") -> "Length":
        raise NotTraceable(f"the length {self} - {other}")

    def __add__(self, other: "Length") -> "Length":
        raise NotTraceable(f"the length {self} + {other}")

    def __str__(self) -> str:
        names = " ".join(self.dimensions)
        return names if self.factor == 1 else f"{self.factor} {names}"


Length = int | Size


def dimension(name: str) -> Size:
    """Return the size that stands for any number of at least 1."""
    return Size(1, (name,))


def parts(length: Length) -> tuple[int, Counter[str]]:
    """Return the int factor of a length and its dimensions with their multiplicities."""
    if isinstance(length, Size):
        return length.factor, Counter(length.dimensions)
    return int(length), Counter()


def _joined(factor: int, dimensions: Counter[str]) -> Length:
    names = tuple(sorted(dimensions.elements()))
    return Size(factor, names) if names else factor


def product(lengths: Iterable[Length]) -> Length:
    """Return the product of lengths; 1 for none."""
    pairs = [parts(length) for length in lengths]
    return _joined(prod(factor for factor, _ in pairs), sum((d for _, d in pairs), Counter()))


def divided(length: Length, by: Length) -> Length:
    """Return length / by.

    Raises:
        NotTraceable: It does not divide for every value of the dimensions.
    """
    (above, above_names), (below, below_names) = parts(length), parts(by)
    if below == 0 or above % below or below_names - above_names:
        raise NotTraceable(f"{length} is not divisible by {by} for all sizes")
    return _joined(above // below, above_names - below_names)


def number_of(length: Length, values: dict[str, int]) -> int:
    """Return the length at the given values of the dimensions."""
    factor, names = parts(length)
    return factor * prod(values[name] ** power for name, power in names.items())
