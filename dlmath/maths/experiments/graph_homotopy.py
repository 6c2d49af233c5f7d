"""Cycles of graphs, and the weak equivalences that they define."""

import numpy as np

from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.graphs.cycles import (
    closed_walks,
    euler_product,
    inverse_zeta,
    is_acyclic,
    primitive_cycles,
    zeta_series,
)
from dlmath.maths.graphs.digraph import Digraph, Morphism, cycle_graph, graph_of
from dlmath.maths.graphs.enumeration import graphs_up_to
from dlmath.maths.graphs.hom_sets import homomorphisms
from dlmath.maths.graphs.weak_equivalences import core, is_weak_equivalence
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences


def _walks(graph: Digraph, longest: int) -> list[int]:
    """Return the numbers of morphisms from C_1, ..., C_longest, one by one."""
    return [
        sum(1 for _ in homomorphisms(cycle_graph(length), graph))
        for length in range(1, longest + 1)
    ]


def _lengths(cycles: list[tuple[int, ...]], longest: int) -> list[int]:
    """Return how many cycles have length 1, ..., longest."""
    return [sum(len(one) == length for one in cycles) for length in range(1, longest + 1)]


def _differences(first: list[int], second: list[int]) -> int:
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def _nilpotent(graph: Digraph) -> bool:
    matrix = np.array(graph.adjacency, int).reshape(graph.nodes, graph.nodes)
    return not np.any(np.linalg.matrix_power(matrix, graph.nodes)) or not graph.nodes


@experiment(
    title="Cycles are traces, and the zeta series is their product",
    statement=(
        "For every directed graph of at most 3 nodes without parallel arcs, the number of "
        "morphisms from C_n is tr A^n; the graph is acyclic if and only if A is nilpotent, and if "
        "and only if det(I - uA) = 1; and 1 / det(I - uA) is the product of 1 / (1 - u^|c|) over "
        "its primitive cycles c, in whole numbers. Cycles that repeat a shorter one must not be "
        "among them."
    ),
    sources=(Source("tsemo", 642, "-cycle graph is the graph with node set"),),
    about=("closed_walks", "inverse_zeta", "is_acyclic", "zeta_series", "euler_product"),
    reference="Bowen and Lanford, Zeta functions of restrictions of the shift transformation, 1970",
    sabotage=Sabotage("cycles that repeat a shorter one are counted too", {"primitive": False}),
)
def cycles_are_traces(*, primitive: bool = True, longest: int = 4) -> Outcome:
    """`primitive` is whether only primitive cycles are factors; `longest` the largest n."""
    traces, forms, verdicts, largest = [], [], [], [0] * longest
    for graph in graphs_up_to(3):
        walks = _walks(graph, longest)
        traces.append(_differences(closed_walks(graph, longest), walks))
        cycles = _lengths(primitive_cycles(graph, longest), longest)
        counts = cycles if primitive else walks
        products = euler_product(counts, longest + 1), zeta_series(graph, longest + 1)
        forms.append(_differences(*products))
        nilpotent = _nilpotent(graph)
        verdicts.append(is_acyclic(graph) != nilpotent)
        verdicts.append((inverse_zeta(graph) == (1,)) != nilpotent)
        largest = [largest_of(pair) for pair in zip(largest, walks, strict=True)]
    return Outcome(
        (
            at_most("morphisms from C_n away from tr A^n", traces, 0),
            at_most("Euler product away from the zeta series", forms, 0),
            at_most("graphs acyclic but not nilpotent, or conversely", sum(verdicts), 0),
        ),
        sequences("Most closed walks, of 3 nodes", "n - 1", "walks", {"most": largest}),
    )


def _bijective(morphism: Morphism, longest: int) -> bool:
    """Return whether closed walks of 1, ..., longest arcs correspond, by listing them."""
    for length in range(1, longest + 1):
        cycle = cycle_graph(length)
        images = [one.then(morphism) for one in homomorphisms(cycle, morphism.domain)]
        there = sum(1 for _ in homomorphisms(cycle, morphism.codomain))
        if len(set(images)) != len(images) or len(images) != there:
            return False
    return True


@experiment(
    title="Weak equivalences of finite graphs are decided",
    statement=(
        "A morphism f of finite graphs X -> Y is a weak equivalence, bijective on cycles of every "
        "length, if and only if the arcs of the core of the pullback X x_Y X are pairs (a, a) and "
        "det(I - uA) is the same for both. For all morphisms between graphs of at most 2 nodes "
        "this is what listing the closed walks of up to max(|X|^2, |Y|) arcs gives. The inclusion "
        "of the core, the arcs on closed walks, is one. A weak equivalence of graphs that are "
        "their own cores need not be an isomorphism. Loops only do not decide."
    ),
    sources=(Source("tsemo", 670, "induce bijections between cycles"),),
    about=("core", "is_weak_equivalence", "graphs.weak_equivalences.is_injective_on_cycles"),
    reference="Bisson and Tsemo, A homotopical algebra of graphs related to zeta series, 2009",
    sabotage=Sabotage("only closed walks of one arc are listed", {"longest": 1}),
)
def weak_equivalences_are_decided(*, longest: int = 4) -> Outcome:
    """`longest` bounds the closed walks that are listed; 4 is enough for two nodes."""
    wrong, found, cores, sizes = [], 0, [], []
    graphs = graphs_up_to(2)
    for first in graphs:
        for second in graphs:
            for one in homomorphisms(first, second):
                decided = is_weak_equivalence(one)
                wrong.append(decided != _bijective(one, longest))
                found += decided
    for graph in graphs_up_to(3)[::3]:
        inclusion = core(graph)
        cores.append(not _bijective(inclusion, longest))
        cores.append(bool(inclusion.domain.nodes) == is_acyclic(graph))
        sizes.append(inclusion.domain.nodes)
    full, loops = graph_of(2, [(0, 0), (0, 1), (1, 0), (1, 1)]), graph_of(1, [(0, 0), (0, 0)])
    splitting = Morphism(full, loops, (0, 0), (0, 0, 1, 1))
    proper = is_weak_equivalence(splitting) and core(full).is_iso and core(loops).is_iso
    return Outcome(
        (
            at_most("morphisms decided otherwise than by listing", sum(wrong), 0),
            at_least("weak equivalences among them", found, 10),
            at_most("cores that are not weakly equivalent, or of no cycle", sum(cores), 0),
            at_least("weak equivalences of cores that are no isomorphism", proper, 1),
        ),
        sequences("Nodes of the core", "graph", "nodes", {"core": sizes}),
    )
