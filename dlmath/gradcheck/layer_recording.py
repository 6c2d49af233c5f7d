"""Differentiable passes recorded from layers: random weights, and one real call of each layer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath.gradcheck.differentiable import Differentiable, Tensors
from dlmath.gradcheck.layer_calls import (
    LayerCall,
    Maker,
    NamedCall,
    WholeCall,
    assign,
    built,
    named,
    real_variables,
    takes,
)
from dlmath.layers import HandDerived


class NothingToCheck(Exception):
    """Raised where a call runs no backward pass that was written by hand."""


def spread(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Numbers in (-2, 2), evenly spaced, in random order.

    No two are equal and none is 0: the steps of the oracles cross neither the kink of a ReLU nor
    the tie of a maximum.
    """
    size = int(np.prod(shape))
    return ((random.permutation(size) + 0.5) / size * 4 - 2).reshape(shape)


@dataclass(frozen=True)
class Recording:
    """What is recorded: a layer by its maker, and how it is called.

    Args:
        make: Makes a new layer that computes in a dtype.
        inputs: The positional arguments of its call, arrays in any nesting.
        options: The keyword arguments of its call.
        reference: A maker of the layer of Keras that it is compared with.
        function: A function of the layer's tensors by name that it is compared with.
        lenient: As in `Differentiable`.
    """

    make: Maker
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    reference: Maker | None = None
    function: Callable[..., Any] | None = None
    lenient: bool = False

    def subject(self, random: np.random.Generator) -> Differentiable:
        """Return the layer at random weights as a float64 subject.

        Raises:
            NothingToCheck: The call runs no pass that was written by hand.
        """
        layer = self.make("float64")
        self._call(layer, "float64")
        _randomize(layer, random)
        state = [variable.numpy() for variable in layer.variables]
        found = self._recorded(layer, state, "float64")

        def single() -> Differentiable:
            return self._recorded(self.make("float32"), state, "float32")

        return replace(found, single=single)

    def _call(self, layer: keras.layers.Layer, dtype: str) -> tuple[Any, tuple, dict[str, Any]]:
        inputs, options = _tensors((self.inputs, self.options), dtype)
        if takes(layer, "training"):
            options = {"training": False, **options}
        return layer(*inputs, **options), inputs, options

    def _recorded(self, layer: keras.layers.Layer, state: list[Any], dtype: str) -> Differentiable:
        _, inputs, options = self._call(layer, dtype)
        assign(layer, state)
        call = LayerCall(layer, inputs, options, _constants(layer))
        if self.reference is not None:
            theirs = built(self.reference(dtype), inputs, options, state)
            call = replace(call, reference=theirs)
        with _noted_runs() as runs:
            outputs, _, _ = self._call(layer, dtype)
        if not runs:
            raise NothingToCheck
        subject = _of_one_run(call, runs, outputs) or _of_whole_call(call)
        reference = self.function
        if call.reference is not None:
            assert subject.called is not None
            reference = subject.called.of(call.reference)
        return replace(subject, reference=reference, lenient=self.lenient)


def _constants(layer: keras.layers.Layer) -> list[tf.Tensor]:
    return [tf.constant(variable.numpy()) for variable in layer.variables]


def _tensors(values: Any, dtype: str) -> Any:
    """Return real arrays, in any nesting, as tensors of the dtype, other arrays as tensors."""

    def tensor(value: Any) -> Any:
        if value is None or isinstance(value, bool | str | int | float):
            return value
        array = np.asarray(value)
        return tf.constant(array, dtype) if array.dtype.kind == "f" else tf.constant(array)

    return tf.nest.map_structure(tensor, values)


def _randomize(layer: keras.layers.Layer, random: np.random.Generator) -> None:
    """Give every weight random values that float32 holds; a variance stays positive."""
    for weight in layer.weights:
        if "variance" in weight.name:
            values = random.uniform(0.5, 1.5, weight.shape)
        else:
            values = random.normal(size=weight.shape)
        weight.assign(np.asarray(values, "float32"))


@dataclass(frozen=True)
class Run:
    """One run of a pair of passes in a call."""

    pair: HandDerived
    tensors: Tensors
    constants: dict[str, Any]
    outputs: Any


@contextmanager
def _noted_runs() -> Iterator[list[Run]]:
    """Note every run of any pair in the block."""
    original, runs = HandDerived.differentiable, []

    def noting(self: HandDerived, tensors: Tensors, **constants: Any) -> Any:
        result = original(self, tensors, **constants)
        runs.append(Run(self, tensors, constants, result[0]))
        return result

    HandDerived.differentiable = noting  # type: ignore[method-assign]
    try:
        yield runs
    finally:
        HandDerived.differentiable = original  # type: ignore[method-assign]


def _of_one_run(call: LayerCall, runs: list[Run], outputs: Any) -> Differentiable | None:
    """Return the layer's own pair as it was run, if one run of it is all that the call does."""
    run = runs[0]
    if len(runs) > 1 or run.pair is not call.layer or not _same(run.outputs, outputs):
        return None
    inputs: dict[str, int] = {}
    weights: dict[str, int] = {}
    for name, x in run.tensors.items():
        place = _place_of_weight(call.layer, name)
        if place is not None:
            weights[name] = place
            continue
        free = [place for place in call.real_leaves() if place not in inputs.values()]
        places = [place for place in free if _same(call.leaves[place], x)]
        if not places:
            return None
        inputs[name] = places[0]
    called = NamedCall(call, inputs, weights)
    return Differentiable(run.pair, run.tensors, run.constants, called=called)


def _of_whole_call(call: LayerCall) -> Differentiable:
    names = named(call)
    return Differentiable(WholeCall(names), names.tensors(), called=names)


def _place_of_weight(layer: keras.layers.Layer, name: str) -> int | None:
    """Return the place in the variables of the weight of that name, if it is one that trains."""
    weight = getattr(layer, name, None)
    places = [p for p, variable in enumerate(real_variables(layer)) if variable is weight]
    trains = any(variable is weight for variable in layer.trainable_variables)
    return places[0] if places and trains else None


def _same(one: Any, other: Any) -> bool:
    """Return whether two nested tensors hold the same numbers."""
    a, b = tf.nest.flatten(one), tf.nest.flatten(other)
    return len(a) == len(b) and all(
        np.shape(x) == np.shape(y) and np.array_equal(x, y, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )
