"""The subject of a check: a forward pass, its hand-written backward pass, and a point."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dlmath.layers import HandDerived

if TYPE_CHECKING:
    from dlmath.gradcheck.layer_calls import NamedCall

Tensors = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Differentiable:
    """A pair of passes, and the float64 tensors and constants to call them with.

    Args:
        pair: What has `forward` and `backward`.
        tensors: The values of the tensors that `forward` takes, by name.
        constants: Its keyword-only arguments: flags and masks.
        reference: The same function by other means (Keras's layer), of the same named tensors.
        examined: The tensors whose gradients are looked at; by default all of real numbers.
        called: The call of the layer that the pair was recorded from; None for a function.
        single: Makes the same subject in float32; by default its tensors are cast.
        lenient: In float32 it may lose what the tape through its forward pass loses too.
    """

    pair: HandDerived
    tensors: Tensors
    constants: dict[str, Any] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    examined: tuple[str, ...] = ()
    called: "NamedCall | None" = None
    single: "Callable[[], Differentiable] | None" = None
    lenient: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors whose gradients are looked at."""
        return self.examined or tuple(n for n, x in self.tensors.items() if x.dtype.is_floating)

    def plain(self, tensors: Tensors) -> list[tf.Tensor]:
        """The outputs by only the forward pass; the tape sees through it."""
        return tf.nest.flatten(self.pair.forward(**tensors, **self.constants)[0])

    def wired(self, tensors: Tensors) -> list[tf.Tensor]:
        """The outputs as a model computes them, with the backward pass as their gradient."""
        return tf.nest.flatten(self.pair.differentiable(tensors, **self.constants)[0])

    def by_reference(self, tensors: Tensors) -> list[tf.Tensor]:
        """The outputs by the reference."""
        assert self.reference is not None
        return tf.nest.flatten(self.reference(**tensors))

    def by_hand(self, upstream: list[tf.Tensor]) -> Tensors:
        """The gradients by the hand-written backward pass, called directly."""
        return self.both_passes(upstream)[1]

    def both_passes(self, upstream: list[tf.Tensor]) -> tuple[list[tf.Tensor], Tensors]:
        """Return the outputs and the gradients, by hand."""
        outputs, cache = self.pair.forward(**self.tensors, **self.constants)
        gradients = self.pair.backward(cache, *upstream)
        found = {name: tf.convert_to_tensor(gradients[name]) for name in self.names}
        return [tf.convert_to_tensor(y) for y in tf.nest.flatten(outputs)], found

    def in_float32(self) -> "Differentiable":
        """Return the same subject with its tensors and constants in float32."""
        if self.single is not None:
            return self.single()
        return self.at(_cast(self.tensors, tf.float32), _cast(self.constants, tf.float32))

    def at(self, tensors: Tensors, constants: dict[str, Any]) -> "Differentiable":
        """Return the same passes at another point."""
        return replace(self, tensors=tensors, constants=constants)


def in_float64(values: Any) -> Any:
    """Return real tensors, in any structure, as float64, and other values as they are."""
    return _cast(values, tf.float64)


def _cast(values: Any, dtype: tf.DType) -> Any:
    def cast(value: Any) -> Any:
        is_real = isinstance(value, tf.Tensor) and value.dtype.is_floating
        return tf.cast(value, dtype) if is_real else value

    return tf.nest.map_structure(cast, values)


@contextmanager
def plain_forwards() -> Iterator[None]:
    """Let every pair run only its forward pass in the block, so that the tape sees through it."""
    original = HandDerived.differentiable

    def plain(self: HandDerived, tensors: Tensors, **constants: Any) -> Any:
        y, cache = self.forward(**tensors, **constants)
        return y, cache

    HandDerived.differentiable = plain  # type: ignore[method-assign]
    try:
        yield
    finally:
        HandDerived.differentiable = original  # type: ignore[method-assign]


def tape_gradients(
    function: Callable[[Tensors], list[tf.Tensor]], tensors: Tensors, upstream: list[tf.Tensor]
) -> Tensors:
    """The gradients of sum of <output, upstream> by the tape; zero where nothing depends."""
    real = {name: x for name, x in tensors.items() if x.dtype.is_floating}
    with tf.GradientTape() as tape:
        tape.watch(real)
        outputs = function(tensors)
    return gradients_of(tape, outputs, real, upstream)


def gradients_of(
    tape: tf.GradientTape, outputs: list[tf.Tensor], tensors: Tensors, upstream: list[tf.Tensor]
) -> Tensors:
    """Return a tape's gradients as tensors; zero where nothing depends."""
    found = tape.gradient(
        outputs,
        tensors,
        output_gradients=upstream,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    # Of a table that is read by place the tape has rows and their places.
    return {name: tf.convert_to_tensor(gradient) for name, gradient in found.items()}


def random_upstream(subject: Differentiable, random: np.random.Generator) -> list[tf.Tensor]:
    """A random gradient for every output.

    Never ones: for softmax and normalisation the gradient under a constant one is truly zero, and a
    backward pass that returns zeros would pass.
    """
    return [normal_like(output, random) for output in subject.plain(subject.tensors)]


def normal_like(x: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """Standard normal numbers in the shape and dtype of x."""
    return tf.constant(random.normal(size=x.shape), x.dtype)


def inner(a: list[tf.Tensor], b: list[tf.Tensor]) -> tf.Tensor:
    """The inner product of two lists of tensors: the sum of <a_i, b_i>."""
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(a, b, strict=True)])
