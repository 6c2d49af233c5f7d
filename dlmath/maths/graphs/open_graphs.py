"""The tensor category of open graphs (Tsemo, lines 672-680).

Objects are finite sets, here the numbers 0, 1, 2, ... of their elements. A morphism from m to n is
an *open graph*: a cospan m -> G <- n, a graph with m nodes named as inputs and n nodes named as
outputs. Two are composed by the pushout over the nodes in common, that is, the outputs of the
first are glued to the inputs of the second; the identity of n is n nodes without an arc; the
tensor product is the disjoint union.

The paper takes graphs whose initial nodes (no arc into them) are the one set and whose final nodes
(no arc out of them) are the other, and puts their nodes and arcs together. As a union of sets that
is no composition: nodes of the two graphs that are not on the seam may have the same names. Once
they are renamed, the composite is given up to isomorphism, and associativity and units hold up to
isomorphism only. So the morphisms of the category are isomorphism classes of open graphs, and
`equivalent` is their equality. Open graphs in the paper's sense (`is_between_ends`) contain the
identities and are closed under composition and tensor product: an output of the first has no arc
out of it there, an input of the second none into it there, so gluing makes neither a new initial
node nor a new final one.
"""

from dataclasses import dataclass

from dlmath.errors import UserError
from dlmath.maths.graphs.digraph import Digraph, Morphism
from dlmath.maths.graphs.hom_sets import isomorphism
from dlmath.maths.graphs.limits import coproduct, pushout


@dataclass(frozen=True)
class OpenGraph:
    """A graph with inputs and outputs: a cospan of a finite set, a graph and a finite set.

    Attributes:
        graph: The graph in the middle.
        inputs: (m,), the node of each element of the first set.
        outputs: (n,), the node of each element of the second set.

    Raises:
        UserError: A node is named that the graph does not have.
    """

    graph: Digraph
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        if not all(0 <= node < self.graph.nodes for node in self.inputs + self.outputs):
            raise UserError(
                f"Inputs and outputs are nodes of a graph with {self.graph.nodes}. Received: "
                f"inputs={self.inputs}, outputs={self.outputs}."
            )

    def then(self, other: "OpenGraph") -> "OpenGraph":
        """Return the composite: the outputs of this graph glued to the inputs of the other.

        Raises:
            UserError: Their numbers differ.
        """
        if len(self.outputs) != len(other.inputs):
            raise UserError(
                "Open graphs compose if the first has as many outputs as the second has inputs. "
                f"Received: {len(self.outputs)} and {len(other.inputs)}."
            )
        seam = Digraph(len(self.outputs))
        left, right = pushout(
            Morphism(seam, self.graph, self.outputs, ()),
            Morphism(seam, other.graph, other.inputs, ()),
        )
        return OpenGraph(
            left.codomain,
            tuple(left.on_nodes[node] for node in self.inputs),
            tuple(right.on_nodes[node] for node in other.outputs),
        )

    def tensor(self, other: "OpenGraph") -> "OpenGraph":
        """Return the disjoint union, with the inputs and outputs of this graph first."""
        left, right = coproduct(self.graph, other.graph)
        inputs, outputs = (
            tuple(left.on_nodes[node] for node in own) + tuple(right.on_nodes[n] for n in others)
            for own, others in ((self.inputs, other.inputs), (self.outputs, other.outputs))
        )
        return OpenGraph(left.codomain, inputs, outputs)

    def equivalent(self, other: "OpenGraph") -> bool:
        """Return whether an isomorphism takes inputs to inputs and outputs to outputs, in order."""
        feet, others = self.inputs + self.outputs, other.inputs + other.outputs
        if (len(self.inputs), len(feet)) != (len(other.inputs), len(others)):
            return False
        fixed = dict(zip(feet, others, strict=True))
        if any(fixed[node] != image for node, image in zip(feet, others, strict=True)):
            return False
        return isomorphism(self.graph, other.graph, fixed) is not None

    @property
    def is_between_ends(self) -> bool:
        """Return whether the inputs are the initial nodes and the outputs the final ones."""
        nodes = set(range(self.graph.nodes))
        initial, final = nodes - set(self.graph.targets), nodes - set(self.graph.sources)
        return sorted(self.inputs) == sorted(initial) and sorted(self.outputs) == sorted(final)


def identity_of(size: int) -> OpenGraph:
    """Return the identity of a set: its elements as nodes, and no arc."""
    return OpenGraph(Digraph(size), tuple(range(size)), tuple(range(size)))


def symmetry(first: int, second: int) -> OpenGraph:
    """Return the morphism from m + n to n + m that exchanges the two sets."""
    nodes = tuple(range(first + second))
    return OpenGraph(Digraph(first + second), nodes, nodes[first:] + nodes[:first])
