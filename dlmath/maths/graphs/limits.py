"""Limits, colimits, and the other parts of a topos, for finite graphs.

Limits and colimits of presheaves are computed set by set: on nodes and on arcs. A limit is given
as its *cone*, the morphisms out of it; a colimit as its *cocone*, the morphisms into it. That
these are universal, each other cone or cocone factoring through them in one way, is what the tests
check.
"""

from collections.abc import Callable, Iterable
from itertools import product as tuples

from dlmath.errors import UserError
from dlmath.maths.graphs.digraph import ARROW, DOT, SOURCE, TARGET, Digraph, Morphism, graph_of
from dlmath.maths.graphs.hom_sets import homomorphisms

TERMINAL = graph_of(1, [(0, 0)])  # one node with a loop: every graph has one morphism to it

# Sieves. On the dot: none (0), all (1). On the arrow: none, the source only, the target only,
# both ends, all. An arc runs from its restriction along the source to that along the target.
CLASSIFIER = graph_of(2, [(0, 0), (1, 0), (0, 1), (1, 1), (1, 1)])
TRUE = Morphism(TERMINAL, CLASSIFIER, (1,), (4,))
_ENDS_ONLY = {(False, False): 0, (True, False): 1, (False, True): 2, (True, True): 3}


def product(first: Digraph, second: Digraph) -> tuple[Morphism, Morphism]:
    """Return the two projections of the product: pairs of nodes, pairs of arcs."""
    return _cone_of_pairs(first, second, lambda a, b: True, lambda a, b: True)


def pullback(first: Morphism, second: Morphism) -> tuple[Morphism, Morphism]:
    """Return the two projections of the pullback of morphisms with one codomain."""
    _check_same("codomain", first.codomain, second.codomain)
    return _cone_of_pairs(
        first.domain,
        second.domain,
        lambda a, b: first.on_nodes[a] == second.on_nodes[b],
        lambda a, b: first.on_arcs[a] == second.on_arcs[b],
    )


def equaliser(first: Morphism, second: Morphism) -> Morphism:
    """Return the inclusion of where two parallel morphisms agree."""
    _check_same("domain", first.domain, second.domain)
    _check_same("codomain", first.codomain, second.codomain)
    nodes, arcs = (
        [number for number, (a, b) in enumerate(zip(one, other, strict=True)) if a == b]
        for one, other in ((first.on_nodes, second.on_nodes), (first.on_arcs, second.on_arcs))
    )
    return first.domain.subgraph(nodes, arcs)


def coproduct(first: Digraph, second: Digraph) -> tuple[Morphism, Morphism]:
    """Return the two inclusions into the disjoint union, the first graph's nodes first."""
    n, m = first.nodes, len(first.sources)
    union = Digraph(
        n + second.nodes,
        first.sources + tuple(n + node for node in second.sources),
        first.targets + tuple(n + node for node in second.targets),
    )
    return (
        Morphism(first, union, tuple(range(n)), tuple(range(m))),
        Morphism(
            second,
            union,
            tuple(range(n, union.nodes)),
            tuple(range(m, len(union.sources))),
        ),
    )


def coequaliser(first: Morphism, second: Morphism) -> Morphism:
    """Return the quotient of the codomain in which two parallel morphisms become one."""
    _check_same("domain", first.domain, second.domain)
    _check_same("codomain", first.codomain, second.codomain)
    graph = first.codomain
    on_nodes = _classes(graph.nodes, zip(first.on_nodes, second.on_nodes, strict=True))
    on_arcs = _classes(len(graph.sources), zip(first.on_arcs, second.on_arcs, strict=True))
    ends = dict(zip(on_arcs, graph.arcs, strict=True))
    arcs = [(on_nodes[s], on_nodes[t]) for _, (s, t) in sorted(ends.items())]
    quotient = graph_of(len(set(on_nodes)), arcs)
    return Morphism(graph, quotient, on_nodes, on_arcs)


