"""Pass pairs: a forward pass, its hand-written backward pass, and a point to check them at.

`layer_passes` makes one of a layer: its weights are made random, and one real call is recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath.errors import UserError
from dlmath.layers import HandDerived, Layer

Tensors = dict[str, tf.Tensor]


@dataclass(frozen=True)
class PassPair:
    """A pair of passes, and the float64 tensors and constants to call them with.

    Args:
        pair: What has `forward` and `backward`.
        tensors: The values of the tensors that `forward` takes, by name.
        constants: Its keyword-only arguments: flags and masks.
        reference: The same function by other means (Keras's layer), of the same named tensors.
        examined: The tensors whose gradients are looked at; by default all.
    """

    pair: HandDerived
    tensors: Tensors
    constants: dict[str, Any] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    examined: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors whose gradients are looked at."""
        return self.examined or tuple(self.tensors)

    def plain(self, tensors: Tensors) -> list[tf.Tensor]:
        """Return the outputs by the forward pass only; the tape sees through it."""
        return tf.nest.flatten(self.pair.forward(**tensors, **self.constants)[0])

    def wired(self, tensors: Tensors) -> list[tf.Tensor]:
        """Return the outputs as a model computes them, with the backward pass as their gradient."""
        return tf.nest.flatten(self.pair.differentiable(tensors, **self.constants)[0])

    def by_reference(self, tensors: Tensors) -> list[tf.Tensor]:
        """Return the outputs by the reference."""
        assert self.reference is not None
        return tf.nest.flatten(self.reference(**tensors))

    def by_hand(self, upstream: list[tf.Tensor]) -> Tensors:
        """Return the gradients by the hand-written backward pass, called directly."""
        _, cache = self.pair.forward(**self.tensors, **self.constants)
        gradients = self.pair.backward(cache, *upstream)
        return {name: tf.convert_to_tensor(gradients[name]) for name in self.tensors}


def tape_gradients(
    function: Callable[[Tensors], list[tf.Tensor]], tensors: Tensors, upstream: list[tf.Tensor]
) -> Tensors:
    """Return the gradients of sum of <output, upstream> by the tape; zero where nothing depends."""
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = function(tensors)
    return tape.gradient(
        outputs,
        tensors,
        output_gradients=upstream,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def random_upstream(passes: PassPair, random: np.random.Generator) -> list[tf.Tensor]:
    """Return a random gradient for every output.

    Never ones: for softmax and normalisation the gradient under a constant one is truly zero, and a
    backward pass that returns zeros would pass.
    """
    return [normal_like(output, random) for output in passes.plain(passes.tensors)]


def normal_like(x: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """Standard normal numbers in the shape and dtype of x."""
    return tf.constant(random.normal(size=x.shape), x.dtype)


def inner(a: list[tf.Tensor], b: list[tf.Tensor]) -> tf.Tensor:
    """Return the inner product of two lists of tensors: the sum of <a_i, b_i>."""
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(a, b, strict=True)])


def spread(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Numbers in (-2, 2), evenly spaced, in random order.

    No two are equal and none is 0: the steps of the oracles cross neither the kink of a ReLU nor
    the tie of a maximum.
    """
    size = int(np.prod(shape))
    return ((random.permutation(size) + 0.5) / size * 4 - 2).reshape(shape)


def layer_passes(
    layer: Layer,
    inputs: np.ndarray,
    random: np.random.Generator,
    *,
    call: dict[str, Any] | None = None,
    keras_layer: keras.layers.Layer | None = None,
) -> PassPair:
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
    return PassPair(layer, tensors, constants, reference)


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
