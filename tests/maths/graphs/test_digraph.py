import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import UserError
from dlmath.maths.graphs.digraph import (
    ARROW,
    DOT,
    SOURCE,
    TARGET,
    Digraph,
    Morphism,
    cycle_graph,
    graph_of,
    identity,
    path_graph,
)
from dlmath.maths.graphs.hom_sets import homomorphisms
from tests.support.digraphs import digraphs, morphisms


def test_the_adjacency_matrix_counts_arcs_from_the_column_to_the_row():
    graph = graph_of(2, [(0, 1), (0, 1), (1, 1)])
    assert graph.adjacency == ((0, 0), (2, 1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Digraph(1, (0,), ()), "1 sources, 0 targets"),
        (lambda: Digraph(1, (0,), (1,)), "Received: .1. among the ends"),
        (lambda: cycle_graph(0), "length=0"),
        (lambda: ARROW.subgraph([0], [0]), "arcs .0. without one of their ends"),
        (lambda: Morphism(ARROW, ARROW, (1, 0), (0,)), "ends of an arc"),
        (lambda: Morphism(ARROW, ARROW, (0,), (0,)), "each of the 2 nodes to one of 2"),
        (lambda: Morphism(DOT, DOT, (1,), ()), "each of the 1 nodes to one of 1"),
        (lambda: SOURCE.then(SOURCE), "begins where the first ends"),
    ],
)
def test_what_is_no_graph_or_no_morphism_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()


@given(digraphs())
def test_yoneda_morphisms_from_the_dot_are_nodes_and_from_the_arrow_arcs_naturally(graph):
    nodes = [one.on_nodes[0] for one in homomorphisms(DOT, graph)]
    arrows = sorted(homomorphisms(ARROW, graph), key=lambda one: one.on_arcs)
    assert nodes == list(range(graph.nodes))
    assert [one.on_arcs[0] for one in arrows] == list(range(len(graph.arcs)))
    for ends, at in ((graph.sources, SOURCE), (graph.targets, TARGET)):
        assert tuple(at.then(one).on_nodes[0] for one in arrows) == ends


@given(st.data())
def test_morphisms_form_a_category(data):
    graphs = [data.draw(digraphs(2, 3)) for _ in range(4)]
    chain = [data.draw(morphisms(*pair)) for pair in itertools.pairwise(graphs)]
    if None in chain:
        return
    f, g, h = chain
    assert f.then(g).then(h) == f.then(g.then(h))
    assert identity(f.domain).then(f) == f == f.then(identity(f.codomain))


def test_a_path_has_one_node_more_than_arcs():
    assert path_graph(2) == graph_of(3, [(0, 1), (1, 2)])
    assert cycle_graph(1).arcs == ((0, 0),)


def test_a_subgraph_is_numbered_again():
    inclusion = path_graph(2).subgraph([1, 2], [1])
    assert inclusion.domain == ARROW
    assert inclusion.is_mono
    assert not inclusion.is_iso
