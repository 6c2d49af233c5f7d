"""The forward pass of every registered layer, in nodes.

A builder gets the case and what was recorded of it: the pair of passes, its tensors and constants.
Axes of any length are dimensions: N samples, D features, U units, C channels, F filters. Height
and width of a picture stay numbers where a window slides over it, since which pixels a window
meets depends on them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dlmath.derivation.entrywise_functions import (
    Clip,
    Erf,
    Exp,
    IsPositive,
    Log,
    Ones,
    Power,
    times,
)
from dlmath.derivation.nodes import (
    Broadcast,
    Coefficient,
    Node,
    Reshape,
    Scale,
    Sum,
    Variable,
)
from dlmath.derivation.row_functions import Normalized, Sigmoid, Softmax, Tanh
from dlmath.derivation.sizes import Length, dimension, product
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.layers import HandDerived, activations, loss_functions

HALF = Fraction(1, 2)
# What each argument of a forward pass is called in a formula.
SYMBOLS = {"kernel": "W", "bias": "b", "y_true": "y", "y_pred": "p"}
DIMENSIONS = {2: "ND", 3: "NTD", 4: "NHWC"}


@dataclass(frozen=True)
class ForwardPass:
    """A forward pass in nodes, and what it is the forward pass of.

    Attributes:
        output: y.
        tensors: The variables by the names that `forward` of the pair gives them.
        pair: The code of the forward and the backward pass.
        constants: The fixed variables by the names of its further arguments.
        closed_forms: From g, gradients by name as they are usually written.
    """

    output: Node
    tensors: dict[str, Variable]
    pair: HandDerived
    constants: dict[str, Any] = field(default_factory=dict)
    closed_forms: Callable[[Node], dict[str, Node]] | None = None


Builder = Callable[[Case, Differentiable], ForwardPass]


def variable(
    name: str, shape: Sequence[Length | tuple[Length, ...]], *, is_fixed: bool = False
) -> Variable:
    """Return a variable under the symbol of its argument."""
    return Variable(SYMBOLS.get(name, name), shape, is_fixed=is_fixed)


def generic(rank: int) -> tuple[Length, ...]:
    """Return a shape of any lengths: (N, D), (N, T, D) or (N, H, W, C)."""
    return tuple(map(dimension, DIMENSIONS[rank]))


def rank_of(recorded: Differentiable, name: str = "x") -> int:
    """Return the number of axes of a recorded tensor."""
    return len(recorded.tensors[name].shape)


def along(a: Node, axes: Sequence[int], shape: Sequence[Length]) -> Node:
    """Return a tensor given along some axes of a shape, spread over the others."""
    others = [axis for axis in range(len(shape)) if axis not in axes]
    return Broadcast(a, others, [shape[axis] for axis in others]) if others else a


def fraction(value: float) -> Fraction:
    """Return the fraction that is written for a float."""
    return Fraction(repr(float(value)))


def dense(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return y = x W + 1 b on rows."""
    shape = generic(rank_of(recorded))
    features, units = shape[-1], dimension("U")
    x, kernel = variable("x", shape), variable("kernel", (features, units))
    rows = Reshape(x, (product(shape[:-1]), features)) if len(shape) > 2 else x
    tensors = {"x": x, "kernel": kernel}
    y = rows @ kernel
    if "bias" in recorded.tensors:
        tensors["bias"] = variable("bias", (units,))
        y = y + along(tensors["bias"], [1], y.shape)
    y = Reshape(y, (*shape[:-1], units)) if len(shape) > 2 else y
    return ForwardPass(y, tensors, recorded.pair)


def relu(function: activations.Relu, x: Node) -> Node:
    """Return max(x, 0) in its general form, by steps."""
    slope, threshold, cap = (
        fraction(value or 0.0)
        for value in (function.negative_slope, function.threshold, function.max_value)
    )
    ones = Ones(x.shape)
    shifted = x - times(threshold, ones) if threshold else x
    right = IsPositive(shifted)
    y = x * right
    if slope:
        y = y + times(slope, shifted) * (ones - right)
    if function.max_value is not None:
        y.called("z")
        below = IsPositive(times(cap, ones) - y)
        y = y * below + times(cap, ones - below)
    return y


