from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlmath.maths.graphs.cycles import is_acyclic, primitive_counts, primitive_cycles
from dlmath.maths.graphs.digraph import (
    DOT,
    EMPTY,
    SOURCE,
    TARGET,
    Morphism,
    cycle_graph,
    graph_of,
    identity,
    path_graph,
)
from dlmath.maths.graphs.enumeration import graphs_up_to, small_graphs
from dlmath.maths.graphs.hom_sets import homomorphisms, isomorphism
from dlmath.maths.graphs.limits import coproduct
from dlmath.maths.graphs.weak_equivalences import (
    core,
    cycle_liftings,
    has_lifting,
    homotopy_equivalent,
    is_injective_on_cycles,
    is_surjecting,
    is_weak_equivalence,
    is_whiskering,
    periodic_part,
)
from tests.support.digraphs import digraphs, hom_count, morphisms

FULL = graph_of(2, [(0, 0), (0, 1), (1, 0), (1, 1)])
BOUQUET = graph_of(1, [(0, 0), (0, 0)])
SPLITTING = Morphism(FULL, BOUQUET, (0, 0), (0, 0, 1, 1))


def images(morphism, length):
    """The images of all closed walks of a length, and how many there are in the codomain."""
    cycle = cycle_graph(length)
    found = [walk.then(morphism) for walk in homomorphisms(cycle, morphism.domain)]
    return found, hom_count(cycle, morphism.codomain)


def by_brute_force(morphism):
    """Bijective on closed walks of every length that the docstring says is enough."""
    domain, codomain = morphism.domain, morphism.codomain
    for length in range(1, max(domain.nodes**2, codomain.nodes) + 1):
        found, there = images(morphism, length)
        if not len(found) == len(set(found)) == there:
            return False
    return True


@example(graph_of(2, [(0, 1), (1, 0)]), graph_of(1, [(0, 0)]))
@example(FULL, BOUQUET)
@given(digraphs(2, 4), digraphs(2, 3))
def test_the_decision_is_that_of_brute_force(domain, codomain):
    for one in homomorphisms(domain, codomain):
        assert is_weak_equivalence(one) == by_brute_force(one)


@settings(max_examples=30)
@given(st.data(), digraphs(3, 4), digraphs(2, 3))
def test_it_is_that_of_brute_force_with_three_nodes(data, domain, codomain):
    one = data.draw(morphisms(domain, codomain))
    if one is not None:
        assert is_weak_equivalence(one) == by_brute_force(one)


def test_it_is_that_of_brute_force_for_all_morphisms_of_graphs_of_two_nodes():
    for first in graphs_up_to(2):
        for second in graphs_up_to(2):
            for one in homomorphisms(first, second):
                assert is_weak_equivalence(one) == by_brute_force(one)


def check_core(graph):
    inclusion = core(graph)
    assert is_weak_equivalence(inclusion)
    assert core(inclusion.domain).is_iso
    assert is_acyclic(graph) == (inclusion.domain == EMPTY)


def test_the_core_of_every_graph_of_at_most_three_nodes_is_weakly_equivalent_to_it():
    for graph in graphs_up_to(3):
        check_core(graph)
        assert by_brute_force_up_to(core(graph), 4)


@pytest.mark.slow
def test_the_core_of_every_graph_of_four_nodes_is_weakly_equivalent_to_it():
    for graph in small_graphs(4):
        check_core(graph)
        assert by_brute_force_up_to(core(graph), 5)


def by_brute_force_up_to(morphism, longest):
    pairs = [images(morphism, length) for length in range(1, longest + 1)]
    return all(len(found) == len(set(found)) == there for found, there in pairs)


def test_arcs_between_two_cycles_are_no_part_of_the_core():
    graph = graph_of(4, [(0, 0), (0, 1), (1, 2), (2, 3), (3, 2), (3, 3)])
    assert core(graph).on_nodes == (0, 2, 3)
    assert core(graph).on_arcs == (0, 3, 4, 5)


def test_a_weak_equivalence_of_cores_need_not_be_an_isomorphism():
    assert is_weak_equivalence(SPLITTING)
    assert core(FULL).is_iso
    assert core(BOUQUET).is_iso
    assert not SPLITTING.is_iso


