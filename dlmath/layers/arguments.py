"""Checking of constructor arguments, in the words that Keras uses."""

import inspect
import numbers
from typing import Any

import keras

from dlmath.errors import did_you_mean

# Arguments that keras.layers.Layer itself takes.
OF_EVERY_LAYER = frozenset(
    {"name", "dtype", "trainable", "activity_regularizer", "autocast", "input_shape", "batch_shape"}
)


def check_supported(layer: type, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that go on to Keras's base layer; refuse the others by name.

    An argument that `keras.layers` knows, given at Keras's own default, asks for nothing and is
    dropped, so a config of the Keras layer can be read.

    Raises:
        ValueError: An argument that the layer does not support.
    """
    defaults = _keras_defaults(layer.__name__)
    for name, value in given.items():
        if name in OF_EVERY_LAYER or (name in defaults and defaults[name] == value):
            continue
        if name == "data_format" and value in (None, "channels_last"):
            continue
        own = [n for n in inspect.signature(layer).parameters if n not in _NOT_NAMES]
        hint = (
            f"Use keras.layers.{layer.__name__} for it, or leave it out."
            if name in defaults
            else f"It takes {', '.join(own) or 'no argument of its own'}.{did_you_mean(name, own)}"
        )
        raise ValueError(
            f"{layer.__name__} of dlmath.layers does not support the argument `{name}`. "
            f"Received: {name}={value!r}. {hint}"
        )
    return {name: value for name, value in given.items() if name in OF_EVERY_LAYER}


_NOT_NAMES = frozenset({"self", "kwargs"})


def _keras_defaults(name: str) -> dict[str, Any]:
    """The arguments of the Keras layer of that name with their defaults; empty without one."""
    layer = getattr(keras.layers, name, None)
    if layer is None:
        return {}
    parameters = inspect.signature(layer.__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in _NOT_NAMES}


def whole(value: Any, name: str, *, least: int = 1) -> int:
    """Return `value` as an int of at least `least`.

    Raises:
        ValueError: It is not a whole number, or too small.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or value != value // 1 or value < least:
        raise ValueError(f"`{name}` must be a whole number >= {least}. Received: {name}={value!r}")
    return int(value)


def whole_pair(value: Any, name: str, *, least: int = 1) -> tuple[int, int]:
    """Return an int, or a pair of ints, as (height, width).

    Raises:
        ValueError: It is neither, or a number is too small.
    """
    pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"`{name}` must be an int or two ints. Received: {name}={value!r}")
    return whole(pair[0], name, least=least), whole(pair[1], name, least=least)


def one_of(value: Any, name: str, choices: tuple[str, ...]) -> str:
    """Return `value` in lower case if it is one of the choices.

    Raises:
        ValueError: It is not.
    """
    if str(value).lower() not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, choices))}. Received: {name}={value!r}."
            f"{did_you_mean(str(value), choices)}"
        )
    return str(value).lower()


def fraction(value: float, name: str) -> float:
    """Return `value` if it lies in [0, 1].

    Raises:
        ValueError: It does not (nan included).
    """
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must lie in [0, 1]. Received: {name}={value!r}")
    return float(value)
