"""The laws of a symmetric strict monoidal category, up to isomorphism."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import UserError
from dlmath.maths.graphs.digraph import Digraph, cycle_graph, graph_of, path_graph
from dlmath.maths.graphs.open_graphs import OpenGraph, identity_of, symmetry
from tests.support.digraphs import open_graphs

MANY = settings(max_examples=500)
sizes = st.integers(0, 2)
ARROW = OpenGraph(path_graph(1), (0,), (1,))


def chains(length, pick=open_graphs):
    """Open graphs that compose, one after another."""
    numbers = st.tuples(*[sizes] * (length + 1))
    return numbers.flatmap(
        lambda sets: st.tuples(*(pick(*pair) for pair in itertools.pairwise(sets)))
    )


@MANY
@given(chains(3))
def test_composition_is_associative(chain):
    f, g, h = chain
    assert f.then(g).then(h).equivalent(f.then(g.then(h)))


@MANY
@given(chains(1))
def test_identities_are_units(chain):
    (f,) = chain
    before, after = identity_of(len(f.inputs)), identity_of(len(f.outputs))
    assert before.then(f).equivalent(f)
    assert f.then(after).equivalent(f)


@MANY
@given(chains(2), chains(2))
def test_interchange(first, second):
    (f, g), (h, k) = first, second
    assert f.then(g).tensor(h.then(k)).equivalent(f.tensor(h).then(g.tensor(k)))


@MANY
@given(chains(1), chains(1), chains(1), sizes, sizes)
def test_the_tensor_product_is_a_strict_monoid(first, second, third, m, n):
    (f,), (g,), (h,) = first, second, third
    assert f.tensor(g).tensor(h) == f.tensor(g.tensor(h))
    assert identity_of(0).tensor(f) == f == f.tensor(identity_of(0))
    assert identity_of(m).tensor(identity_of(n)) == identity_of(m + n)


@MANY
@given(chains(1), chains(1))
def test_the_symmetry_is_natural_and_its_own_inverse(first, second):
    (f,), (g,) = first, second
    before = symmetry(len(f.inputs), len(g.inputs))
    after = symmetry(len(f.outputs), len(g.outputs))
    assert f.tensor(g).then(after).equivalent(before.then(g.tensor(f)))
    back = symmetry(len(g.inputs), len(f.inputs))
    assert before.then(back).equivalent(identity_of(len(f.inputs) + len(g.inputs)))


@MANY
@given(sizes, sizes, sizes)
def test_the_hexagon(m, n, k):
    turned = symmetry(m, n).tensor(identity_of(k)).then(identity_of(n).tensor(symmetry(m, k)))
    assert turned.equivalent(symmetry(m, n + k))


@st.composite
def between_ends(draw, inputs, outputs):
    """An open graph in the paper's sense: its inputs are its initial, outputs its final nodes."""
    inner = draw(st.integers(0, 1)) if inputs and outputs else 0
    if not (inputs and outputs):
        return identity_of(0)
    nodes = inputs + inner + outputs
    arcs = [(node, inputs + inner + node % outputs) for node in range(inputs)]
    arcs += [(node % inputs, inputs + inner + node) for node in range(outputs)]
    arcs += [
        arc for node in range(inner) for arc in ((0, inputs + node), (inputs + node, nodes - 1))
    ]
    return OpenGraph(
        graph_of(nodes, arcs), tuple(range(inputs)), tuple(range(inputs + inner, nodes))
    )


@MANY
@given(st.data(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_the_papers_open_graphs_are_closed_under_composition_and_tensor(data, m, n, k):
    f, g = data.draw(between_ends(m, n)), data.draw(between_ends(n, k))
    assert f.is_between_ends
    assert g.is_between_ends
    assert f.then(g).is_between_ends
    assert f.tensor(g).is_between_ends
    assert identity_of(m).is_between_ends


def test_two_arrows_compose_to_a_path_and_there_and_back_is_no_cycle():
    assert ARROW.then(ARROW).equivalent(OpenGraph(path_graph(2), (0,), (2,)))
    assert not ARROW.then(ARROW).equivalent(OpenGraph(cycle_graph(2), (0,), (0,)))


def test_associativity_is_no_equality():
    # The nodes of a pushout are numbered in order, so the composites are isomorphic only.
    f = OpenGraph(graph_of(3, [(0, 2)]), (0,), (0,))
    g = OpenGraph(graph_of(3, [(1, 2)]), (1,), (1,))
    first, second = f.then(g).then(f), f.then(g.then(f))
    assert first.equivalent(second)
    assert identity_of(1).then(g) != g
    assert identity_of(1).then(g).equivalent(g)


def test_the_order_of_the_feet_counts():
    two = Digraph(2)
    straight, crossed = OpenGraph(two, (0, 1), (0, 1)), OpenGraph(two, (0, 1), (1, 0))
    assert not straight.equivalent(crossed)
    assert not OpenGraph(two, (0,), ()).equivalent(OpenGraph(two, (), (0,)))
    merged = OpenGraph(two, (0, 0), ())
    assert not merged.equivalent(OpenGraph(two, (0, 1), ()))
    assert not OpenGraph(two, (0, 1), ()).equivalent(merged)


def test_what_is_no_open_graph_or_does_not_compose_is_refused():
    with pytest.raises(UserError, match="inputs=.1"):
        OpenGraph(Digraph(1), (1,), ())
    with pytest.raises(UserError, match="Received: 1 and 2"):
        ARROW.then(identity_of(2))
