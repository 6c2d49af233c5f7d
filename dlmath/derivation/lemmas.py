"""The rules of the composite functions, proven from their definitions.

The adjoint that a composite node states for itself is compared with what the rules of simpler
nodes give for its definition, for all sizes.
"""

from fractions import Fraction

from dlmath.derivation.differentiation import differentiated
from dlmath.derivation.nodes import Node, Variable
from dlmath.derivation.operations import Symbolic
from dlmath.derivation.proof import same
from dlmath.derivation.row_functions import (
    Composite,
    Mean,
    Normalized,
    Sigmoid,
    Softmax,
    Tanh,
    Trace,
)
from dlmath.derivation.sizes import dimension
from dlmath.derivation.symbolic_tensor import SymbolicTensor, named


def composites() -> list[Composite]:
    """Return one of each composite function, of a variable x."""
    x = Variable("x", (dimension("N"), dimension("D")))
    square = Variable("x", (dimension("N"), dimension("N")))
    return [
        Mean(x, [1]),
        Trace(square),
        Sigmoid(x),
        Tanh(x),
        Softmax(x, [1]),
        Normalized(x, [1], Fraction(1, 1000)),
    ]


def lemma_holds(node: Composite) -> bool:
    """Return whether the rule of a node is proven to be what its definition gives."""
    (x,) = node.children
    return same(_gradient(node, x), _gradient(node.definition(), x))


def _gradient(output: Node, x: Node) -> SymbolicTensor:
    derivation = differentiated(output)
    values = {x: named("x", x.shape), derivation.upstream: named("g", output.shape)}
    return derivation.backward(Symbolic(), values)[x]  # type: ignore[index]
