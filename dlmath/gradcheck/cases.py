"""A case: one way to call one layer, loss or regularizer, with Keras's class as its reference.

A case names a class of `dlmath.layers` and its arguments. The class of that name in Keras, given
the same arguments and weights, is what it is compared with.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from dlmath import layers
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.gradcheck.layer_recording import Recording, spread

IMAGES = (2, 5, 6, 2)
ROWS = (4, 5)
LARGE, TINY = 1e6, 1e-12

Draw = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]


def scaled(factor: float) -> Draw:
    """Draw numbers of the order of `factor`."""
    return lambda shape, random: factor * spread(shape, random)


def graded(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Draw numbers of both signs and all sizes from 1e-3 to 1e3, no two of them equal in size.

    They are evenly spaced on a logarithmic scale, and in random order.
    """
    size = int(np.prod(shape))
    sizes = 10 ** ((random.permutation(size) + 0.5) / size * 6 - 3)
    return (sizes * random.choice((-1.0, 1.0), size)).reshape(shape)


def graded_samples(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Draw samples with numbers of one size in each: from 1e-3 in the first to 1e3 in the last."""
    sizes = 10 ** np.linspace(-3, 3, shape[0])
    return spread(shape, random) * sizes.reshape(-1, *[1] * (len(shape) - 1))


def graded_probabilities(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Draw probabilities from 1e-6 to 1 - 1e-6, their logits evenly spaced, in random order."""
    return 1 / (1 + np.exp(-7 * spread(shape, random)))


# The extremes that are also tried in float32.
GRADED: dict[str, Draw] = {"of all sizes": graded, "of one size a sample": graded_samples}


def many(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with enough samples for numbers of all sizes."""
    return (24 if len(shape) == 2 else 8, *shape[1:])


def constant(value: float) -> Draw:
    """Draw the same number everywhere."""
    return lambda shape, random: np.full(shape, value)


def last_column(value: float) -> Draw:
    """Draw numbers of order 1 with `value` in the last place of every row."""

    def draw(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
        x = spread(shape, random)
        x[..., -1] = value
        return x

    return draw


def probabilities(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Draw numbers between 0.1 and 0.9."""
    return random.uniform(0.1, 0.9, shape)


def certainties(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Draw zeros, with a one in every row."""
    return np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]


class Case(Protocol):
    """An entry of the registry, as the checker needs it."""

    @property
    def kind(self) -> str:
        """The kind that several cases may share, such as the layer."""

    @property
    def name(self) -> str:
        """Unique among the cases."""

    @property
    def keras_tolerance(self) -> float | None:
        """The tolerance of the comparison with Keras, where Keras itself rounds."""

    def subject(self, random: np.random.Generator) -> Differentiable:
        """The pair of passes at a random point."""

    def extremes(self) -> "dict[str, Case]":
        """Variants at which only finiteness and the reference are checked, by a word for each."""


@dataclass(frozen=True)
class LayerCase:
    """One way to call one layer.

    Args:
        kind: Name of the class, in `dlmath.layers` and in `keras.layers`.
        arguments: Its constructor arguments.
        shape: Shape of the input.
        call: Further arguments of the call.
        draw: Draws the input.
        keras_tolerance: What the comparison with Keras may show, where Keras itself rounds.
        windows: Also check odd sizes with each padding and stride.
        lenient: In float32 it may lose the digits that Keras loses.
    """

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = ROWS
    call: dict[str, Any] = field(default_factory=dict)
    draw: Draw = spread
    keras_tolerance: float | None = None
    windows: bool = False
    lenient: bool = False

    @property
    def name(self) -> str:
        given = {**self.arguments, **self.call}
        return f"{self.kind}({', '.join(f'{key}={value}' for key, value in given.items())})"

    def layer(self, **options: Any) -> layers.Layer:
        """A new layer of ours."""
        return getattr(layers, self.kind)(**self.arguments, **options)

    def keras_layer(self, **options: Any) -> keras.layers.Layer:
        """A new layer of Keras with the same arguments."""
        return getattr(keras.layers, self.kind)(**self.arguments, **options)

    def subject(self, random: np.random.Generator) -> Differentiable:
        return Recording(
            make=lambda dtype: self.layer(dtype=dtype),
            inputs=(self.draw(self.shape, random),),
            options=self.call,
            reference=lambda dtype: self.keras_layer(dtype=dtype),
            lenient=self.lenient,
        ).subject(random)

    def extremes(self) -> dict[str, Case]:
        found: dict[str, Case] = {
            "large": replace(self, draw=scaled(LARGE)),
            "tiny": replace(self, draw=scaled(TINY)),
            "zero": replace(self, draw=scaled(0.0)),
            "one sample": replace(self, shape=(1, *self.shape[1:])),
            **_of_all_sizes(self),
        }
        softmax = self.kind == "Softmax"  # of one channel it is 1, and Keras warns of it
        if not softmax and self.arguments.get("groups", 1) == 1:
            found["one channel"] = replace(self, shape=(*self.shape[:-1], 1))
        if softmax and self.arguments.get("axis", -1) == -1:
            found["-inf"] = replace(self, draw=last_column(-np.inf))
        if self.arguments.get("max_value") == 6:  # where TensorFlow has an operation of its own
            found["at the cap"] = replace(self, draw=constant(6.0))
        if self.windows:
            for size in ((5, 7), (6, 3), (3, 3)):
                for padding in ("valid", "same"):
                    for strides in (1, 2, 3):
                        given = {**self.arguments, "padding": padding, "strides": strides}
                        label = f"{size[0]}x{size[1]} {padding} stride {strides}"
                        found[label] = replace(self, arguments=given, shape=(1, *size, 2))
        return found


def _of_all_sizes(case: Any) -> dict[str, Case]:
    """Return the variants of a case on more samples, of all sizes."""
    shape = many(case.shape)
    return {label: replace(case, shape=shape, draw=draw) for label, draw in GRADED.items()}


@dataclass(frozen=True)
class LossCase:
    """One loss, by its name in `dlmath.layers.losses` and in `keras.losses`.

    Args:
        kind: Name of the class.
        arguments: Its constructor arguments.
        shape: Shape of the truth and the prediction.
        draw: Draws the prediction.
        examined: Which gradients are looked at; by default both.
        keras_tolerance: As in `LayerCase`.
    """

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = ROWS
    draw: Draw = spread
    examined: tuple[str, ...] = ()
    keras_tolerance: float | None = None

    @property
    def name(self) -> str:
        return f"{self.kind}({', '.join(f'{k}={v}' for k, v in self.arguments.items())})"

    def subject(self, random: np.random.Generator) -> Differentiable:
        ours = getattr(layers.losses, self.kind)(**self.arguments)
        theirs = getattr(keras.losses, self.kind)(**self.arguments, reduction=None, dtype="float64")

        def reference(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            # Keras multiplies 0 by a logit of -inf; at -1e4 it has the limit.
            finite = tf.where(tf.math.is_inf(y_pred), tf.constant(-1e4, y_pred.dtype), y_pred)
            return theirs(y_true, finite)

        return Differentiable(
            ours.function,
            {
                "y_true": tf.constant(self._truth(random), "float64"),
                "y_pred": tf.constant(self.draw(self.shape, random), "float64"),
            },
            reference=reference,
            examined=self.examined,
        )

    def _truth(self, random: np.random.Generator) -> np.ndarray:
        """A soft truth of mass 1, with nothing where the prediction rules it out by -inf.

        Of mass 1, because TensorFlow's own fused gradient is right for no other.
        """
        truth = random.uniform(0.1, 1.0, self.shape)
        truth[self.draw(self.shape, np.random.default_rng(0)) == -np.inf] = 0
        return truth / truth.sum(axis=-1, keepdims=True)

    def extremes(self) -> dict[str, Case]:
        found: dict[str, Case] = {"one sample": replace(self, shape=(1, *self.shape[1:]))}
        if self.draw is probabilities:
            found["certain"] = replace(self, draw=certainties)
            label = next(iter(GRADED))
            found[label] = replace(self, draw=graded_probabilities, shape=many(self.shape))
            return found
        found["large"] = replace(self, draw=scaled(LARGE))
        found["tiny"] = replace(self, draw=scaled(TINY))
        found["zero"] = replace(self, draw=scaled(0.0))
        found.update(_of_all_sizes(self))
        if self.arguments.get("from_logits"):
            # dL/dy is +inf there, as it should be: only the other gradient is looked at.
            found["-inf"] = replace(self, draw=last_column(-np.inf), examined=("y_pred",))
        return found


@dataclass(frozen=True)
class PenaltyCase:
    """One regularizer, by its name in `dlmath.layers.regularizers` and `keras.regularizers`."""

    kind: str
    shape: tuple[int, ...] = ROWS
    draw: Draw = spread
    keras_tolerance: float | None = None

    @property
    def name(self) -> str:
        return f"{self.kind}()"

    def subject(self, random: np.random.Generator) -> Differentiable:
        factor = 0.25  # exact in float32, in which Keras keeps it
        return Differentiable(
            getattr(layers.regularizers, self.kind)(factor),
            {"x": tf.constant(self.draw(self.shape, random), "float64")},
            reference=getattr(keras.regularizers, self.kind)(factor),
        )

    def extremes(self) -> dict[str, Case]:
        return {
            "large": replace(self, draw=scaled(LARGE)),
            "tiny": replace(self, draw=scaled(TINY)),
            "zero": replace(self, draw=scaled(0.0)),
            **_of_all_sizes(self),
        }


@dataclass(frozen=True)
class MapCase:
    """A linear map as a layer: its backward pass is its adjoint.

    Args:
        kind: What to call it.
        make: Makes the map.
        shape: Shape of its input.
    """

    kind: str
    make: Callable[[], layers.LinearMap]
    shape: tuple[int, ...]
    keras_tolerance: float | None = None

    @property
    def name(self) -> str:
        return self.kind

    def subject(self, random: np.random.Generator) -> Differentiable:
        linear = self.make()
        pair = layers.Pair(lambda x: (linear(x), None), lambda _, g: {"x": linear.adjoint(g)})
        return Differentiable(pair, {"x": tf.constant(spread(self.shape, random))})

    def extremes(self) -> dict[str, Case]:
        return {}
