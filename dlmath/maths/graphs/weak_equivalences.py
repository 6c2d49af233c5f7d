r"""Weak equivalences of graphs: morphisms that are bijective on cycles, decided for finite graphs.

A morphism f: X -> Y is a *weak equivalence* if Hom(C_n, X) -> Hom(C_n, Y) is a bijection for every
n >= 1 (Bisson and Tsemo, "A homotopical algebra of graphs related to zeta series", 2009).

**The core.** Let core(X) have the arcs of X that lie on a closed walk, and their ends. Every
morphism from a C_n has its image in it, so the inclusion core(X) -> X is a weak equivalence: what
is taken away is the acyclic part. X is acyclic if and only if the core is empty.

**Deciding.** Hom(C_n, -) takes pullbacks to pullbacks. Hence f is injective on closed walks if and
only if the closed walks of P = X x_Y X all lie in the diagonal, that is, if every arc of core(P)
is a pair (a, a). If f is injective, it is bijective if and only if the finite numbers agree, tr
A_X^n = tr A_Y^n for all n, that is, if det(I - uA_X) = det(I - uA_Y). Both are finite
computations. As for which n suffice: a core arc of P off the diagonal lies on a simple cycle, of
at most |X|^2 arcs, and traces are determined by those up to n = max(|X|, |Y|) (Newton). So it is
enough to look at n <= max(|X|^2, |Y|).

A weak equivalence of graphs that are their own cores is surjective, but need not be an isomorphism:
let X have two nodes and all four arcs, Y one node and two loops, and f send an arc to the loop that
belongs to its source. Closed walks on both sides are the cyclic words in two letters.

**The homotopy class of a finite graph is its zeta series.** Let P(X) be the disjoint union of one
C_|c| for each primitive cycle c of X, with the evident morphism to X. It is a weak equivalence: a
closed walk of n arcs is a unique primitive cycle c, |c| dividing n, with a first arc, and that is
a morphism from C_n to C_|c|. P(X) is given by the numbers of primitive cycles of each length, and
these by the zeta series and conversely. So X <- P(X) = P(Y) -> Y whenever the series are equal,
and a chain of weak equivalences does not change the series. For finite graphs this is the theorem
of Bisson and Tsemo, "Homotopy equivalence of isospectral graphs", New York Journal of Mathematics
17, 2011. P(X) is infinite as soon as two cycles of X meet; a finite chain between finite graphs
need not be in sight.

**Fibrations.** By the abstract of the paper of 2009 the model structure is determined by the
*whiskerings*, which graft trees. Here: an inclusion X -> Y is a whiskering if each node outside of
X has exactly one arc into it, each node of X no new one, and no cycle is added; morphisms with the
right lifting property against the whiskering `SOURCE`: DOT -> ARROW are those for which every arc
that leaves f(x) has one above it that leaves x (*surjecting*). Those that also lift against EMPTY
-> C_n and C_n + C_n -> C_n for all n are the surjecting weak equivalences: the first lifting is
that Hom(C_n, f) is surjective, the second that it is injective. The definitions and proofs of the
cited papers themselves, and the second model structure that Tsemo mentions, are not among the
texts at hand. The factorisations are not computed either: grafting an arc above each arc that has
none goes on for ever as soon as Y has a cycle that X does not.
"""

from dlmath.maths.graphs.cycles import inverse_zeta
from dlmath.maths.graphs.digraph import EMPTY, Digraph, Morphism, cycle_graph
from dlmath.maths.graphs.hom_sets import homomorphisms
from dlmath.maths.graphs.limits import coproduct, pullback


def core(graph: Digraph) -> Morphism:
    """Return the inclusion of the arcs that lie on a closed walk, and of their ends."""
    reached = [_reachable(graph, node) for node in range(graph.nodes)]
    arcs = [arc for arc, (source, target) in enumerate(graph.arcs) if source in reached[target]]
    return graph.subgraph({node for arc in arcs for node in graph.arcs[arc]}, arcs)


def is_injective_on_cycles(morphism: Morphism) -> bool:
    """Return whether no two closed walks of any length have one image."""
    first, second = pullback(morphism, morphism)
    return all(first.on_arcs[arc] == second.on_arcs[arc] for arc in core(first.domain).on_arcs)


def is_weak_equivalence(morphism: Morphism) -> bool:
    """Return whether the morphism is bijective on closed walks of every length."""
    return is_injective_on_cycles(morphism) and homotopy_equivalent(
        morphism.domain, morphism.codomain
    )


def homotopy_equivalent(first: Digraph, second: Digraph) -> bool:
    """Return whether a chain of weak equivalences joins the graphs: their zeta series are equal."""
    return inverse_zeta(first) == inverse_zeta(second)


def periodic_part(graph: Digraph, cycles: list[tuple[int, ...]]) -> Morphism:
    """Return the morphism to the graph from one C_n for each of some primitive cycles."""
    union = EMPTY
    nodes: list[int] = []
    arcs: list[int] = []
    for walk in cycles:
        union = coproduct(union, cycle_graph(len(walk)))[0].codomain
        nodes += [graph.sources[arc] for arc in walk]
        arcs += walk
    return Morphism(union, graph, tuple(nodes), tuple(arcs))


def has_lifting(left: Morphism, right: Morphism) -> bool:
    """Return whether every commutative square from `left` to `right` has a diagonal."""
    for top in homomorphisms(left.domain, right.domain):
        fillers = {
            filler.then(right)
            for filler in homomorphisms(left.codomain, right.domain)
            if left.then(filler) == top
        }
        around = top.then(right)
        for bottom in homomorphisms(left.codomain, right.codomain):
            if left.then(bottom) == around and bottom not in fillers:
                return False
    return True


def is_surjecting(morphism: Morphism) -> bool:
    """Return whether each arc that leaves the image of a node x is the image of one leaving x."""
    domain, codomain = morphism.domain, morphism.codomain
    above = {(domain.sources[arc], image) for arc, image in enumerate(morphism.on_arcs)}
    return all(
        (node, arc) in above
        for node, image in enumerate(morphism.on_nodes)
        for arc, source in enumerate(codomain.sources)
        if source == image
    )


def is_whiskering(inclusion: Morphism) -> bool:
    """Return whether the codomain is the domain with trees grafted onto its nodes."""
    graph = inclusion.codomain
    new = [t for arc, t in enumerate(graph.targets) if arc not in inclusion.on_arcs]
    outside = set(range(graph.nodes)) - set(inclusion.on_nodes)
    if not inclusion.is_mono or sorted(new) != sorted(outside):
        return False
    reached = {node for start in inclusion.on_nodes for node in _reachable(graph, start)}
    return reached == set(range(graph.nodes))


def cycle_liftings(length: int) -> tuple[Morphism, Morphism]:
    """Return EMPTY -> C_n and C_n + C_n -> C_n, against which to lift."""
    cycle = cycle_graph(length)
    double = coproduct(cycle, cycle)[0].codomain
    numbers = tuple(range(length))
    return Morphism(EMPTY, cycle, (), ()), Morphism(double, cycle, numbers * 2, numbers * 2)


def _reachable(graph: Digraph, start: int) -> set[int]:
    """Return the nodes at the end of a walk from a node, itself among them."""
    found, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        fresh = {t for s, t in graph.arcs if s == node} - found
        found |= fresh
        waiting += fresh
    return found
