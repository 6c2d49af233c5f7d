"""The values of a recipe's fields: brought to the field's type, and written as TOML."""

import re
import types
from typing import Any

from dlmath.errors import RecipeError


def typed(name: str, value: Any, wanted: Any) -> Any:
    """Return `value` as the type `wanted`: 1 passes for 1.0, "1" and True do not.

    Raises:
        RecipeError: It is of another type.
    """
    if isinstance(wanted, types.GenericAlias):  # tuple[str, ...]
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif type(value) is wanted:
        return value
    described = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    kind = described.get(wanted, "a list of texts")
    raise RecipeError(f"`{name}` must be {kind}. Received: {name}={value!r}")


def toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in value)}]"
    return repr(value)
