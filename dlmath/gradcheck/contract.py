"""What a pair of passes must do before its gradients can be compared with anything.

`forward` returns (y, cache), with real numbers in y, and the same for the same input; `backward`
returns a gradient for every tensor of `forward`, in its shape and dtype. A slip in this is told in
words: the oracles would only say that everything is wrong, or stumble over it.
"""

import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.errors import UserError
from dlmath.gradcheck.differentiable import Differentiable, random_upstream
from dlmath.gradcheck.layer_recording import NothingToCheck
from dlmath.layers import HandDerived, Pair

_WRAPPED_BY_KERAS = "Exception encountered when calling"
_OTHERS = ("dlmath", "keras", "tensorflow")  # packages that the author did not write


class ContractError(Exception):
    """Raised where no gradient of a pair can be judged; the message says what its author did."""


def raised(error: Exception, pair: HandDerived) -> ContractError:
    """Return the error of a method of a pair that raised, with the method and the line."""
    cause = _cause(error)
    if isinstance(cause, NotImplementedError):  # it names the method that is not there
        return ContractError(str(cause))
    own = _files_of(pair)
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename in own]
    method = frames[0].name if frames else "the call"
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return ContractError(f"{method} raised {in_short(error)}{place}")


def in_short(error: Exception) -> str:
    """Return the kind of an error and the first line that it says, without Keras's wrapping."""
    cause = _cause(error)
    return f"{type(cause).__name__}: {str(cause).strip().partition(chr(10))[0]}"


def _cause(error: Exception) -> BaseException:
    wrapped = str(error).startswith(_WRAPPED_BY_KERAS)
    return error.__context__ if wrapped and error.__context__ is not None else error


def _files_of(pair: HandDerived) -> set[str]:
    """Return the files that the author of a pair wrote."""
    author = getattr(pair, "layer", pair)  # of a whole call
    methods = [value for one in type(author).__mro__ for value in vars(one).values()]
    methods += [getattr(author, name, None) for name in ("forward", "backward")]
    functions = (getattr(one, "__func__", one) for one in methods)
    return {
        one.__code__.co_filename
        for one in functions
        if hasattr(one, "__code__") and (one.__module__ or "").partition(".")[0] not in _OTHERS
    }


def under_contract(
    subject: Differentiable, random: np.random.Generator
) -> tuple[Differentiable, list[tf.Tensor], dict[str, str]]:
    """Return a subject that the oracles can judge, random upstream gradients, and the slips.

    A gradient that is missing or of another shape or dtype is named, and zeros stand for it, so
    that the others are judged.

    Raises:
        ContractError: None of the gradients can be judged.
    """
    _check_forward(subject)
    upstream = random_upstream(subject, random)
    found = _gradients(subject, upstream)
    slips = {
        name: slip for name in subject.names if (slip := _slip(name, subject, found)) is not None
    }
    again = _gradients(subject, upstream)
    _check_same("backward", [_sound(subject, one, slips) for one in (found, again)])
    if slips:
        subject = replace(subject, pair=_completed(subject.pair, subject.tensors, slips))
    return subject, upstream, slips


def _check_forward(subject: Differentiable) -> None:
    outputs = [_outputs(subject) for _ in range(2)]
    for output in outputs[0]:
        if not output.dtype.is_floating:
            raise ContractError(
                f"forward returned an output of dtype {output.dtype.name}, which has no gradient; "
                "return real numbers"
            )
        if output.dtype != tf.float64:
            raise ContractError(
                f"forward returned an output of dtype {output.dtype.name} for inputs of float64; "
                "compute in the dtype of the inputs"
            )
    _check_same("forward", outputs)


def _outputs(subject: Differentiable) -> list[tf.Tensor]:
    pair = subject.pair
    returned = called(pair, lambda: pair.forward(**subject.tensors, **subject.constants))
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ContractError(f"forward must return (y, cache). Received: {_described(returned)}")
    try:
        return [tf.convert_to_tensor(output) for output in tf.nest.flatten(returned[0])]
    except (TypeError, ValueError):
        raise ContractError(
            f"forward must return a tensor y in (y, cache). Received: {_described(returned[0])}"
        ) from None


def _gradients(subject: Differentiable, upstream: list[tf.Tensor]) -> dict[str, Any]:
    pair = subject.pair
    _, cache = pair.forward(**subject.tensors, **subject.constants)
    returned = called(pair, lambda: pair.backward(cache, *upstream))
    if not isinstance(returned, dict):
        names = ", ".join(f"{name!r}: dL/d{name}" for name in subject.names)
        raise ContractError(f"backward must return {{{names}}}. Received: {_described(returned)}")
    return returned


def called(pair: HandDerived, call: Callable[[], Any]) -> Any:
    """Return what a call of methods of a pair returns.

    Raises:
        ContractError: One of them raised.
    """
    try:
        return call()
    except (UserError, ContractError, NothingToCheck):
        raise
    except Exception as error:
        raise raised(error, pair) from error


def _slip(name: str, subject: Differentiable, found: dict[str, Any]) -> str | None:
    """Return what is wrong with the form of one gradient, if anything is."""
    x = subject.tensors[name]
    if name not in found:
        keys = f"the keys {', '.join(map(repr, found))}" if found else "an empty dict"
        return f"backward returned no gradient for {name!r}. Received: {keys}"
    if found[name] is None:
        return f"backward returned None for {name!r}"
    try:
        gradient = tf.convert_to_tensor(found[name])
    except (TypeError, ValueError):
        return f"backward returned no tensor for {name!r}. Received: {_described(found[name])}"
    if gradient.shape != x.shape:
        shapes = f"of shape {tuple(gradient.shape)} for {name!r} of shape {tuple(x.shape)}"
        return f"backward returned a gradient {shapes}"
    if gradient.dtype != x.dtype:
        return (
            f"backward returned a gradient of dtype {gradient.dtype.name} for {name!r} of dtype "
            f"{x.dtype.name}"
        )
    return None


def _sound(
    subject: Differentiable, found: dict[str, Any], slips: dict[str, str]
) -> list[tf.Tensor]:
    return [tf.convert_to_tensor(found[name]) for name in subject.names if name not in slips]


def _check_same(what: str, calls: list[list[tf.Tensor]]) -> None:
    """Refuse a pass of which two calls differ; NaN equals itself here, and the oracles judge it."""
    for one, other in zip(*calls, strict=True):
        if np.shape(one) != np.shape(other) or not np.array_equal(one, other, equal_nan=True):
            raise ContractError(
                f"{what} is not deterministic: two calls with the same input differ. Draw random "
                "numbers before, and pass them to forward as a constant"
            )


def _completed(pair: HandDerived, tensors: dict[str, tf.Tensor], slips: dict[str, str]) -> Pair:
    """Return the pair with zeros for the gradients that slipped."""

    def backward(cache: Any, *upstream: tf.Tensor) -> dict[str, tf.Tensor]:
        zeros = {name: tf.zeros_like(tensors[name]) for name in slips}
        return {**pair.backward(cache, *upstream), **zeros}

    return Pair(pair.forward, backward)


def _described(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, tf.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return repr(value)
