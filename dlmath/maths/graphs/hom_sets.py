"""All morphisms between two finite graphs, by backtracking, and whether graphs are isomorphic."""

from collections.abc import Collection, Iterator, Mapping
from itertools import product

from dlmath.maths.graphs.digraph import Digraph, Morphism


def homomorphisms(
    domain: Digraph,
    codomain: Digraph,
    allowed: Mapping[int, Collection[int]] | None = None,
    *,
    injective: bool = False,
) -> Iterator[Morphism]:
    """Yield every morphism, each once.

    Nodes are sent one after another, and an image is refused as soon as an arc between nodes that
    have been sent has none. Arcs then choose independently among those with the right ends.

    Args:
        domain: Where the morphisms begin.
        codomain: Where they end.
        allowed: The images that some nodes may have; the others may have any.
        injective: Yield only those that are injective on nodes and on arcs.
    """
    between = _arcs_between(codomain)
    wanted = _arcs_between(domain)
    for on_nodes in _node_maps(domain, codomain, allowed or {}, injective):
        choices = [between[on_nodes[s], on_nodes[t]] for s, t in domain.arcs]
        if injective and any(
            len(arcs) > len(between[on_nodes[s], on_nodes[t]]) for (s, t), arcs in wanted.items()
        ):
            continue
        for on_arcs in product(*choices):
            if not injective or len(set(on_arcs)) == len(on_arcs):
                yield Morphism(domain, codomain, on_nodes, on_arcs)


def isomorphism(
    first: Digraph, second: Digraph, fixed: Mapping[int, int] | None = None
) -> Morphism | None:
    """Return an isomorphism that sends some nodes as `fixed` says, or None if there is none."""
    if (first.nodes, len(first.arcs)) != (second.nodes, len(second.arcs)):
        return None
    ours, theirs = _degrees(first), _degrees(second)
    if sorted(ours) != sorted(theirs):
        return None
    allowed = {
        node: [image for image, degree in enumerate(theirs) if degree == ours[node]]
        for node in range(first.nodes)
    }
    for node, image in (fixed or {}).items():
        allowed[node] = [one for one in allowed[node] if one == image]
    return next(homomorphisms(first, second, allowed, injective=True), None)


def _node_maps(
    domain: Digraph, codomain: Digraph, allowed: Mapping[int, Collection[int]], injective: bool
) -> Iterator[tuple[int, ...]]:
    """Yield every map of nodes under which each arc has an image."""
    joined = set(codomain.arcs)
    closing = _arcs_closed_by(domain)
    sent: list[int] = []

    def extend() -> Iterator[tuple[int, ...]]:
        node = len(sent)
        if node == domain.nodes:
            yield tuple(sent)
            return
        for image in allowed.get(node, range(codomain.nodes)):
            if injective and image in sent:
                continue
            sent.append(image)
            if all((sent[s], sent[t]) in joined for s, t in closing[node]):
                yield from extend()
            sent.pop()

    return extend()


def _arcs_closed_by(graph: Digraph) -> list[list[tuple[int, int]]]:
    """Return for each node the arcs of which it is the end with the larger number."""
    closed: list[list[tuple[int, int]]] = [[] for _ in range(graph.nodes)]
    for source, target in graph.arcs:
        closed[max(source, target)].append((source, target))
    return closed


def _arcs_between(graph: Digraph) -> dict[tuple[int, int], tuple[int, ...]]:
    found: dict[tuple[int, int], tuple[int, ...]] = {}
    for arc, ends in enumerate(graph.arcs):
        found[ends] = (*found.get(ends, ()), arc)
    return found


def _degrees(graph: Digraph) -> list[tuple[int, int, int]]:
    """Return (arcs out, arcs in, loops) of each node."""
    return [
        (graph.sources.count(node), graph.targets.count(node), graph.arcs.count((node, node)))
        for node in range(graph.nodes)
    ]
