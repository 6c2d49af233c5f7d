"""The graph of a Keras model at the level of its layers, and the class of its memory.

Nodes are calls of layers, arcs go from a call to those that use its result, and a recurrent layer
has a loop: its state at one time step enters that of the next (Tsemo, lines 667-669). A network of
dense, convolutional or attention layers has no cycle: it is weakly equivalent to the empty graph,
and what it remembers ends with its inputs. An unrolled recurrent layer is the path of its time
steps, and has no cycle either, unless it is stateful, so that its last step enters the first of
the next batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from dlmath.errors import UserError
from dlmath.maths.graphs.cycles import inverse_zeta
from dlmath.maths.graphs.digraph import Digraph, graph_of
from dlmath.maths.graphs.weak_equivalences import core

ROW, COLUMN = 40, 220  # of the picture, in pixels


@dataclass(frozen=True)
class MemoryClass:
    """A model's graph and its cycles.

    Attributes:
        names: (nodes,), of the calls of layers; a nested model's are `model/layer`.
        graph: Its arcs run the way of the data.
    """

    names: tuple[str, ...]
    graph: Digraph

    @property
    def acyclic(self) -> bool:
        """Return whether the model has no cycle: finite memory, the class of the empty graph."""
        return not self.on_cycles

    @property
    def on_cycles(self) -> tuple[str, ...]:
        """The names of the nodes that lie on a cycle."""
        return tuple(self.names[node] for node in core(self.graph).on_nodes)

    @property
    def inverse_zeta(self) -> tuple[int, ...]:
        """The coefficients of det(I - u A), which are the homotopy class of the graph."""
        return inverse_zeta(self.graph)

    def text(self) -> str:
        """Return a line for each arc, and the verdict."""
        lines = [
            f"{self.names[source]} -> {self.names[target]}" for source, target in self.graph.arcs
        ]
        if self.acyclic:
            verdict = "Acyclic: its memory ends with its inputs. Homotopy class: the empty graph."
        else:
            verdict = (
                f"Cycles through {', '.join(self.on_cycles)}: its memory has no last step. "
                f"Homotopy class: det(I - uA) = {_polynomial(self.inverse_zeta)}."
            )
        return "\n".join([*lines, verdict])

    def svg(self) -> str:
        """Return a picture: a node a row in the order of the data, arcs at its side."""
        shapes = [
            f'<text x="{COLUMN}" y="{ROW * place + 30}" font-size="13" '
            f'font-family="sans-serif">{escape(name)}</text>'
            for place, name in enumerate(self.names)
        ]
        shapes += [self._curve(*ends) for ends in self.graph.arcs]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{3 * COLUMN}" '
            f'height="{ROW * len(self.names) + 20}" role="img"><title>Graph of the layers</title>'
            '<defs><marker id="tip" markerWidth="7" markerHeight="7" refX="6" refY="3" '
            'orient="auto"><path d="M0 0 6 3 0 6z"/></marker></defs>'
            f"{''.join(shapes)}</svg>\n"
        )

    def _curve(self, source: int, target: int) -> str:
        start, end = (ROW * node + 25 for node in (source, target))
        if source == target:
            start, end = start - 6, end + 6
        bend = COLUMN - 8 - min(30 + 12 * abs(target - source), COLUMN - 20)
        colour = "#d55e00" if target <= source else "#0072b2"
        return (
            f'<path d="M{COLUMN - 8} {start}C{bend} {start} {bend} {end} {COLUMN - 8} {end}" '
            f'fill="none" stroke="{colour}" marker-end="url(#tip)"/>'
        )


def memory_class(model: Any) -> MemoryClass:
    """Return the graph of a built Keras model, by its layers.

    Args:
        model: Functional or Sequential, possibly with such models inside. A layer of another kind
            is one node, with a loop if a recurrent layer is inside of it.

    Raises:
        UserError: The model has no graph of layers: it is not built, or its `call` is Python code.
    """
    names: list[str] = []
    arcs: list[tuple[int, int]] = []
    _append_model(model, "", names, arcs, {})
    return MemoryClass(tuple(names), graph_of(len(names), arcs))


def _append_model(
    model: Any,
    prefix: str,
    names: list[str],
    arcs: list[tuple[int, int]],
    given: dict[int, list[int]],
) -> list[list[int]]:
    """Append a model's nodes and arcs; return for each output the nodes that give it.

    Args:
        model: It.
        prefix: Of the names of its nodes.
        names: Of all nodes so far.
        arcs: All so far.
        given: Nodes by the id of the input tensor that they give, in a model inside another.
    """
    functional = _functional(model)
    made = dict(given)
    for node in _in_order(functional):
        if node.is_input:
            tensor = node.outputs[0]
            if id(tensor) not in made:
                names.append(prefix + node.operation.name)
                made[id(tensor)] = [len(names) - 1]
            continue
        entering = [made[id(tensor)] for tensor in node.arguments.keras_tensors]
        ends = _append_call(node.operation, prefix, names, arcs, entering)
        for place, tensor in enumerate(node.outputs):
            made[id(tensor)] = ends[place] if place < len(ends) else ends[-1]
    return [made[id(tensor)] for tensor in functional.outputs]


def _in_order(functional: Any) -> Iterator[Any]:
    """Yield the calls of a model in the order of its data."""
    for depth in sorted(functional._nodes_by_depth, reverse=True):
        yield from functional._nodes_by_depth[depth]


def _append_call(
    layer: Any,
    prefix: str,
    names: list[str],
    arcs: list[tuple[int, int]],
    entering: list[list[int]],
) -> list[list[int]]:
    import keras

    if isinstance(layer, (keras.models.Sequential, keras.models.Model)) and _has_graph(layer):
        inner = _functional(layer)
        given = {id(tensor): n for tensor, n in zip(inner.inputs, entering, strict=True)}
        return _append_model(layer, f"{prefix}{layer.name}/", names, arcs, given)
    parts = [layer]
    if isinstance(layer, keras.layers.Bidirectional):
        parts = [layer.forward_layer, layer.backward_layer]
    last = []
    for part in parts:
        label = prefix + layer.name + (f"/{part.name}" if part is not layer else "")
        first, end = _append_layer(part, label, names, arcs)
        arcs += [(source, place) for nodes in entering for source in nodes for place in first]
        last.append(end)
    return [last]


def _append_layer(
    layer: Any, label: str, names: list[str], arcs: list[tuple[int, int]]
) -> tuple[range, int]:
    """Append the nodes of a layer; return those that the data enter, and the one they leave."""
    begin, steps = len(names), _unrolled_steps(layer)
    uses = names.count(label) + sum(name.startswith(f"{label} (call ") for name in names)
    label = f"{label} (call {uses + 1})" if uses else label
    names += [f"{label} step {step}" for step in range(steps)] if steps > 1 else [label]
    end = len(names) - 1
    arcs += [(node, node + 1) for node in range(begin, end)]
    if _is_recurrent(layer) and (not steps or layer.stateful):
        arcs.append((end, begin))
    return range(begin, end + 1), end


def _unrolled_steps(layer: Any) -> int:
    """Return the number of time steps of an unrolled recurrent layer, 0 of others."""
    return int(layer.input.shape[1]) if getattr(layer, "unroll", False) else 0


def _is_recurrent(layer: Any) -> bool:
    import keras

    from dlmath.layers.recurrence import Recurrent

    if not isinstance(layer, keras.layers.Layer):  # an operation on tensors
        return False
    return any(isinstance(one, (keras.layers.RNN, Recurrent)) for one in layer._flatten_layers())


def _has_graph(model: Any) -> bool:
    return hasattr(getattr(model, "_functional", None) or model, "_nodes_by_depth")


def _functional(model: Any) -> Any:
    """Return the model that has the graph: of a Sequential one, the Functional in it."""
    if not _has_graph(model):
        raise UserError(
            "The graph of a model is read off its layers, which a built Functional or Sequential "
            f"model has. Received: {type(model).__name__}. Build it with `keras.Input` first, or "
            "write it as a Functional model."
        )
    return getattr(model, "_functional", None) or model


def _polynomial(coefficients: tuple[int, ...]) -> str:
    terms = [
        f"{'-' if c < 0 else '+'} {'' if abs(c) == 1 and k else abs(c)}"
        f"{'u' * bool(k)}{f'^{k}' if k > 1 else ''}"
        for k, c in enumerate(coefficients)
        if c
    ]
    return " ".join(terms).removeprefix("+ ")
