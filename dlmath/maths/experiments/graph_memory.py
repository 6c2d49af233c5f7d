"""The paper's suggestion put to the test: is the homotopy class of a network its memory?"""

from collections.abc import Iterable
from fractions import Fraction

from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of, smallest_of
from dlmath.maths.graphs.cycles import is_acyclic
from dlmath.maths.graphs.digraph import Digraph, Morphism, cycle_graph, graph_of, path_graph
from dlmath.maths.graphs.enumeration import graphs_up_to
from dlmath.maths.graphs.linear_memory import LinearNetwork, uniform_network
from dlmath.maths.graphs.weak_equivalences import core, is_weak_equivalence
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences

SUGGESTED = Source("tsemo", 671, "can be interpreted as a representation of its memory capacity")
JAEGER = "Jaeger, Short term memory in echo state networks, GMD report 152, 2001"
LOOPS = graph_of(2, [(0, 0), (1, 1)])
JOINED = graph_of(2, [(0, 0), (1, 1), (0, 1)])


def _longest_path(graph: Digraph) -> int:
    """Return the number of nodes on the longest path of an acyclic graph."""
    ends = [1] * graph.nodes
    for _ in range(graph.nodes):
        for source, target in graph.arcs:
            ends[target] = largest_of(ends[target], ends[source] + 1)
    return largest_of(ends, default=0)


@experiment(
    title="The depth of memory is finite without cycles, its capacity always",
    statement=(
        "Take a linear network x_t = A x_(t-1) + b u_t with one weight of 1/4 on every arc and "
        "input 1 in every node, on any graph of at most 3 nodes without parallel arcs. MC_k, the "
        "share of u_(t-k) that the state tells, is above 0 for all k up to 8 if the graph has a "
        "cycle; if it is acyclic, it is 1 for as many k as the longest path has nodes, and then 0. "
        "Its sum, the memory capacity, is at most the number of nodes N in either case. All is "
        "computed in fractions."
    ),
    sources=(SUGGESTED, Source("tsemo", 667, "Deep neural networks can be viewed as")),
    about=(
        "LinearNetwork.impulse_response",
        "graphs.linear_memory.stationary_covariance",
        "graphs.linear_memory._companion",
        "graphs.linear_memory._product",
    ),
    reference=JAEGER,
    sabotage=Sabotage("a node that is called acyclic has a loop", {"hidden_loops": True}),
)
def memory_is_finite_without_cycles(*, hidden_loops: bool = False, steps: int = 9) -> Outcome:
    """`hidden_loops` adds a loop to node 0 of every network; `steps` is how many MC_k."""
    cyclic, acyclic, excess, missing = [], [], [], []
    for graph in [one for one in graphs_up_to(3) if one.nodes]:
        arcs = [*graph.arcs, (0, 0)] if hidden_loops else graph.arcs
        network = uniform_network(graph_of(graph.nodes, arcs), Fraction(1, 4))
        shares = network.memory_function(steps)
        excess.append(network.capacity - graph.nodes)
        missing.append(network.capacity - sum(shares))
        if is_acyclic(graph):
            length = _longest_path(graph)
            expected = [int(k < length) for k in range(steps)]
            acyclic += [abs(a - b) for a, b in zip(shares, expected, strict=True)]
        else:
            cyclic += shares
    loop = uniform_network(cycle_graph(1), Fraction(1, 4)).memory_function(steps)
    line = uniform_network(path_graph(2), Fraction(1, 4), [0]).memory_function(steps)
    exact = [abs(share - Fraction(15, 16) / 16**k) for k, share in enumerate(loop)]
    return Outcome(
        (
            at_most("acyclic: MC_k away from 1, then 0", map(float, acyclic), 0.0),
            at_least("with a cycle: the least MC_k", map(float, cyclic), 1e-12),
            at_most("capacity less N", excess, 0),
            at_most("capacity less the sum of MC_k", map(float, missing), 0.01),
            at_least("capacity less the sum of MC_k, least", map(float, missing), 0),
            at_most("a loop: MC_k away from (1 - w^2) w^2k", map(float, exact), 0.0),
        ),
        sequences(
            "Share of the input k steps back",
            "k",
            "MC_k",
            {"loop": [float(one) for one in loop], "path": [float(one) for one in line]},
        ),
    )


