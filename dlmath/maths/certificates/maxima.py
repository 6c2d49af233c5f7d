r"""A piecewise affine function of several variables as a difference of maxima, certified.

A maximum of affine functions is a network of ReLUs, since max(u, v) = relu(u - v) + relu(v) -
relu(-v) for all u and v. So what is to be certified of Murari's construction (lines 394-446) is
f = max_i A_i - max_j B_j on a triangulated region.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dlmath.maths.certificates.claims import Point, dot

Affine = tuple[Fraction, ...]  # slopes, then the value at 0


def value(piece: Affine, point: Point) -> Fraction:
    """Return an affine function at a point."""
    return dot(piece[:-1], point) + piece[-1]


@dataclass(frozen=True)
class DifferenceOfMaxima:
    """A function that is affine on simplices equals max A - max B, one A and B for each simplex.

    On simplex s, A_s is the largest of all A if it is at each vertex of s: the others are below it
    there, and what is affine is below at every mixture of vertices if it is at the vertices. The
    same goes for B. So on s the difference of maxima is A_s - B_s, which is affine, and is the
    function if it is at the vertices.

    Attributes:
        vertices: The points of the triangulation.
        heights: The function there.
        simplices: The numbers of the vertices of each simplex.
        upper, lower: A and B of each simplex.
    """

    vertices: tuple[Point, ...]
    heights: tuple[Fraction, ...]
    simplices: tuple[tuple[int, ...], ...]
    upper: tuple[Affine, ...]
    lower: tuple[Affine, ...]

    @property
    def claim(self) -> str:
        """The statement in words."""
        return (
            f"the function of {len(self.vertices[0])} variables that is affine on these "
            f"{len(self.simplices)} simplices is a network of ReLUs, max A - max B, "
            "at every point of them"
        )

    @property
    def evidence(self) -> str:
        """What the certificate consists of, in words."""
        count = len(self.upper) + len(self.lower)
        return f"{count} rational affine functions, compared exactly at {len(self.vertices)} points"

    def problems(self) -> list[str]:
        """Return what is wrong with the certificate; nothing proves the statement."""
        if not len(self.simplices) == len(self.upper) == len(self.lower):
            return ["there is not one affine function of each kind for each simplex"]
        found = []
        for number, simplex in enumerate(self.simplices):
            for vertex in simplex:
                found += self._problems_at(number, vertex)
        return found

    def _problems_at(self, number: int, vertex: int) -> list[str]:
        point, found = self.vertices[vertex], []
        above, below = value(self.upper[number], point), value(self.lower[number], point)
        for name, own, pieces in (("A", above, self.upper), ("B", below, self.lower)):
            if any(value(piece, point) > own for piece in pieces):
                found.append(f"at vertex {vertex}, {name} of simplex {number} is not the largest")
        if above - below != self.heights[vertex]:
            found.append(f"at vertex {vertex} of simplex {number} the difference is not the height")
        return found

    def network(self, point: Point) -> Fraction:
        """Return the output of the network at a point: two trees of ReLU layers."""
        return _tree([value(one, point) for one in self.upper]) - _tree(
            [value(one, point) for one in self.lower]
        )


def _tree(numbers: Sequence[Fraction]) -> Fraction:
    """Return the largest number, by layers of ReLUs on pairs of neighbours."""
    layer = list(numbers)
    while len(layer) > 1:
        pairs = [_pair(*layer[n : n + 2]) for n in range(0, len(layer) - 1, 2)]
        layer = [*pairs, *layer[len(layer) - len(layer) % 2 :]]
    return layer[0]


def _pair(u: Fraction, v: Fraction) -> Fraction:
    return _relu(u - v) + _relu(v) - _relu(-v)


def _relu(x: Fraction) -> Fraction:
    return max(x, Fraction(0))