def gelu(x: Node) -> Node:
    """Return x Phi(x) with Phi(x) = (1 + erf(x / sqrt 2)) / 2."""
    root = Coefficient(Fraction(1), (), (("2", -HALF),))
    return x * times(HALF, Ones(x.shape) + Erf(Scale(root, x)))


_ACTIVATIONS: dict[type, Callable[[Any, Node], Node]] = {
    activations.Relu: relu,
    activations.Sigmoid: lambda _, x: Sigmoid(x),
    activations.Tanh: lambda _, x: Tanh(x),
    activations.Silu: lambda _, x: x * Sigmoid(x),
    activations.Gelu: lambda _, x: gelu(x),
    activations.Softmax: lambda one, x: Softmax(x, _listed(one.axis)).called("S"),
}


def _listed(axis: int | Sequence[int]) -> Sequence[int]:
    return [axis] if isinstance(axis, int) else axis


def activation(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return an activation function, entry by entry or over rows."""
    layer: Any = recorded.pair
    name = getattr(layer, "activation", None)
    function = activations.ACTIVATIONS[name] if name else getattr(layer, "function", None)
    x = variable("x", generic(rank_of(recorded)))
    y = times(1, x) if function is None else _ACTIVATIONS[type(function)](function, x)
    return ForwardPass(y, {"x": x}, recorded.pair)


def dropout(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return m * x with the mask m drawn."""
    shape = generic(rank_of(recorded))
    x, mask = variable("x", shape), variable("m", shape, is_fixed=True)
    return ForwardPass(mask * x, {"x": x}, recorded.pair, {"mask": mask})


def flatten(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return each sample as a row."""
    shape = generic(rank_of(recorded))
    x = variable("x", shape)
    return ForwardPass(Reshape(x, (shape[0], product(shape[1:]))), {"x": x}, recorded.pair)


def global_average(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return the mean over height and width."""
    shape = generic(4)
    x = variable("x", shape)
    y: Node = Scale(Coefficient(Fraction(1), shape[1:3]), Sum(x, (1, 2)))
    if recorded.pair.keepdims:  # type: ignore[attr-defined]
        y = Reshape(y, (shape[0], 1, 1, shape[3]))
    return ForwardPass(y, {"x": x}, recorded.pair)


def layer_normalization(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return gamma * xhat + beta, normalised over the axes of the features."""
    layer: Any = recorded.pair
    shape = generic(rank_of(recorded))
    axes = [axis % len(shape) for axis in _listed(layer.axis)]
    x = variable("x", shape)
    xhat = Normalized(x, axes, fraction(layer.epsilon)).called("xhat")
    return _scaled_and_shifted(recorded, x, xhat, axes)


def batch_normalization(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return gamma * xhat + beta for each channel, by the batch's statistics or by given ones."""
    layer: Any = recorded.pair
    shape = generic(rank_of(recorded))
    channel = layer.axis % len(shape)
    others = [axis for axis in range(len(shape)) if axis != channel]
    x = variable("x", shape)
    epsilon = fraction(layer.epsilon)
    if recorded.constants.get("statistics") is None:
        xhat: Node = Normalized(x, others, epsilon).called("xhat")
        return _scaled_and_shifted(recorded, x, xhat, [channel])
    mean, variance = (variable(n, (shape[channel],), is_fixed=True) for n in ("mu", "v"))
    root = Power(variance + times(epsilon, Ones(variance.shape)), -HALF).called("r")
    xhat = (x - along(mean, [channel], shape)) * along(root, [channel], shape)
    statistics = {"statistics": (mean, variance)}
    return _scaled_and_shifted(recorded, x, xhat.called("xhat"), [channel], statistics)


def _scaled_and_shifted(
    recorded: Differentiable,
    x: Variable,
    xhat: Node,
    axes: Sequence[int],
    constants: Mapping[str, Any] | None = None,
) -> ForwardPass:
    tensors, y = {"x": x}, xhat
    lengths = [x.shape[axis] for axis in axes]
    if "gamma" in recorded.tensors:
        tensors["gamma"] = variable("gamma", lengths)
        y = along(tensors["gamma"], axes, x.shape) * xhat
    if "beta" in recorded.tensors:
        tensors["beta"] = variable("beta", lengths)
        y = y + along(tensors["beta"], axes, x.shape)
    return ForwardPass(y, tensors, recorded.pair, dict(constants or {}))


def loss(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return the loss of each sample, a function of the truth y and the prediction p."""
    function: Any = recorded.pair
    shape = (dimension("N"), dimension("K"))
    y, p = variable("y_true", shape), variable("y_pred", shape)
    output = _LOSSES[type(function)](function, y, p).called("l")
    closed = None
    if isinstance(function, loss_functions.SoftmaxCrossEntropy):
        closed = _closed_softmax_cross_entropy(y, p)
    return ForwardPass(output, {"y_true": y, "y_pred": p}, recorded.pair, closed_forms=closed)


def _closed_softmax_cross_entropy(y: Node, p: Node) -> Callable[[Node], dict[str, Node]]:
    """Return g ((sum of y) S - y), which is g (S - y) where the truth sums to 1."""

    def closed(g: Node) -> dict[str, Node]:
        mass = along(Sum(y, (-1,)), [0], p.shape)
        gap = mass * Softmax(p, (-1,)).called("S") - y
        return {"y_pred": along(g, [0], p.shape) * gap}

    return closed


def _mean_of_row(a: Node) -> Node:
    return Scale(Coefficient(Fraction(1), (a.shape[-1],)), Sum(a, (-1,)))


def _squared(function: Any, y: Node, p: Node) -> Node:
    return _mean_of_row(Power(p - y, 2))


def _softmax_cross_entropy(function: Any, y: Node, p: Node) -> Node:
    return times(-1, Sum(y * Log(Softmax(p, (-1,)).called("S")), (-1,)))


def _categorical(function: Any, y: Node, p: Node) -> Node:
    total = Sum(p, (-1,))
    q = (p * Power(along(total, [0], p.shape), -1)).called("q")
    kept = Clip(q, function.epsilon, 1 - function.epsilon)
    return times(-1, Sum(y * Log(kept), (-1,)))


def _sigmoid_cross_entropy(function: Any, y: Node, p: Node) -> Node:
    return _mean_of_row(Log(Ones(p.shape) + Exp(p)) - y * p)


def _binary(function: Any, y: Node, p: Node) -> Node:
    kept = Clip(p, function.epsilon, 1 - function.epsilon).called("q")
    ones = Ones(p.shape)
    return _mean_of_row(times(-1, y * Log(kept)) - (ones - y) * Log(ones - kept))


_LOSSES: dict[type, Callable[[Any, Node, Node], Node]] = {
    loss_functions.SquaredError: _squared,
    loss_functions.SoftmaxCrossEntropy: _softmax_cross_entropy,
    loss_functions.CategoricalCrossEntropy: _categorical,
    loss_functions.SigmoidCrossEntropy: _sigmoid_cross_entropy,
    loss_functions.BinaryCrossEntropy: _binary,
}


def penalty(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return a penalty on the entries: l2 sum x^2 or l1 sum |x|."""
    one: Any = recorded.pair
    x = variable("x", generic(rank_of(recorded)))
    axes = range(len(x.shape))
    if case.kind == "L2":
        y = times(fraction(one.l2), Sum(Power(x, 2), axes))
    else:
        signs = IsPositive(x) - IsPositive(times(-1, x))
        y = times(fraction(one.l1), Sum(x * signs, axes))
    return ForwardPass(y, {"x": x}, recorded.pair)
