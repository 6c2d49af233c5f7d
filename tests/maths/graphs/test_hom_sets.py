from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.maths.graphs.digraph import Morphism, cycle_graph, graph_of
from dlmath.maths.graphs.enumeration import small_graphs
from dlmath.maths.graphs.hom_sets import homomorphisms, isomorphism
from tests.support.digraphs import digraphs, hom_count


def brute_force(domain, codomain):
    """All maps of nodes and of arcs that commute with source and target."""
    maps = product(
        product(range(codomain.nodes), repeat=domain.nodes),
        product(range(len(codomain.arcs)), repeat=len(domain.arcs)),
    )
    return [
        Morphism(domain, codomain, on_nodes, on_arcs)
        for on_nodes, on_arcs in maps
        if all(
            codomain.arcs[on_arcs[arc]] == (on_nodes[s], on_nodes[t])
            for arc, (s, t) in enumerate(domain.arcs)
        )
    ]


@given(digraphs(), digraphs())
def test_they_are_those_of_brute_force(domain, codomain):
    found, expected = list(homomorphisms(domain, codomain)), brute_force(domain, codomain)
    assert len(found) == len(expected)
    assert set(found) == set(expected)
    injective = list(homomorphisms(domain, codomain, injective=True))
    assert set(injective) == {one for one in expected if one.is_mono}


@given(digraphs(least=1), digraphs(least=1))
def test_images_are_those_that_are_allowed(domain, codomain):
    found = set(homomorphisms(domain, codomain, {0: [0]}))
    assert found == {one for one in homomorphisms(domain, codomain) if one.on_nodes[0] == 0}


@given(digraphs(4, 6), st.data())
def test_a_graph_with_its_nodes_and_arcs_in_another_order_is_isomorphic(graph, data):
    order = data.draw(st.permutations(range(graph.nodes)))
    arcs = data.draw(st.permutations([(order[s], order[t]) for s, t in graph.arcs]))
    found = isomorphism(graph, graph_of(graph.nodes, arcs))
    assert found is not None
    assert found.is_iso


def test_one_cycle_of_four_is_not_two_of_two():
    # Each node has one arc in and one out in both.
    two = graph_of(4, [(0, 1), (1, 0), (2, 3), (3, 2)])
    assert isomorphism(cycle_graph(4), two) is None


def test_cycles_map_to_cycles_whose_length_divides_theirs():
    assert [hom_count(cycle_graph(6), cycle_graph(n)) for n in range(1, 7)] == [1, 2, 3, 0, 0, 6]


@pytest.mark.parametrize(("nodes", "classes"), [(0, 1), (1, 2), (2, 10), (3, 104)])
def test_small_graphs_are_all_and_no_two_are_isomorphic(nodes, classes):
    # OEIS A000595: relations on n unlabelled points.
    graphs = small_graphs(nodes)
    assert len(graphs) == classes
    images = [
        {frozenset((order[s], order[t]) for s, t in graph.arcs) for graph in graphs}
        for order in permutations(range(nodes))
    ]
    assert len(set().union(*images)) == 2 ** (nodes * nodes)


@pytest.mark.slow
def test_there_are_3044_graphs_of_four_nodes():
    assert len(small_graphs(4)) == 3044
