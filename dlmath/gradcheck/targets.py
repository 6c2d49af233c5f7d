"""The targets of `check`: a name, a class, a layer, a function, or where to import one."""

import importlib
import inspect
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.errors import UserError, did_you_mean
from dlmath.gradcheck.cases import IMAGES, LARGE, ROWS, TINY, Case
from dlmath.gradcheck.contract import called, raised
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.gradcheck.layer_recording import recorded_layer, spread
from dlmath.gradcheck.registry import CASES, kinds
from dlmath.layers import Function, HandDerived, Layer

# Shapes that a layer of unknown purpose is tried on, in this order.
SHAPES = (ROWS, (2, 3, 4), IMAGES)


@dataclass(frozen=True)
class OwnCase:
    """A user's own layer or function, without a reference."""

    pair: HandDerived
    inputs: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    keras_tolerance: float | None = None

    @property
    def kind(self) -> str:
        return type(self.pair).__name__

    @property
    def name(self) -> str:
        return self.kind

    def subject(self, random: np.random.Generator) -> Differentiable:
        pair = self.pair
        if isinstance(pair, Layer):
            layer = called(pair, lambda: _in_float64(pair))
            return self._recorded_layer(layer, random)
        values = {
            name: self.inputs.get(name, spread(ROWS, random)) for name in self.pair.tensor_names()
        }
        return Differentiable(
            self.pair,
            {n: tf.constant(self.scale * np.asarray(v), "float64") for n, v in values.items()},
        )

    def _recorded_layer(self, layer: Layer, random: np.random.Generator) -> Differentiable:
        if self.inputs:
            given = np.asarray(next(iter(self.inputs.values())))
            return called(layer, lambda: recorded_layer(layer, self.scale * given, random))
        problems = []
        for shape in SHAPES:
            x = self.scale * spread(shape, random)
            try:
                # Some layers have a training mode, and some need it to do anything at all.
                call = {"training": True} if _takes_training(layer) else {}
                return recorded_layer(_in_float64(layer), x, random, call=call)
            except (ValueError, IndexError, tf.errors.InvalidArgumentError) as error:
                problems.append(raised(error, layer))
            except UserError:
                raise
            except Exception as error:  # no other shape would help
                raise raised(error, layer) from error
        if self.scale != 1.0:  # an extreme: it can be called on other numbers
            raise problems[-1]
        raise UserError(
            f"{self.kind} cannot be called on an input of any of the shapes {SHAPES}. "
            f"Received: {problems[-1]}. Call dlmath.gradcheck.check(layer, inputs={{'x': value}}) "
            "with an input that it takes."
        )

    def extremes(self) -> dict[str, Case]:
        if self.inputs:  # far from them the function may have no business
            return {}
        return {
            "large": replace(self, scale=LARGE),
            "tiny": replace(self, scale=TINY),
            "zero": replace(self, scale=0.0),
        }


def cases_of(target: Any, inputs: dict[str, Any] | None = None) -> list[Case]:
    """The cases that a target stands for; None stands for all that are registered.

    Raises:
        UserError: The target stands for none.
    """
    if target is None:
        return list(CASES)
    if isinstance(target, str):
        if ":" in target:
            return cases_of(imported(target), inputs)
        return _registered(target)
    if inspect.isclass(target) and issubclass(target, (Layer, Function)):
        target = _made(target)
    if isinstance(target, HandDerived):
        return [OwnCase(target, inputs or {})]
    if hasattr(target, "subject") and hasattr(target, "extremes"):
        return [target]
    raise UserError(
        "Only a subclass of dlmath.layers.Layer or dlmath.layers.Function, or an instance of one, "
        f"can be checked. Received: {target!r}"
    )


def imported(path: str) -> Any:
    """Import the object that "module:Name" names; modules of the current folder are found too.

    Raises:
        UserError: There is no such module, or nothing of that name in it.
    """
    module_name, _, name = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the module raises while it runs
        said = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise UserError(
            f"Cannot import {module_name!r}: {said}. Received: {path!r}. "
            "Give module:Name, with the module in this folder or installed."
        ) from error
    if not hasattr(module, name):
        raise UserError(
            f"The module {module_name!r} has no {name!r}. Received: {path!r}."
            f"{did_you_mean(name, vars(module))}"
        )
    return getattr(module, name)


def _registered(kind: str) -> list[Case]:
    found = [case for case in CASES if case.kind.lower() == kind.lower()]
    if not found:
        raise UserError(
            f"No layer of that name is registered. Received: {kind!r}."
            f"{did_you_mean(kind, kinds())} Known: {', '.join(kinds())}. "
            "For a layer of your own give module:Name."
        )
    return found


def _made(kind: type) -> HandDerived:
    try:
        return kind()
    except TypeError as error:
        raise UserError(
            f"{kind.__name__} cannot be built without arguments: {error}. "
            "Name an instance instead, for example one made at the end of its module."
        ) from error
    except Exception as error:
        raise UserError(
            f"{kind.__name__} cannot be built: its __init__ raised {type(error).__name__}: {error}"
        ) from error


def _takes_training(layer: Layer) -> bool:
    return "training" in inspect.signature(layer.call).parameters


def _in_float64(layer: Layer) -> Layer:
    """A new layer of the same config that computes in float64."""
    return type(layer).from_config({**layer.get_config(), "dtype": "float64"})
