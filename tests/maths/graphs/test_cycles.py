import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.maths.graphs.cycles import (
    closed_walks,
    euler_product,
    inverse_zeta,
    is_acyclic,
    primitive_counts,
    primitive_cycles,
    zeta_series,
)
from dlmath.maths.graphs.digraph import cycle_graph, graph_of, path_graph
from dlmath.maths.graphs.enumeration import graphs_up_to
from tests.support.digraphs import digraphs, hom_count

GOLDEN_MEAN = graph_of(2, [(0, 0), (0, 1), (1, 0)])


def check_cycles(graph, longest):
    """Traces, cycles, acyclicity and the two forms of the zeta series, by brute force."""
    walks = [hom_count(cycle_graph(n), graph) for n in range(1, longest + 1)]
    assert closed_walks(graph, longest) == walks
    matrix = np.array(graph.adjacency, int).reshape(graph.nodes, graph.nodes)
    nilpotent = not np.linalg.matrix_power(matrix, graph.nodes).any() if graph.nodes else True
    assert is_acyclic(graph) == nilpotent == (inverse_zeta(graph) == (1,))
    found = primitive_cycles(graph, longest)
    counts = [sum(len(one) == n for one in found) for n in range(1, longest + 1)]
    assert primitive_counts(graph, longest) == counts
    assert euler_product(counts, longest + 1) == zeta_series(graph, longest + 1)


@given(digraphs(3, 5), st.integers(1, 5))
def test_cycles_and_zeta_are_those_of_brute_force(graph, longest):
    check_cycles(graph, longest)


def test_they_are_so_for_every_graph_of_at_most_three_nodes_without_parallel_arcs():
    for graph in graphs_up_to(3):
        check_cycles(graph, 4)


@pytest.mark.slow
def test_they_are_so_for_every_graph_of_at_most_four_nodes_without_parallel_arcs():
    for graph in graphs_up_to(4):
        check_cycles(graph, 5)


def test_the_golden_mean_shift_has_the_numbers_of_lucas_and_fibonacci():
    # Lind and Marcus, An introduction to symbolic dynamics and coding, 1995, example 6.4.3.
    assert closed_walks(GOLDEN_MEAN, 6) == [1, 3, 4, 7, 11, 18]
    assert inverse_zeta(GOLDEN_MEAN) == (1, -1, -1)
    assert zeta_series(GOLDEN_MEAN, 7) == [1, 1, 2, 3, 5, 8, 13]
    assert primitive_counts(GOLDEN_MEAN, 6) == [1, 1, 1, 1, 2, 2]


def test_primitive_cycles_are_words_that_are_least_among_their_rotations():
    assert primitive_cycles(cycle_graph(3), 6) == [(0, 1, 2)]
    assert primitive_cycles(graph_of(1, [(0, 0), (0, 0)]), 3) == [
        (0,),
        (1,),
        (0, 1),
        (0, 0, 1),
        (0, 1, 1),
    ]


def test_a_path_is_acyclic_and_a_cycle_has_one_minus_a_power():
    assert is_acyclic(path_graph(4))
    assert inverse_zeta(cycle_graph(4)) == (1, 0, 0, 0, -1)


@given(digraphs(4, 6))
def test_the_inverse_zeta_series_is_numpys_characteristic_polynomial(graph):
    matrix = np.array(graph.adjacency, float).reshape(graph.nodes, graph.nodes)
    expected = np.poly(matrix) if graph.nodes else np.ones(1)
    found = inverse_zeta(graph)
    padded = np.array([*found, *[0] * (graph.nodes + 1 - len(found))])
    np.testing.assert_allclose(padded, expected, atol=1e-8)
