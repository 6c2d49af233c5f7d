r"""Cycles of a graph: closed walks, the zeta series, and when there are none.

A morphism from C_n to G is a closed walk of n arcs with a first arc. Their number is tr A^n, as
the entry [j][i] of A^n counts the walks of n arcs from i to j. A graph is *acyclic* if there is
none for any n >= 1 (Tsemo, definition 8.2), which is so if and only if A is nilpotent: without a
cycle no walk repeats a node, so A^N = 0 for N nodes; and A^N = 0 leaves no trace in any power, as
the powers of a nilpotent matrix are nilpotent.

The zeta series collects these numbers, and has two other forms:

    Z(u) = exp(sum over n of tr A^n u^n / n) = 1 / det(I - u A)
         = product over primitive cycles c of 1 / (1 - u^|c|),

where a cycle is a closed walk up to its first arc, *primitive* if it is not a shorter one repeated.
The first equality is -log det = -tr log. The second: a closed walk of n arcs is a primitive cycle
c, with |c| dividing n, and one of |c| first arcs, so tr A^n = sum over such c of |c|.

All numbers here are integers; nothing is rounded.

Source: Bowen and Lanford, "Zeta functions of restrictions of the shift transformation", 1970.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import comb

from dlmath.maths.graphs.digraph import Digraph
from dlmath.maths.graphs.rational import Matrix, characteristic_polynomial, power_traces


def closed_walks(graph: Digraph, longest: int) -> list[int]:
    """Return tr A^n for n = 1, ..., longest: the numbers of morphisms from C_n."""
    return [int(trace) for trace in power_traces(_matrix(graph), longest)]


def is_acyclic(graph: Digraph) -> bool:
    """Return whether the graph has no cycle, by taking away nodes that no arc leaves."""
    left = set(range(graph.nodes))
    while True:
        leaving = {s for s, t in graph.arcs if s in left and t in left}
        if leaving == left:
            return not left
        left = leaving


def inverse_zeta(graph: Digraph) -> tuple[int, ...]:
    """Return the coefficients of det(I - u A), from u^0 on, without zeros at the end.

    Its degree is the number of eigenvalues of A that are not 0, with multiplicity. It is 1 if and
    only if the graph is acyclic.
    """
    coefficients = [int(one) for one in characteristic_polynomial(_matrix(graph))]
    while not coefficients[-1]:
        coefficients.pop()
    return tuple(coefficients)


def zeta_series(graph: Digraph, terms: int) -> list[int]:
    """Return the coefficients of the zeta series, u^0 to u^(terms - 1), as 1 / det(I - u A)."""
    polynomial = inverse_zeta(graph)
    series: list[int] = []
    for n in range(terms):
        above = sum(c * series[n - k] for k, c in enumerate(polynomial) if 0 < k <= n)
        series.append(int(n == 0) - above)
    return series


def euler_product(counts: Sequence[int], terms: int) -> list[int]:
    """Return the product over primitive cycles, u^0 to u^(terms - 1).

    Args:
        counts: How many primitive cycles have length 1, 2, ...; at least terms - 1 of them.
        terms: How many coefficients.
    """
    series = [1] + [0] * (terms - 1)
    for length, count in enumerate(counts[: terms - 1], start=1):
        # (1 - v)^-m is the sum of comb(m + k - 1, k) v^k.
        factor = {k: comb(count + k - 1, k) if k else 1 for k in range((terms - 1) // length + 1)}
        series = [
            sum(c * series[n - k * length] for k, c in factor.items() if k * length <= n)
            for n in range(terms)
        ]
    return series


def primitive_cycles(graph: Digraph, longest: int) -> list[tuple[int, ...]]:
    """Return every primitive cycle of at most so many arcs, as arcs, least rotation first.

    A cycle is kept as the rotation that is least as a word; a word that is less than all its other
    rotations is not a repetition.
    """
    found: list[tuple[int, ...]] = []
    walks: list[tuple[int, ...]] = [(arc,) for arc in range(len(graph.sources))]
    for _ in range(longest):
        found += [
            walk
            for walk in walks
            if graph.targets[walk[-1]] == graph.sources[walk[0]]
            and all(walk < walk[k:] + walk[:k] for k in range(1, len(walk)))
        ]
        walks = [
            (*walk, arc)
            for walk in walks
            for arc in range(walk[0], len(graph.sources))
            if graph.sources[arc] == graph.targets[walk[-1]]
        ]
    return found


def primitive_counts(graph: Digraph, longest: int) -> list[int]:
    """Return how many primitive cycles have length 1, ..., longest, by tr A^n (Moebius).

    tr A^n = sum over d dividing n of d p(d), which gives p(n) from those before it.
    """
    counts: list[int] = []
    for n, walks in enumerate(closed_walks(graph, longest), start=1):
        shorter = sum(d * counts[d - 1] for d in range(1, n) if n % d == 0)
        counts.append((walks - shorter) // n)
    return counts


def _matrix(graph: Digraph) -> Matrix:
    return [[Fraction(entry) for entry in row] for row in graph.adjacency]
