"""What is checked: a forward pass, its hand-written backward pass, and a point to check them at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.layers import HandDerived

Tensors = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Subject:
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
        """The outputs by the forward pass alone; the tape sees through it."""
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
        _, cache = self.pair.forward(**self.tensors, **self.constants)
        gradients = self.pair.backward(cache, *upstream)
        return {name: tf.convert_to_tensor(gradients[name]) for name in self.tensors}


def tape_gradients(
    function: Callable[[Tensors], list[tf.Tensor]], tensors: Tensors, upstream: list[tf.Tensor]
) -> Tensors:
    """The gradients of sum of <output, upstream> by the tape; zero where nothing depends."""
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = function(tensors)
    return tape.gradient(
        outputs,
        tensors,
        output_gradients=upstream,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def random_upstream(subject: Subject, random: np.random.Generator) -> list[tf.Tensor]:
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