def test_a_covering_that_is_not_an_isomorphism_is_no_weak_equivalence():
    folding = next(homomorphisms(cycle_graph(4), cycle_graph(2)))
    assert not is_weak_equivalence(folding)
    assert not is_injective_on_cycles(folding)


@settings(max_examples=40)
@given(digraphs(3, 4), st.integers(1, 4))
def test_the_periodic_part_is_bijective_on_cycles_as_far_as_it_goes(graph, longest):
    part = periodic_part(graph, primitive_cycles(graph, longest))
    assert by_brute_force_up_to(part, longest)


def check_classes(graphs):
    """Homotopy classes are those of the numbers of primitive cycles, of lengths up to N."""
    classes = {}
    for graph in graphs:
        classes.setdefault(tuple(primitive_counts(graph, 4)), []).append(graph)
    for one in classes.values():
        assert all(homotopy_equivalent(one[0], other) for other in one)
    firsts = [one[0] for one in classes.values()]
    assert not any(homotopy_equivalent(*pair) for pair in combinations(firsts, 2))


def test_the_homotopy_classes_of_graphs_of_at_most_three_nodes():
    check_classes(graphs_up_to(3))


@pytest.mark.slow
def test_the_homotopy_classes_of_graphs_of_at_most_four_nodes():
    check_classes(graphs_up_to(4))


def test_graphs_of_one_class_need_no_weak_equivalence_either_way_between_them():
    pairs = [
        (first, second)
        for first in small_graphs(3)
        for second in small_graphs(3)
        if first is not second
        and core(first).is_iso
        and core(second).is_iso
        and homotopy_equivalent(first, second)
    ]
    assert pairs
    apart = [
        pair
        for pair in pairs
        if not any(
            is_weak_equivalence(one) for a, b in (pair, pair[::-1]) for one in homomorphisms(a, b)
        )
    ]
    assert apart
    assert all(isomorphism(*pair) is None for pair in apart)


@given(st.data(), digraphs(2, 3), digraphs(2, 3))
def test_surjecting_morphisms_are_those_that_lift_against_the_source(data, domain, codomain):
    one = data.draw(morphisms(domain, codomain))
    if one is not None:
        assert is_surjecting(one) == has_lifting(SOURCE, one)


@settings(max_examples=50)
@given(st.data(), digraphs(2, 3), digraphs(2, 2), st.integers(1, 3))
def test_liftings_against_cycles_are_that_walks_are_hit_and_hit_once(
    data, domain, codomain, length
):
    one = data.draw(morphisms(domain, codomain))
    if one is None:
        return
    found, there = images(one, length)
    some, once = cycle_liftings(length)
    assert has_lifting(some, one) == (len(set(found)) == there)
    assert has_lifting(once, one) == (len(set(found)) == len(found))


@st.composite
def grafted(draw):
    """A graph, and it with trees grafted onto it."""
    graph = draw(digraphs(2, 2, least=1))
    arcs, nodes = list(graph.arcs), graph.nodes
    for _ in range(draw(st.integers(0, 2))):
        arcs.append((draw(st.integers(0, nodes - 1)), nodes))
        nodes += 1
    whole = graph_of(nodes, arcs)
    return whole.subgraph(range(graph.nodes), range(len(graph.arcs)))


@settings(max_examples=50)
@given(st.data(), grafted(), digraphs(2, 3), digraphs(2, 2))
def test_whiskerings_are_weak_equivalences_and_surjecting_morphisms_lift_against_them(
    data, inclusion, domain, codomain
):
    assert is_whiskering(inclusion)
    assert is_weak_equivalence(inclusion)
    one = data.draw(morphisms(domain, codomain))
    if one is not None and is_surjecting(one):
        assert has_lifting(inclusion, one)


def test_what_is_no_whiskering():
    assert is_whiskering(SOURCE)
    assert not is_whiskering(TARGET)  # the new node has no arc into it
    assert not is_whiskering(coproduct(DOT, cycle_graph(1))[0])  # a cycle is added
    assert not is_whiskering(next(homomorphisms(path_graph(1), cycle_graph(1))))
    assert is_whiskering(identity(FULL))
