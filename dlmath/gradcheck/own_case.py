"""A layer or function of a user's own, and how it is called."""

import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath.errors import UserError
from dlmath.gradcheck.cases import GRADED, IMAGES, LARGE, ROWS, TINY, Case, Draw, many, scaled
from dlmath.gradcheck.contract import called, in_short, raised
from dlmath.gradcheck.differentiable import Differentiable, plain_forwards
from dlmath.gradcheck.layer_calls import takes
from dlmath.gradcheck.layer_recording import NothingToCheck, Recording, spread
from dlmath.layers import HandDerived, Layer

# Shapes and numbers of inputs that a layer of unknown purpose is tried on, in this order.
SHAPES = (ROWS, (2, 3, 4), IMAGES)
COUNTS = (1, 2, 3)
# Where a forward pass that returns one tensor is unpacked as (y, cache).
_OURS = {Path(inspect.getfile(one)) for one in (HandDerived, Differentiable)}
# What a layer raises that cannot take inputs of a shape.
_OTHER_SHAPE = (ValueError, IndexError, TypeError, tf.errors.InvalidArgumentError)

Inputs = tuple[Any, ...]


@dataclass(frozen=True)
class OwnCase:
    """A user's own layer or function.

    Args:
        pair: The layer or function.
        inputs: Values of its inputs by name; drawn where left out. A layer takes them in order.
        options: Further arguments of the call of a layer.
        reference: What it must agree with: a layer, or a function of the tensors by name.
        masked: Also give the call a random mask.
        shape: The shape of a drawn input of a layer; by default the first of some that it takes.
        count: The number of its inputs; by default the first that it takes.
        draw: Draws the inputs.
    """

    pair: HandDerived
    inputs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    reference: Any = None
    masked: bool = False
    shape: tuple[int, ...] | None = None
    count: int | None = None
    draw: Draw = spread
    keras_tolerance: float | None = None

    @property
    def kind(self) -> str:
        return type(self.pair).__name__

    @property
    def name(self) -> str:
        said = [f"{key}={value}" for key, value in self.options.items() if _is_flag(value)]
        said += ["mask"] if self.masked else []
        return f"{self.kind}({', '.join(said)})" if said else self.kind

    def subject(self, random: np.random.Generator) -> Differentiable:
        if isinstance(self.pair, Layer):
            return self._of_layer(self.pair, random)
        shape = ROWS if self.shape is None else self.shape
        values = {
            name: self.inputs.get(name, self.draw(shape, random))
            for name in self.pair.tensor_names()
        }
        tensors = {name: tf.constant(np.asarray(v), "float64") for name, v in values.items()}
        return Differentiable(self.pair, tensors, reference=self._function(), lenient=True)

    def _of_layer(self, layer: Layer, random: np.random.Generator) -> Differentiable:
        case = self.resolved
        inputs = case.drawn(random)
        recording = case.recording(inputs, case.options)
        if self.masked:
            recording = case.recording(
                inputs, {**case.options, "mask": _mask(case, inputs, random)}
            )
        return called(layer, lambda: recording.subject(random))

    def recording(self, inputs: Inputs, options: dict[str, Any]) -> Recording:
        """Return the layer, called like this, with its reference."""
        theirs = self.reference
        is_layer = isinstance(theirs, keras.layers.Layer)
        return Recording(
            make=lambda dtype: _again(self.pair, dtype),
            inputs=inputs,
            options=options,
            reference=(lambda dtype: _again(theirs, dtype)) if is_layer else None,
            function=None if is_layer else self._function(),
            lenient=True,
        )

    def _function(self) -> Callable[..., Any] | None:
        if isinstance(self.reference, HandDerived | keras.layers.Layer):
            return lambda **tensors: self.reference(*tensors.values())
        return self.reference

    @cached_property
    def resolved(self) -> "OwnCase":
        """The case with the shape and number of inputs that the layer takes.

        Raises:
            UserError: It takes none of those tried.
        """
        if self.shape is not None:
            return self
        if self.inputs:
            self._check_given()
            return self
        problems, layer, random = [], self.pair, np.random.default_rng(0)
        needed = len(_needed(layer))
        for count in COUNTS if needed == 1 else (needed,):
            for shape in SHAPES[1:] if self.masked else SHAPES:  # steps of a sequence
                case = replace(self, shape=shape, count=count)
                try:
                    case.recording(case.drawn(random), case.options).subject(random)
                    if not case.reads_samples_as_inputs(random):
                        return case
                except _OTHER_SHAPE as error:
                    problems.append(raised(error, layer))
                except (UserError, NothingToCheck):
                    raise
                except Exception as error:  # no other shape would help
                    raise raised(error, layer) from error
        said = problems[0] if problems else "it reads the samples of one tensor as several inputs"
        raise UserError(
            f"{self.kind} cannot be called on an input of any of the shapes {SHAPES}. "
            f"Received: {said}. Call dlmath.gradcheck.check(layer, inputs={{'x': value}}) "
            "with inputs that it takes, in their order."
        )

    def _check_given(self) -> None:
        """Refuse one tensor that was given to a layer of several inputs."""
        if self.reads_samples_as_inputs(np.random.default_rng(0)):
            raise UserError(
                f"{self.kind} reads the samples of one tensor as several inputs. Received: inputs "
                f"{', '.join(self.inputs)}. Give each input by a name of its own, in their order."
            )

    def reads_samples_as_inputs(self, random: np.random.Generator) -> bool:
        """Return whether the call unpacks the samples of its one input, or reads some only.

        A layer of two inputs does either with one tensor of two samples or more.
        """
        x, *others = tf.nest.flatten(self.drawn(random))
        if others or x.dtype.kind != "f" or not x.ndim:
            return False
        more = np.concatenate([x, x[:1] / 2])
        layer, samples = _again(self.pair, "float64"), len(more)
        try:
            # Both signs: a ReLU may read no entry of a sample.
            unread = [_unread_samples(layer, sign * more, self.options) for sign in (1, -1)]
        except Exception as error:  # whatever else it is, the checks will say
            place = traceback.extract_tb(error.__traceback__)[-1].filename
            return "to unpack" in in_short(error) and Path(place) not in _OURS
        return 0 < len(set.intersection(*unread)) < samples

    def drawn(self, random: np.random.Generator) -> Inputs:
        """Return the inputs as the call takes them: one, a list of several, or several."""
        if self.inputs:
            values = [np.asarray(value) for value in self.inputs.values()]
        else:
            assert self.shape is not None
            values = [self.draw(self.shape, random) for _ in range(self.count or 1)]
        if len(values) == 1 or len(_needed(self.pair)) > 1:
            return tuple(values)
        return (values,)

    def extremes(self) -> dict[str, Case]:
        if self.inputs:  # far from them the function may have no business
            return {}
        case = self.resolved if isinstance(self.pair, Layer) else self
        draws = {"large": scaled(LARGE), "tiny": scaled(TINY), "zero": scaled(0.0)}
        found: dict[str, Case] = {label: replace(case, draw=draw) for label, draw in draws.items()}
        shape = many(case.shape or ROWS)
        for label, draw in GRADED.items():
            found[label] = replace(case, draw=draw, shape=shape)
        return found


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | int | str)