def pushout(first: Morphism, second: Morphism) -> tuple[Morphism, Morphism]:
    """Return the two morphisms into the pushout of morphisms with one domain."""
    _check_same("domain", first.domain, second.domain)
    left, right = coproduct(first.codomain, second.codomain)
    quotient = coequaliser(first.then(left), second.then(right))
    return left.then(quotient), right.then(quotient)


def characteristic(inclusion: Morphism) -> Morphism:
    """Return the morphism to `CLASSIFIER` of which a subgraph is the pullback of `TRUE`.

    Raises:
        UserError: The morphism is not injective.
    """
    if not inclusion.is_mono:
        raise UserError(
            "Only a subgraph has a characteristic morphism. Received: a morphism that is not "
            f"injective, {inclusion.on_nodes} on nodes and {inclusion.on_arcs} on arcs."
        )
    graph = inclusion.codomain
    inside = [node in inclusion.on_nodes for node in range(graph.nodes)]
    values = tuple(
        4 if arc in inclusion.on_arcs else _ENDS_ONLY[inside[source], inside[target]]
        for arc, (source, target) in enumerate(graph.arcs)
    )
    return Morphism(graph, CLASSIFIER, tuple(map(int, inside)), values)


def exponential(base: Digraph, exponent: Digraph) -> tuple[Digraph, Morphism]:
    """Return base^exponent, and the evaluation from base^exponent x exponent to the base.

    By Yoneda its nodes are the morphisms from dot x exponent, its arcs those from arrow x exponent.
    It has |base nodes|^|exponent nodes| nodes: for small graphs only.
    """
    (_, dot_side), (arrow_side, exponent_side) = product(DOT, exponent), product(ARROW, exponent)
    nodes = list(homomorphisms(dot_side.domain, base))
    arcs = list(homomorphisms(arrow_side.domain, base))
    place = {one.on_nodes: number for number, one in enumerate(nodes)}
    pairs = {
        pair: number
        for number, pair in enumerate(zip(arrow_side.on_nodes, exponent_side.on_nodes, strict=True))
    }
    ends = [
        tuple(
            place[tuple(one.on_nodes[pairs[end.on_nodes[0], node]] for node in dot_side.on_nodes)]
            for end in (SOURCE, TARGET)
        )
        for one in arcs
    ]
    power = graph_of(len(nodes), [(source, target) for source, target in ends])
    first, second = product(power, exponent)
    evaluation = Morphism(
        first.domain,
        base,
        tuple(nodes[f].on_nodes[x] for f, x in zip(first.on_nodes, second.on_nodes, strict=True)),
        tuple(arcs[f].on_arcs[x] for f, x in zip(first.on_arcs, second.on_arcs, strict=True)),
    )
    return power, evaluation


def _cone_of_pairs(
    first: Digraph,
    second: Digraph,
    nodes_agree: Callable[[int, int], bool],
    arcs_agree: Callable[[int, int], bool],
) -> tuple[Morphism, Morphism]:
    nodes = [ab for ab in tuples(range(first.nodes), range(second.nodes)) if nodes_agree(*ab)]
    sizes = range(len(first.sources)), range(len(second.sources))
    arcs = [ab for ab in tuples(*sizes) if arcs_agree(*ab)]
    place = {pair: number for number, pair in enumerate(nodes)}
    apex = Digraph(
        len(nodes),
        tuple(place[first.sources[a], second.sources[b]] for a, b in arcs),
        tuple(place[first.targets[a], second.targets[b]] for a, b in arcs),
    )
    return (
        Morphism(apex, first, tuple(a for a, _ in nodes), tuple(a for a, _ in arcs)),
        Morphism(apex, second, tuple(b for _, b in nodes), tuple(b for _, b in arcs)),
    )


def _classes(size: int, pairs: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Return for each of so many things its class, numbered in order of the first members."""
    least = list(range(size))
    for a, b in pairs:
        low, high = sorted((least[a], least[b]))
        least = [low if one == high else one for one in least]
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(one, len(numbers)) for one in least)


def _check_same(what: str, first: Digraph, second: Digraph) -> None:
    if first != second:
        raise UserError(f"The two morphisms need the same {what}. Received: {first} and {second}.")
