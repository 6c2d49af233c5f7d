r"""The backward pass out of the forward pass, one adjoint at a time.

dL = <g, dy> for the upstream gradient g. Each step takes one term <u, d(node)>, moves the adjoint
of the node's differential across by the node's rule, and leaves terms of its children; where a
tensor is used several times, its terms add up. What is left are terms <u, dv> of the variables v,
and dL/dv = u.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlmath.derivation.graph import evaluated, ordered
from dlmath.derivation.nodes import Node, Variable, symbol
from dlmath.derivation.operations import Operations

LONG = 44  # characters; a longer cotangent gets a name


@dataclass(frozen=True)
class Step:
    """A line of a derivation: <u, d(node)> = sum of <u_i, d(child_i)>, or a name for u.

    Attributes:
        upstream: u.
        node: The node, or the variable that a gradient belongs to.
        terms: The pairs (u_i, child_i); none for a definition or a gradient.
        rule: What justifies it.
        name: The symbol that u is given, if the line defines one.
    """

    upstream: Node
    node: Node
    terms: tuple[tuple[Node, Node], ...]
    rule: str
    name: str | None = None

    def written(self, style: str) -> str:
        """Return the line as `text` or `latex`, without its rule."""
        if self.name is not None:
            defined = symbol(self.name, style)
            return f"{defined} = {self.upstream.written(style, whole=True)}"
        if not self.terms:
            return f"{gradient_of(self.node, style)} = {self.upstream.written(style)}"
        right = " + ".join(_product(u, child, style) for u, child in self.terms)
        return f"{_product(self.upstream, self.node, style, whole=True)} = {right}"


def gradient_of(variable: Node, style: str) -> str:
    """Return how the gradient with respect to a variable is written."""
    said = variable.written(style)
    return f"dL/d{said}" if style == "text" else rf"\frac{{\partial L}}{{\partial {said}}}"


def _product(u: Node, node: Node, style: str, *, whole: bool = False) -> str:
    inside = node.written(style, whole=whole and bool(node.children))
    if style == "text":
        moved = f"d{inside}" if inside.isalnum() else f"d({inside})"
        return f"<{u.written(style)}, {moved}>"
    brief = len(inside) == 1 or (node.name is not None and not whole)
    moved = rf"\mathrm d {inside}" if brief else rf"\mathrm d\left({inside}\right)"
    return rf"\left\langle {u.written(style)},\ {moved} \right\rangle"


@dataclass(frozen=True)
class Derivation:
    """A forward pass with the backward pass that was derived from it.

    Attributes:
        output: y.
        upstream: The variable g.
        steps: In order; those with a `name` define what later ones use.
        gradients: dL/dv by the variable v.
        closed: Some of them again, as they are usually written.
    """

    output: Node
    upstream: Variable
    steps: tuple[Step, ...]
    gradients: dict[Variable, Node]
    closed: dict[Variable, Node] = field(default_factory=dict)

    def forward(self, ops: Operations, values: Mapping[Node, Any]) -> Any:
        """Return y from the values of the variables."""
        return evaluated(self.output, ops, dict(values))

    def backward(self, ops: Operations, values: Mapping[Node, Any]) -> dict[Variable, Any]:
        """Return dL/dv for each variable, from the values of the variables and of g."""
        known = dict(values)
        for step in self.steps:
            if step.name is not None:
                defined = step.node
                known[defined] = evaluated(step.upstream, ops, known)
        return {v: evaluated(u, ops, known) for v, u in self.gradients.items()}

    def lines(self, style: str) -> Iterator[tuple[str, str]]:
        """Yield the lines as (formula, rule)."""
        defined: set[str] = set()
        yield from _definitions([self.output], style, defined, "forward")
        name = self.output.name or "y"
        whole = self.output.written(style, whole=True)
        if self.output.name is None:
            yield f"y = {whole}", "forward"
        upstream = self.upstream.written(style)
        if style == "text":
            yield f"dL = <{upstream}, d{name}>", "definition of the gradient"
        else:
            said = rf"\left\langle {upstream},\ \mathrm d {symbol(name, style)} \right\rangle"
            yield rf"\mathrm d L = {said}", "definition of the gradient"
        for step in self.steps:
            parts = [step.upstream, *(u for u, _ in step.terms)]
            yield from _definitions(parts, style, defined, "where")
            yield step.written(style), step.rule
        for variable, form in self.closed.items():
            yield f"{gradient_of(variable, style)} = {form.written(style)}", "in closed form"


def _definitions(
    parts: list[Node], style: str, defined: set[str], rule: str
) -> Iterator[tuple[str, str]]:
    """Yield a line for each named part that has none yet."""
    for part in parts:
        for node in ordered(part):
            if node.name is not None and node.children and node.name not in defined:
                defined.add(node.name)
                said = node.written(style, whole=True)
                yield f"{symbol(node.name, style)} = {said}", rule


def differentiated(output: Node) -> Derivation:
    """Derive the gradients of L with respect to every variable that y depends on.

    Args:
        output: y. The upstream gradient is the variable g, of its shape.
    """
    upstream = Variable("g", output.shape)
    nodes = ordered(output)
    live = _live(nodes)
    waiting: dict[Node, list[Node]] = {output: [upstream]}
    steps: list[Step] = []
    gradients: dict[Variable, Node] = {}
    for node in reversed(nodes):
        if node not in live or node not in waiting:
            continue
        u = _total(waiting[node])
        if isinstance(node, Variable):
            gradients[node] = u
            continue
        u = _given_a_name(u, node, steps)
        terms = [
            (moved, child)
            for moved, child in zip(node.cotangents(u), node.children, strict=True)
            if moved is not None and child in live
        ]
        steps.append(Step(u, node, tuple(terms), node.rule))
        for moved, child in terms:
            waiting.setdefault(child, []).append(moved)
    found = {v: gradients[v] for v in nodes if isinstance(v, Variable) and v in gradients}
    steps += [Step(u, variable, (), "read off") for variable, u in found.items()]
    return Derivation(output, upstream, tuple(steps), found)


def _live(nodes: list[Node]) -> set[Node]:
    """Return the nodes whose differential is not 0."""
    live: set[Node] = set()
    for node in nodes:
        if isinstance(node, Variable):
            is_live = not node.is_fixed
        else:
            pairs = zip(node.cotangents(Variable("u", node.shape)), node.children, strict=True)
            is_live = any(moved is not None and child in live for moved, child in pairs)
        if is_live:
            live.add(node)
    return live


def _total(terms: list[Node]) -> Node:
    found = terms[0]
    for one in terms[1:]:
        found = found + one
    return found


def _given_a_name(u: Node, node: Node, steps: list[Step]) -> Node:
    """Name the cotangent of a node that has a name, and one that is long; return its symbol."""
    if isinstance(u, Variable):
        return u
    if node.name is None and len(u.written("text")) <= LONG:
        return u
    number = 1 + sum(step.name is not None for step in steps)
    defined = Variable(f"g_{node.name or number}", node.shape)
    steps.append(Step(u, defined, (), f"let, for dL/d{node.name or 'that'}", defined.name))
    return defined