@experiment(
    title="Weak equivalences keep the spectrum of a network and not its capacity",
    statement=(
        "Let f: X -> Y be a weak equivalence, and let each arc of X have the weight of its image. "
        "Then det(I - uA) is the same for both networks, hence all eigenvalues that are not 0, "
        "stability, and the rate at which memory fades. The memory capacity is not: with input 1 "
        "in every node and weights of 1/3, two loops have capacity 1, with an arc between them, "
        "which lies on no cycle, 2; a path before a loop adds as many as it has nodes; and every "
        "acyclic graph is weakly equivalent to the empty one. If the weights of X are others, "
        "det(I - uA) is another one too."
    ),
    sources=(SUGGESTED,),
    about=(
        "LinearNetwork.impulse_response",
        "graphs.rational.characteristic_polynomial",
        "graphs.rational.power_traces",
    ),
    reference=JAEGER,
    sabotage=Sabotage("arcs have other weights than their images", {"factor": 2}),
)
def weak_equivalence_keeps_the_spectrum(*, factor: int = 1, longest: int = 4) -> Outcome:
    """`factor` multiplies the first weight of X; `longest` is the longest path before the loop."""
    full, double = graph_of(2, [(0, 0), (0, 1), (1, 0), (1, 1)]), graph_of(1, [(0, 0), (0, 0)])
    splitting = Morphism(full, double, (0, 0), (0, 0, 1, 1))
    apart, weak = [], []
    for one in [splitting, *map(core, graphs_up_to(3))]:
        weak.append(is_weak_equivalence(one))
        size = len(one.codomain.sources)
        below = LinearNetwork(
            one.codomain,
            tuple(Fraction(1, 7 + arc) for arc in range(size)),
            (Fraction(1),) * one.codomain.nodes,
        )
        above = _pulled_back(below, one, factor)
        apart.append(above.inverse_zeta != below.inverse_zeta)
    third = Fraction(1, 3)
    capacities = [uniform_network(graph, third).capacity for graph in (LOOPS, JOINED)]
    inclusion = JOINED.subgraph((0, 1), (0, 1))
    polynomial = uniform_network(JOINED, third).inverse_zeta
    known = zip(polynomial, (Fraction(1), Fraction(-2, 3), Fraction(1, 9)), strict=True)
    joined = is_weak_equivalence(inclusion) and inclusion.domain == LOOPS
    paths = range(1, longest + 1)
    tails = [uniform_network(path_graph(n - 1), third, [0]).capacity for n in paths]
    lines = [graph_of(n + 1, [*path_graph(n).arcs, (n, n)]) for n in paths]
    grown = [uniform_network(line, third, [0]).capacity - 1 for line in lines]
    return Outcome(
        (
            at_most("weak equivalences with another det(I - uA)", sum(apart), 0),
            at_least("all of them weak equivalences", weak, 1),
            at_most("two joined loops: det(I - uA) away from (1 - u/3)^2", _apart(known), 0),
            at_least("two loops in two joined: a weak equivalence", joined, 1),
            at_most("capacity of two loops", capacities[0], 1),
            at_least("capacity of two joined loops", capacities[1], 2),
            at_most("acyclic: capacity away from the nodes", _gaps(tails, paths), 0),
            at_most("a path before a loop: what it adds", _gaps(grown, paths), 0),
        ),
        sequences("Capacity of a path", "nodes - 1", "capacity", {"path": tails, "loop": grown}),
    )


def _pulled_back(network: LinearNetwork, along: Morphism, factor: int) -> LinearNetwork:
    """Return the network on the domain whose arcs have the weights of their images."""
    weights = [network.weights[arc] for arc in along.on_arcs]
    first = [weight * factor for weight in weights[:1]]
    inputs = tuple(network.inputs[node] for node in along.on_nodes)
    return LinearNetwork(along.domain, (*first, *weights[1:]), inputs)


def _gaps(found: list[int], expected: range) -> list[int]:
    return [abs(a - b) for a, b in zip(found, expected, strict=True)]


@experiment(
    title="Isospectral networks whose nodes all count remember alike",
    statement=(
        "If the capacity of a stable network is its number of nodes N, then MC_k depends for all k "
        "on N and det(I - uA) only: networks of one size with the same zeta series have the same "
        "memory function. Of all graphs of 3 nodes without parallel arcs, with weights of 1/4 and "
        "the input in one node, those with capacity 3 and the same det(I - uA) agree in fractions, "
        "also where they are not isomorphic. A cycle of three has "
        "MC_k = (1 - w^6) w^(6 floor(k/3)). With a smaller capacity they need not."
    ),
    sources=(SUGGESTED,),
    about=("_cycle_memory", "graphs.linear_memory._companion", "graphs.linear_memory._product"),
    reference=JAEGER,
    sabotage=Sabotage("networks of every capacity are compared", {"least": 0}),
)
def isospectral_networks_remember_alike(*, least: int = 3, steps: int = 5) -> Outcome:
    """`least` is the least capacity of the networks that are compared; `steps`, how many MC_k."""
    classes: dict[tuple[Fraction, ...], list[list[Fraction]]] = {}
    for graph in [one for one in graphs_up_to(3) if one.nodes == 3]:
        network = uniform_network(graph, Fraction(1, 4), [0])
        if network.capacity >= least:
            classes.setdefault(network.inverse_zeta, []).append(network.memory_function(steps))
    shared = [one for one in classes.values() if len(one) > 1]
    first = max(shared, key=len)[0]
    cycle = uniform_network(cycle_graph(3), Fraction(1, 4), [0]).memory_function(2 * steps)
    pairs = zip(cycle, _cycle_memory(Fraction(1, 4), 2 * steps), strict=True)
    joined = uniform_network(JOINED, Fraction(1, 2)).memory_function(3)
    known = zip(joined, (Fraction(15, 16), Fraction(3, 8), Fraction(87, 256)), strict=True)
    return Outcome(
        (
            at_most("memory functions of one class apart", map(_spread, shared), 0.0),
            at_least("classes of more than one graph", len(shared), 3),
            at_most("C_3 away from (1 - w^6) w^(6 floor(k/3))", _apart(pairs), 0.0),
            at_most("two joined loops away from 15/16, 3/8, 87/256", _apart(known), 0.0),
        ),
        sequences(
            "Memory function of one class", "k", "MC_k", {"class": [float(one) for one in first]}
        ),
    )


def _cycle_memory(weight: Fraction, steps: int) -> list[Fraction]:
    """Return MC_k of a cycle of three nodes with the input in one of them."""
    return [(1 - weight**6) * weight ** (6 * (k // 3)) for k in range(steps)]


def _apart(pairs: Iterable[tuple[Fraction, Fraction]]) -> list[float]:
    return [float(abs(a - b)) for a, b in pairs]


def _spread(functions: list[list[Fraction]]) -> float:
    """Return the largest difference of two memory functions."""
    return float(
        largest_of(
            largest_of(shares) - smallest_of(shares) for shares in zip(*functions, strict=True)
        )
    )
