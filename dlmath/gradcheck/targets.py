"""The targets of `check`: a name, a class, a layer, a function, or where to import one."""

import importlib
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from dlmath.errors import UserError, did_you_mean
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.own_case import OwnCase, variants
from dlmath.gradcheck.registry import CASES, kinds
from dlmath.gradcheck.report import Row
from dlmath.layers import Function, HandDerived, Layer
from dlmath.terminal_text import quoted


def cases_of(
    target: Any,
    inputs: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    reference: Any = None,
    tolerance: float | None = None,
) -> list[Case]:
    """The cases that a target stands for; None stands for all that are registered.

    Raises:
        UserError: The target stands for none, or has a reference of its own already.
    """
    if isinstance(target, str) and ":" in target:
        target = imported(target)
    if inspect.isclass(target) and issubclass(target, (Layer, Function)):
        target = _made(target)
    if isinstance(target, HandDerived):
        target = OwnCase(
            target,
            inputs or {},
            options or {},
            _reference(reference),
            keras_tolerance=tolerance,
        )
    elif reference is not None:
        raise UserError(
            "A reference is for a layer or function of your own; registered layers are compared "
            f"with Keras's. Received: reference={reference!r} for {target!r}"
        )
    if isinstance(target, OwnCase):
        return list(variants(target))
    if target is None:
        return list(CASES)
    if isinstance(target, str):
        return _registered(target)
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


def _reference(given: Any) -> Any:
    """Return a reference as a layer or a function.

    Raises:
        UserError: It is neither.
    """
    if isinstance(given, str):
        given = imported(given)
    if inspect.isclass(given) and issubclass(given, (keras.layers.Layer, HandDerived)):
        given = _made(given)
    if given is not None and not callable(given):
        raise UserError(
            "A reference must be a layer, a function of the tensors by name, or module:Name of "
            f"one. Received: {given!r}"
        )
    return given


def check_some_gradients(cases: Iterable[Case], rows: Iterable[Row]) -> None:
    """Refuse a target of which no case ran a backward pass.

    Raises:
        UserError: There is one.
    """
    judged = {row.layer for row in rows}
    kinds_judged = {case.kind for case in cases if case.name in judged}
    for case in cases:
        if case.kind not in kinds_judged:
            raise UserError(
                f"{case.kind} runs no backward pass that was written by hand when it is called: "
                "its call must hand its inputs to self.apply. "
                f"Received: {getattr(case, 'options', {}) or 'no further arguments'}"
            )


def notes_on(cases: Iterable[Case]) -> tuple[str, ...]:
    """Return what limits the verdict on these cases, a sentence each."""
    bare = {c.kind: c for c in cases if isinstance(c, OwnCase) and c.reference is None}
    return tuple(
        f"{kind} was checked without a reference: its forward pass is taken as it is, and a wrong "
        "one with its exact derivative passes. Give what it must agree with: --reference "
        f"{quoted(f'keras.layers:{kind}' if hasattr(keras.layers, kind) else 'module:Name')}, or "
        "reference= in Python."
        for kind in bare
    )
