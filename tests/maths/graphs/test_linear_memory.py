from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov

from dlmath.errors import UserError
from dlmath.maths.graphs.cycles import is_acyclic
from dlmath.maths.graphs.digraph import cycle_graph, graph_of, path_graph
from dlmath.maths.graphs.linear_memory import LinearNetwork, uniform_network
from tests.support.digraphs import digraphs

HALF = Fraction(1, 2)


@st.composite
def networks(draw, nodes=3, arcs=5):
    """Stable: rows of the matrix have an absolute sum below 1."""
    graph = draw(digraphs(nodes, arcs, least=1))
    weights = st.fractions(Fraction(-1, 6), Fraction(1, 6), max_denominator=12)
    inputs = st.fractions(-2, 2, max_denominator=2)
    return LinearNetwork(
        graph,
        tuple(draw(weights) for _ in graph.arcs),
        tuple(draw(inputs) for _ in range(graph.nodes)),
    )


@settings(max_examples=60)
@given(networks())
def test_the_memory_function_is_that_of_scipys_lyapunov_equation(network):
    matrix, inputs = np.array(network.matrix, float), np.array(network.inputs, float)
    covariance = solve_discrete_lyapunov(matrix, np.outer(inputs, inputs))
    floats = [float(one) for one in network.memory_function(4)]
    if np.linalg.matrix_rank(covariance, tol=1e-7) != network.capacity:
        return  # too near a smaller rank for floating point
    inverse = np.linalg.pinv(covariance, rcond=1e-7, hermitian=True)
    expected = [
        float(v @ inverse @ v)
        for v in (np.linalg.matrix_power(matrix, k) @ inputs for k in range(4))
    ]
    np.testing.assert_allclose(floats, expected, atol=1e-5)


def test_a_loop_forgets_geometrically():
    # x_t = w x_(t-1) + u_t: MC_k = (1 - w^2) w^(2k). Jaeger 2001, section 4.
    network = uniform_network(cycle_graph(1), HALF)
    assert network.memory_function(4) == [Fraction(3, 4) / 4**k for k in range(4)]


def test_a_delay_line_remembers_its_length_and_no_more():
    assert uniform_network(path_graph(3), HALF, [0]).memory_function(6) == [1, 1, 1, 1, 0, 0]


def test_two_loops_remember_one_number_and_with_an_arc_between_them_two():
    apart = uniform_network(graph_of(2, [(0, 0), (1, 1)]), HALF)
    joined = uniform_network(graph_of(2, [(0, 0), (1, 1), (0, 1)]), HALF)
    assert (apart.capacity, joined.capacity) == (1, 2)
    assert apart.memory_function(2) == [Fraction(3, 4), Fraction(3, 16)]
    assert joined.memory_function(2) == [Fraction(15, 16), Fraction(3, 8)]
    assert apart.inverse_zeta == joined.inverse_zeta == (1, -1, Fraction(1, 4))


@settings(max_examples=40)
@given(networks())
def test_the_capacity_is_the_sum_of_the_memory_function(network):
    shares = network.memory_function(30)
    assert all(0 <= one <= 1 for one in shares)
    assert sum(shares) <= network.capacity
    assert float(network.capacity - sum(shares)) < 1e-6


@given(digraphs(3, 4, least=1))
def test_the_impulse_response_ends_if_and_only_if_no_cycle_is_reached(graph):
    last = uniform_network(graph, HALF).impulse_response(graph.nodes + 1)[-1]
    assert is_acyclic(graph) == (not any(last))


def test_without_input_there_is_nothing_to_remember():
    network = uniform_network(cycle_graph(2), HALF, [])
    assert network.capacity == 0
    assert network.memory_function(2) == [0, 0]


@pytest.mark.parametrize("weight", [1, -1, 2])
def test_a_network_that_does_not_forget_has_no_memory_function(weight):
    with pytest.raises(UserError, match="needs a stable network"):
        uniform_network(cycle_graph(2), Fraction(weight), [0]).memory_function(1)


def test_what_the_input_does_not_reach_need_not_be_stable():
    graph = graph_of(2, [(0, 0), (1, 1)])
    network = LinearNetwork(graph, (HALF, Fraction(3)), (Fraction(1), Fraction(0)))
    assert network.memory_function(1) == [Fraction(3, 4)]


def test_weights_that_are_missing_are_refused():
    with pytest.raises(UserError, match="Received: 2 for nodes, 1 for arcs"):
        LinearNetwork(cycle_graph(2), (HALF,), (HALF, HALF))
