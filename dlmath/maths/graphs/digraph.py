"""Finite directed multigraphs, and their morphisms (Tsemo, definition 8.1).

A graph is a presheaf on the category with two objects, dot and arrow, and two morphisms between
them that are not identities: a set of nodes, a set of arcs, and two maps, source and target. A
morphism is a natural transformation: a map of nodes and a map of arcs that commute with both.

The representable presheaves are `DOT`, one node without an arc, and `ARROW`, two nodes and an arc
between them. By Yoneda's lemma morphisms from `DOT` to G are the nodes of G, and morphisms from
`ARROW` to G are its arcs; `SOURCE` and `TARGET`, from `DOT` to `ARROW`, then give source and
target.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dlmath.errors import UserError


@dataclass(frozen=True)
class Digraph:
    """A finite directed multigraph with nodes 0, ..., nodes - 1 and numbered arcs.

    Attributes:
        nodes: How many.
        sources: (arcs,), the node where each arc begins.
        targets: (arcs,), the node where each arc ends.

    Raises:
        UserError: The two have different lengths, or name a node that is not there.
    """

    nodes: int
    sources: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise UserError(
                "Each arc of a graph needs one source and one target. Received: "
                f"{len(self.sources)} sources, {len(self.targets)} targets."
            )
        strangers = {node for node in self.sources + self.targets if not 0 <= node < self.nodes}
        if strangers:
            raise UserError(
                f"Arcs run between the nodes 0 to {self.nodes - 1}. Received: "
                f"{sorted(strangers)} among the ends of arcs."
            )

    @property
    def arcs(self) -> tuple[tuple[int, int], ...]:
        """(source, target) of each arc."""
        return tuple(zip(self.sources, self.targets, strict=True))

    @property
    def adjacency(self) -> tuple[tuple[int, ...], ...]:
        """(nodes, nodes): entry [j][i] is the number of arcs from i to j.

        Columns are sources, so that x -> A x moves what is in a node along its arcs.
        """
        rows = [[0] * self.nodes for _ in range(self.nodes)]
        for source, target in self.arcs:
            rows[target][source] += 1
        return tuple(map(tuple, rows))

    def subgraph(self, kept_nodes: Iterable[int], kept_arcs: Iterable[int]) -> "Morphism":
        """Return the inclusion of the subgraph of some nodes and arcs, numbered again in order.

        Raises:
            UserError: An end of an arc that is kept is not.
        """
        nodes, arcs = tuple(sorted(kept_nodes)), tuple(sorted(kept_arcs))
        place = {node: number for number, node in enumerate(nodes)}
        lost = [arc for arc in arcs if not {self.sources[arc], self.targets[arc]} <= set(nodes)]
        if lost:
            raise UserError(
                "A subgraph has the ends of its arcs. Received: "
                f"arcs {lost} without one of their ends."
            )
        part = Digraph(
            len(nodes),
            tuple(place[self.sources[arc]] for arc in arcs),
            tuple(place[self.targets[arc]] for arc in arcs),
        )
        return Morphism(part, self, nodes, arcs)


@dataclass(frozen=True)
class Morphism:
    """A natural transformation of graphs.

    Attributes:
        domain: Where it begins.
        codomain: Where it ends.
        on_nodes: (nodes of the domain,), each one's image.
        on_arcs: (arcs of the domain,), each one's image.

    Raises:
        UserError: A map has the wrong length or leaves the codomain, or does not commute with
            source and target.
    """

    domain: Digraph
    codomain: Digraph
    on_nodes: tuple[int, ...]
    on_arcs: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_map("nodes", self.on_nodes, self.domain.nodes, self.codomain.nodes)
        _check_map("arcs", self.on_arcs, len(self.domain.sources), len(self.codomain.sources))
        for arc, image in enumerate(self.on_arcs):
            source, target = self.domain.arcs[arc]
            if self.codomain.arcs[image] != (self.on_nodes[source], self.on_nodes[target]):
                raise UserError(
                    "A morphism takes the ends of an arc to the ends of its image. Received: arc "
                    f"{arc}, {self.domain.arcs[arc]}, with ends sent to "
                    f"{(self.on_nodes[source], self.on_nodes[target])}, and the arc sent to "
                    f"{self.codomain.arcs[image]}."
                )

    def then(self, other: "Morphism") -> "Morphism":
        """Return the composite, this morphism first.

        Raises:
            UserError: The other does not begin where this one ends.
        """
        if self.codomain != other.domain:
            raise UserError(
                "Morphisms compose if the second begins where the first ends. Received: "
                f"{self.codomain} and {other.domain}."
            )
        return Morphism(
            self.domain,
            other.codomain,
            tuple(other.on_nodes[node] for node in self.on_nodes),
            tuple(other.on_arcs[arc] for arc in self.on_arcs),
        )

    @property
    def is_mono(self) -> bool:
        """Return whether both maps are injective."""
        return all(len(set(one)) == len(one) for one in (self.on_nodes, self.on_arcs))

    @property
    def is_iso(self) -> bool:
        """Return whether both maps are bijective."""
        sizes = (self.codomain.nodes, len(self.codomain.sources))
        return self.is_mono and (len(self.on_nodes), len(self.on_arcs)) == sizes


def _check_map(what: str, values: tuple[int, ...], size: int, bound: int) -> None:
    if len(values) != size or not all(0 <= value < bound for value in values):
        raise UserError(
            f"A morphism sends each of the {size} {what} to one of {bound}. Received: {values}."
        )


def graph_of(nodes: int, arcs: Iterable[tuple[int, int]]) -> Digraph:
    """Return the graph of some arcs (source, target)."""
    pairs = tuple(arcs)
    return Digraph(nodes, tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def identity(graph: Digraph) -> Morphism:
    """Return the identity morphism of a graph."""
    return Morphism(graph, graph, tuple(range(graph.nodes)), tuple(range(len(graph.sources))))


def cycle_graph(length: int) -> Digraph:
    """Return C_n: nodes 0 to n - 1, and an arc from each to the next, cyclically.

    Raises:
        UserError: n < 1.
    """
    if length < 1:
        raise UserError(f"A cycle has at least one arc. Received: length={length}.")
    return graph_of(length, ((node, (node + 1) % length) for node in range(length)))


def path_graph(length: int) -> Digraph:
    """Return the path with n arcs: nodes 0 to n, and an arc from each but the last to the next."""
    return graph_of(length + 1, ((node, node + 1) for node in range(length)))


EMPTY = Digraph(0)
DOT, ARROW = path_graph(0), path_graph(1)
SOURCE, TARGET = (Morphism(DOT, ARROW, (node,), ()) for node in (0, 1))
