"""Differentiable passes recorded from layers: random weights, and one real call of each layer."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath.errors import UserError
from dlmath.gradcheck.differentiable import Differentiable, Tensors
from dlmath.layers import Layer


def spread(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Numbers in (-2, 2), evenly spaced, in random order.

    No two are equal and none is 0: the steps of the oracles cross neither the kink of a ReLU nor
    the tie of a maximum.
    """
    size = int(np.prod(shape))
    return ((random.permutation(size) + 0.5) / size * 4 - 2).reshape(shape)


def recorded_layer(
    layer: Layer,
    inputs: np.ndarray,
    random: np.random.Generator,
    *,
    call: dict[str, Any] | None = None,
    keras_layer: keras.layers.Layer | None = None,
) -> Differentiable:
    """A float64 layer at random weights, as it is called with `inputs`.

    Args:
        layer: The layer, not yet called.
        inputs: Its input.
        random: Draws the weights.
        call: Further arguments of the call, such as `training`.
        keras_layer: The same layer of Keras, as the reference.
    """
    x = tf.constant(inputs, "float64")
    layer.build(x.shape)
    _randomize(layer, random)
    # Copied before the call, which moves seeds and statistics on.
    state = {variable.name: tf.constant(variable.numpy()) for variable in layer.variables}
    tensors, constants = _record(layer, x, call or {})
    reference = None
    if keras_layer is not None:
        keras_layer.build(x.shape)
        reference = keras_function(keras_layer, next(iter(tensors)), state, call or {})
    return Differentiable(layer, tensors, constants, reference)


def keras_function(
    layer: keras.layers.Layer, input_name: str, state: Tensors, call: dict[str, Any]
) -> Callable[..., tf.Tensor]:
    """A built Keras layer as a function of the named tensors, at the given state for the rest."""

    def function(**tensors: tf.Tensor) -> tf.Tensor:
        trainable = [tensors[variable.name] for variable in layer.trainable_variables]
        frozen = [state[variable.name] for variable in layer.non_trainable_variables]
        return layer.stateless_call(trainable, frozen, tensors[input_name], **call)[0]

    return function


def _randomize(layer: Layer, random: np.random.Generator) -> None:
    """Give every weight random values; a variance stays positive."""
    for weight in layer.weights:
        positive = "variance" in weight.name
        values = random.uniform(0.5, 1.5, weight.shape) if positive else None
        weight.assign(random.normal(size=weight.shape) if values is None else values)


def _record(layer: Layer, x: tf.Tensor, call: dict[str, Any]) -> tuple[Tensors, dict[str, Any]]:
    """Call the layer, and return the tensors and constants that reached its forward pass.

    Raises:
        UserError: The call did not go through `forward` exactly once.
    """
    original, seen = layer.differentiable, []

    def watch(tensors: Tensors, **constants: Any) -> Any:
        seen.append((tensors, constants))
        return original(tensors, **constants)

    layer.differentiable = watch  # type: ignore[method-assign]
    try:
        layer(x, **call)
    finally:
        del layer.differentiable
    if len(seen) != 1:
        raise UserError(
            f"{type(layer).__name__} ran its forward pass {len(seen)} times in one call. "
            f"Received: {call or 'no further arguments'}. Call it so that it runs once "
            "(a dropout, for example, with training=True)."
        )
    return seen[0]