def _again(layer: Any, dtype: str) -> Any:
    """Return a new layer of the same config that computes in the dtype."""
    return type(layer).from_config({**layer.get_config(), "dtype": dtype})


def _needed(layer: Any) -> list[str]:
    """Return the arguments of the call of a layer that have no default."""
    parameters = inspect.signature(layer.call).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional and p.default is p.empty]


def _unread_samples(layer: Any, x: np.ndarray, options: dict[str, Any]) -> set[int]:
    """Return the samples of x that no output depends on, by the tape."""
    given = tf.constant(x, "float64")
    with tf.GradientTape() as tape:
        tape.watch(given)
        with plain_forwards():
            outputs = tf.nest.flatten(layer(given, **options))
        total = tf.add_n([tf.reduce_sum(tf.math.sin(y)) for y in outputs])
    slopes = tape.gradient(total, given)
    if slopes is None:
        return set(range(len(x)))
    read = np.abs(slopes.numpy()).reshape(len(x), -1).any(axis=1)
    return set(np.flatnonzero(~read).tolist())


def _mask(case: OwnCase, inputs: Inputs, random: np.random.Generator) -> np.ndarray:
    """Return a random mask that the layer takes: for each step of a sequence, or each entry.

    Raises:
        NothingToCheck: The input has no steps, or the layer takes neither.
    """
    shape = np.shape(tf.nest.flatten(inputs)[0])
    if len(shape) < 3:  # of inputs that were given
        raise NothingToCheck
    for size in (shape[:2], shape):
        mask = random.random(size) < 0.6
        mask[:, 0] = True  # a sample with nothing in it has no answer
        mask[0, -1] = False
        try:
            case.recording(inputs, {**case.options, "mask": mask}).subject(random)
        except _OTHER_SHAPE:
            continue
        return mask
    raise NothingToCheck


def variants(case: OwnCase) -> list[OwnCase]:
    """Return the case in training and at inference, and with a mask, where its call knows them."""
    if not isinstance(case.pair, Layer):
        return [case]
    found = [case]
    if takes(case.pair, "training") and "training" not in case.options:
        found = [
            replace(case, options={**case.options, "training": training})
            for training in (True, False)
        ]
    if takes(case.pair, "mask") and "mask" not in case.options:
        found += [replace(one, masked=True) for one in found]
    return found
