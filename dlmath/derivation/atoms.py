"""The factors of index notation: entries of tensors, and functions of expressions."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlmath.derivation.index_notation import Expression

_fresh = itertools.count()


@dataclass(frozen=True)
class Index:
    """A place along an axis whose length is the named dimension."""

    name: str
    length: str


def fresh(length: str) -> Index:
    """Return an index that occurs nowhere yet."""
    return Index(f"~{next(_fresh)}", length)


class Keyed:
    """Equal to what has the same `key`."""

    @property
    def key(self) -> str:
        """The text by which it is ordered and compared."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Entry(Keyed):
    """An entry of a named tensor, at indices or ints."""

    tensor: str
    places: tuple[Index | int, ...]

    @cached_property
    def key(self) -> str:
        places = ",".join(p.name if isinstance(p, Index) else str(p) for p in self.places)
        return f"{self.tensor}[{places}]"

    @property
    def free(self) -> frozenset[Index]:
        return frozenset(p for p in self.places if isinstance(p, Index))

    @property
    def height(self) -> int:
        return 0

    def renamed(self, names: Mapping[Index, Index]) -> "Entry":
        places = tuple(names.get(p, p) if isinstance(p, Index) else p for p in self.places)
        return Entry(self.tensor, places)


@dataclass(frozen=True, eq=False)
class Applied(Keyed):
    """A function of expressions, entry by entry."""

    function: str
    arguments: tuple["Expression", ...]

    @cached_property
    def key(self) -> str:
        return f"{self.function}({'; '.join(one.key for one in self.arguments)})"

    @cached_property
    def free(self) -> frozenset[Index]:
        return frozenset().union(*(one.free for one in self.arguments))

    @cached_property
    def height(self) -> int:
        return max((one.height for one in self.arguments), default=0)

    def renamed(self, names: Mapping[Index, Index]) -> "Applied":
        return Applied(self.function, tuple(one.renamed(names) for one in self.arguments))
