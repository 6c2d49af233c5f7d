"""Walks through the nodes of a formula."""

from typing import Any

from dlmath.derivation.nodes import Node
from dlmath.derivation.operations import Operations


def ordered(output: Node) -> list[Node]:
    """Return every node once, children before what is made of them."""
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in found:
            for child in node.children:
                visit(child)
            found[node] = None

    visit(output)
    return list(found)


def evaluated(node: Node, ops: Operations, values: dict[Node, Any]) -> Any:
    """Return the value of a node from those of its variables; each node is computed once."""
    if node not in values:
        found = node.value(ops, *(evaluated(child, ops, values) for child in node.children))
        values[node] = found
    return values[node]
