"""All small graphs without parallel arcs, up to isomorphism."""

from collections.abc import Iterator
from functools import cache
from itertools import permutations

from dlmath.maths.graphs.digraph import Digraph, graph_of


@cache
def small_graphs(nodes: int) -> tuple[Digraph, ...]:
    """Return one graph of each isomorphism class with so many nodes; loops are allowed.

    There are 1, 2, 10, 104 and 3,044 of them for 0, 1, 2, 3 and 4 nodes (OEIS A000595).
    """
    places = [(source, target) for source in range(nodes) for target in range(nodes)]
    number = {place: bit for bit, place in enumerate(places)}
    moves = [
        [number[order[source], order[target]] for source, target in places]
        for order in permutations(range(nodes))
    ]
    seen = bytearray(1 << len(places))
    return tuple(
        graph_of(nodes, (place for place in places if code >> number[place] & 1))
        for code in _first_of_each(moves, seen)
    )


def graphs_up_to(nodes: int) -> list[Digraph]:
    """Return the graphs of `small_graphs` with at most so many nodes."""
    return [graph for size in range(nodes + 1) for graph in small_graphs(size)]


def _first_of_each(moves: list[list[int]], seen: bytearray) -> Iterator[int]:
    """Yield the least code of each orbit, and mark the orbit as seen."""
    for code in range(len(seen)):
        if not seen[code]:
            bits = [bit for bit in range(len(moves[0])) if code >> bit & 1]
            for move in moves:
                seen[sum(1 << move[bit] for bit in bits)] = 1
            yield code
