"""The call of a layer as a function of named tensors, however many inputs and passes it has."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath.errors import UserError
from dlmath.gradcheck.differentiable import Tensors, plain_forwards, tape_gradients
from dlmath.layers import HandDerived

Maker = Callable[[str], keras.layers.Layer]  # makes a new layer that computes in the dtype


@dataclass(frozen=True)
class LayerCall:
    """A built layer with all that its call depends on.

    Args:
        layer: The layer, of Keras or of `dlmath.layers`.
        inputs: The positional arguments of the call, nested as the layer takes them.
        options: Its keyword arguments: flags, masks, initial states.
        state: The value of every variable of the layer, in the order of `layer.variables`.
        reference: The same call of the layer that this one is compared with, if there is one.
    """

    layer: keras.layers.Layer
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    state: list[tf.Tensor]
    reference: "LayerCall | None" = None

    @property
    def leaves(self) -> list[Any]:
        """Every argument of the call, flattened: tensors, flags, None."""
        return tf.nest.flatten((self.inputs, self.options))

    @property
    def takes_training(self) -> bool:
        """Return whether the layer has a training mode."""
        return takes(self.layer, "training")

    @property
    def real_places(self) -> list[int]:
        """Return the places of the real variables in `layer.variables`, and so in the state."""
        real = {id(variable) for variable in real_variables(self.layer)}
        return [place for place, v in enumerate(self.layer.variables) if id(v) in real]

    def real_leaves(self) -> list[int]:
        """Return the places of the arguments that are tensors of real numbers."""
        return [
            place
            for place, leaf in enumerate(self.leaves)
            if isinstance(leaf, tf.Tensor) and leaf.dtype.is_floating
        ]

    def with_leaves(self, leaves: list[Any]) -> "LayerCall":
        """Return the same call on other arguments, given flattened."""
        inputs, options = tf.nest.pack_sequence_as((self.inputs, self.options), leaves)
        theirs = None if self.reference is None else self.reference.with_leaves(leaves)
        return replace(self, inputs=inputs, options=options, reference=theirs)

    def with_options(self, **options: Any) -> "LayerCall":
        """Return the same call with some keyword arguments set."""
        theirs = None if self.reference is None else self.reference.with_options(**options)
        return replace(self, options={**self.options, **options}, reference=theirs)

    def run(self, weights: dict[int, tf.Tensor] | None = None) -> tuple[Any, list[tf.Tensor]]:
        """Call the layer; return its outputs and the variables that do not train, as they are then.

        Args:
            weights: Values in the place of the state's, by place in `real_variables`.
        """
        values = list(self.state)
        for place, value in (weights or {}).items():
            values[self.real_places[place]] = value
        place_of = {id(variable): place for place, variable in enumerate(self.layer.variables)}
        trainable, fixed = (
            [values[place_of[id(variable)]] for variable in variables]
            for variables in (self.layer.trainable_variables, self.layer.non_trainable_variables)
        )
        options = {
            name: value
            for name, value in self.options.items()
            if name != "training" or self.takes_training
        }
        return self.layer.stateless_call(trainable, fixed, *self.inputs, **options)

    def value(self, place: int) -> tf.Tensor:
        """Return the value of the real variable at a place in `real_variables`."""
        return self.state[self.real_places[place]]


def real_variables(layer: keras.layers.Layer) -> list[Any]:
    """Return the variables of a layer that hold real numbers: not its random seeds."""
    return [v for v in layer.variables if tf.as_dtype(v.dtype).is_floating]


def takes(layer: keras.layers.Layer, argument: str) -> bool:
    """Return whether the call of a layer has an argument of that name."""
    return argument in inspect.signature(layer.call).parameters


def built(
    layer: keras.layers.Layer,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    state: list[Any] | None,
) -> LayerCall:
    """Build a layer by one call, and give its variables the values of `state`, if there are any."""
    layer(*inputs, **options)
    if state is not None:
        assign(layer, state)
    kept = [tf.constant(variable.numpy()) for variable in layer.variables]
    return LayerCall(layer, inputs, options, kept)


def assign(layer: keras.layers.Layer, state: list[Any]) -> None:
    """Give the variables of a layer these values, in their order, random seeds apart.

    The seeds are given too where there are as many; a reference may have some that it never uses.

    Raises:
        UserError: The real variables are not as many, or of other shapes.
    """
    real = real_variables(layer)
    values = [value for value in state if np.asarray(value).dtype.kind == "f"]
    shapes, given = ([tuple(np.shape(value)) for value in one] for one in (real, values))
    if shapes != given:
        raise UserError(
            f"The reference {type(layer).__name__} must have the same variables as the layer, in "
            f"the same order. Received: shapes {shapes}, and {given} of the layer. "
            "A function of the layer's tensors by name may be given as the reference instead."
        )
    for variable, value in zip(real, values, strict=True):
        variable.assign(value)
    if len(layer.variables) == len(state):
        for variable, value in zip(layer.variables, state, strict=True):
            variable.assign(value)


class NamedCall:
    """A call with names for its real inputs and for the weights that train.

    Args:
        call: The call.
        inputs: The place in `call.leaves` of each input by name.
        weights: The place in `real_variables` of each weight by name.
    """

    def __init__(self, call: LayerCall, inputs: dict[str, int], weights: dict[str, int]):
        self.call = call
        self.inputs = inputs
        self.weights = weights

    def __call__(self, **tensors: tf.Tensor) -> Any:
        """Return the outputs of the call at these tensors."""
        return self.run(tensors)[0]

    def run(self, tensors: Tensors) -> tuple[Any, list[tf.Tensor]]:
        """Return the outputs at these tensors, and the variables that do not train."""
        leaves = list(self.call.leaves)
        for name, place in self.inputs.items():
            leaves[place] = tensors[name]
        weights = {place: tensors[name] for name, place in self.weights.items()}
        return self.call.with_leaves(leaves).run(weights)

    def tensors(self) -> Tensors:
        """Return the tensors that the names stand for."""
        leaves = self.call.leaves
        inputs = {name: leaves[place] for name, place in self.inputs.items()}
        return {**inputs, **{name: self.call.value(p) for name, p in self.weights.items()}}

    def of(self, call: LayerCall) -> "NamedCall":
        """Return the same names for another call of the same form."""
        return NamedCall(call, self.inputs, self.weights)


def named(call: LayerCall) -> NamedCall:
    """Name the real inputs of a call by their arguments, and its weights as they are named."""
    parameters = list(inspect.signature(call.layer.call).parameters)
    # `tf.nest` has the values of a dictionary in the order of its keys.
    nested = {
        **dict(zip(parameters, call.inputs, strict=False)),
        **dict(sorted(call.options.items())),
    }
    inputs, place = {}, 0
    for argument, value in nested.items():
        leaves = tf.nest.flatten(value)
        for index in range(len(leaves)):
            if place in call.real_leaves():
                inputs[argument if len(leaves) == 1 else f"{argument}[{index}]"] = place
            place += 1
    places = {id(variable): place for place, variable in enumerate(real_variables(call.layer))}
    weights: dict[str, int] = {}
    for variable in call.layer.trainable_variables:
        taken = variable.name in weights or variable.name in inputs
        weights[variable.path if taken else variable.name] = places[id(variable)]
    return NamedCall(call, inputs, weights)


class WholeCall(HandDerived):
    """A whole call of a layer as one pair: the passes written by hand in it, and all around them.

    For layers that run their passes several times, or do more in `call` than hand their inputs on:
    `forward` runs the forward passes only, `backward` is the tape through the layer as it is.
    """

    def __init__(self, call: NamedCall):
        self.named = call
        self.layer = call.call.layer

    def tensor_names(self) -> tuple[str, ...]:
        return tuple(self.named.tensors())

    def forward(self, **tensors: tf.Tensor) -> tuple[Any, Tensors]:
        with plain_forwards():
            return self.named(**tensors), tensors

    def backward(self, cache: Tensors, *upstream: tf.Tensor) -> Tensors:
        return tape_gradients(
            lambda tensors: tf.nest.flatten(self.named(**tensors)), cache, list(upstream)
        )

    def differentiable(self, tensors: Tensors, **constants: Any) -> tuple[Any, Any]:
        return self.named(**tensors), None
