"""Hypothesis strategies of small graphs, morphisms and open graphs."""

from functools import cache
from itertools import product

from hypothesis import strategies as st

from dlmath.maths.graphs.digraph import Digraph, graph_of
from dlmath.maths.graphs.enumeration import graphs_up_to, small_graphs
from dlmath.maths.graphs.hom_sets import homomorphisms
from dlmath.maths.graphs.open_graphs import OpenGraph


@st.composite
def digraphs(draw, nodes=3, arcs=4, least=0) -> Digraph:
    size = draw(st.integers(least, nodes))
    if size == 0:
        return Digraph(0)
    ends = st.integers(0, size - 1)
    return graph_of(size, draw(st.lists(st.tuples(ends, ends), max_size=arcs)))


def hom_count(domain: Digraph, codomain: Digraph) -> int:
    return sum(1 for _ in homomorphisms(domain, codomain))


@st.composite
def morphisms(draw, domain: Digraph, codomain: Digraph):
    found = list(homomorphisms(domain, codomain))
    return draw(st.sampled_from(found)) if found else None


@cache
def every_open_graph(inputs: int, outputs: int) -> list[OpenGraph]:
    """Those on graphs of at most two nodes, or with doubled arcs, or on one of three nodes."""
    double = graph_of(2, [(0, 1), (0, 1)]), graph_of(1, [(0, 0), (0, 0)])
    graphs = [*graphs_up_to(2), *double, *small_graphs(3)[5::10]]
    return [
        OpenGraph(graph, feet[:inputs], feet[inputs:])
        for graph in graphs
        for feet in product(range(graph.nodes), repeat=inputs + outputs)
    ]


def open_graphs(inputs: int, outputs: int) -> st.SearchStrategy[OpenGraph]:
    return st.sampled_from(every_open_graph(inputs, outputs))  # one draw: many examples in a second
