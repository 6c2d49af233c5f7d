"""Universal properties, on small graphs: each other cone factors, and in one way."""

from itertools import product as tuples

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import UserError
from dlmath.maths.graphs.digraph import ARROW, DOT, EMPTY, cycle_graph, path_graph
from dlmath.maths.graphs.hom_sets import homomorphisms, isomorphism
from dlmath.maths.graphs.limits import (
    CLASSIFIER,
    TERMINAL,
    TRUE,
    characteristic,
    coequaliser,
    coproduct,
    equaliser,
    exponential,
    product,
    pullback,
    pushout,
)
from tests.support.digraphs import digraphs, hom_count, morphisms

tiny = digraphs(2, 3)


def homs(domain, codomain):
    return list(homomorphisms(domain, codomain))


def as_cones(test, legs):
    """The cones that morphisms from a test object give, each as often as it is given."""
    return sorted(
        (
            [tuple((one.then(leg).on_nodes, one.then(leg).on_arcs) for leg in legs)]
            for one in homs(test, legs[0].domain)
        ),
        key=str,
    )


def as_cocones(test, legs):
    return sorted(
        (
            [tuple((leg.then(one).on_nodes, leg.then(one).on_arcs) for leg in legs)]
            for one in homs(legs[0].codomain, test)
        ),
        key=str,
    )


def told(*legs):
    return [tuple((leg.on_nodes, leg.on_arcs) for leg in legs)]


@given(tiny, tiny, tiny)
def test_morphisms_to_a_product_are_pairs(first, second, test):
    pairs = tuples(homs(test, first), homs(test, second))
    expected = sorted((told(*pair) for pair in pairs), key=str)
    assert as_cones(test, product(first, second)) == expected


@given(tiny, tiny, tiny)
def test_morphisms_from_a_coproduct_are_pairs(first, second, test):
    pairs = tuples(homs(first, test), homs(second, test))
    expected = sorted((told(*pair) for pair in pairs), key=str)
    assert as_cocones(test, coproduct(first, second)) == expected


@given(st.data(), tiny, tiny, tiny, tiny)
def test_morphisms_to_a_pullback_are_pairs_that_agree(data, first, second, base, test):
    f, g = data.draw(morphisms(first, base)), data.draw(morphisms(second, base))
    if f is None or g is None:
        return
    pairs = tuples(homs(test, first), homs(test, second))
    expected = [told(a, b) for a, b in pairs if a.then(f) == b.then(g)]
    assert as_cones(test, pullback(f, g)) == sorted(expected, key=str)


@given(st.data(), tiny, tiny, tiny, tiny)
def test_morphisms_from_a_pushout_are_pairs_that_agree(data, first, second, base, test):
    f, g = data.draw(morphisms(base, first)), data.draw(morphisms(base, second))
    if f is None or g is None:
        return
    pairs = tuples(homs(first, test), homs(second, test))
    expected = [told(a, b) for a, b in pairs if f.then(a) == g.then(b)]
    assert as_cocones(test, pushout(f, g)) == sorted(expected, key=str)


@given(st.data(), tiny, tiny, tiny)
def test_equalisers_and_coequalisers(data, first, second, test):
    f, g = (data.draw(morphisms(first, second)) for _ in range(2))
    if f is None:
        return
    equal = [told(a) for a in homs(test, first) if a.then(f) == a.then(g)]
    assert as_cones(test, [equaliser(f, g)]) == sorted(equal, key=str)
    same = [told(a) for a in homs(second, test) if f.then(a) == g.then(a)]
    assert as_cocones(test, [coequaliser(f, g)]) == sorted(same, key=str)


@given(digraphs())
def test_each_graph_has_one_morphism_to_the_terminal_and_one_from_the_empty_graph(graph):
    assert hom_count(graph, TERMINAL) == hom_count(EMPTY, graph) == 1


def subgraphs(graph):
    chosen = tuples((False, True), repeat=graph.nodes + len(graph.arcs))
    for picks in chosen:
        nodes = [node for node in range(graph.nodes) if picks[node]]
        arcs = [arc for arc in range(len(graph.arcs)) if picks[graph.nodes + arc]]
        if all({*graph.arcs[arc]} <= {*nodes} for arc in arcs):
            yield graph.subgraph(nodes, arcs)


def test_the_classifier_has_two_truth_values_of_nodes_and_five_of_arcs():
    # The sieves on the two objects, which are the subgraphs of the dot and of the arrow.
    assert (CLASSIFIER.nodes, len(CLASSIFIER.arcs)) == (2, 5)
    assert [len(list(subgraphs(one))) for one in (DOT, ARROW)] == [2, 5]


@settings(max_examples=40)
@given(digraphs(2, 3))
def test_each_subgraph_is_the_pullback_of_true_along_one_morphism(graph):
    found = set()
    for inclusion in subgraphs(graph):
        truth = characteristic(inclusion)
        part = pullback(truth, TRUE)[0]
        assert sorted(part.on_nodes) == list(inclusion.on_nodes)
        assert sorted(part.on_arcs) == list(inclusion.on_arcs)
        found.add(truth)
    assert found == set(homomorphisms(graph, CLASSIFIER))


@settings(max_examples=40)
@given(digraphs(2, 2), digraphs(2, 2), digraphs(2, 2))
def test_morphisms_to_an_exponential_are_morphisms_from_the_product(base, exponent, test):
    power, evaluation = exponential(base, exponent)
    assert hom_count(test, power) == hom_count(product(test, exponent)[0].domain, base)
    assert evaluation.codomain == base


@pytest.mark.parametrize("graph", [ARROW, cycle_graph(2), path_graph(2)])
def test_the_power_by_the_terminal_graph_is_the_graph_and_evaluation_an_isomorphism(graph):
    power, evaluation = exponential(graph, TERMINAL)
    assert isomorphism(power, graph) is not None
    assert evaluation.is_iso


def test_different_curried_morphisms_have_different_evaluations():
    base, exponent, test = cycle_graph(2), ARROW, path_graph(1)
    power, evaluation = exponential(base, exponent)
    first, second = product(test, exponent)
    pairs = product(power, exponent)
    number = {
        ends: n for n, ends in enumerate(zip(pairs[0].on_nodes, pairs[1].on_nodes, strict=True))
    }
    uncurried = {
        tuple(
            evaluation.on_nodes[number[one.on_nodes[a], b]]
            for a, b in zip(first.on_nodes, second.on_nodes, strict=True)
        )
        for one in homomorphisms(test, power)
    }
    assert uncurried == {one.on_nodes for one in homomorphisms(first.domain, base)}


def test_what_has_no_limit_is_refused():
    with pytest.raises(UserError, match="need the same codomain"):
        pullback(next(homomorphisms(DOT, ARROW)), next(homomorphisms(DOT, DOT)))
    with pytest.raises(UserError, match="Only a subgraph"):
        characteristic(next(homomorphisms(cycle_graph(2), TERMINAL)))
