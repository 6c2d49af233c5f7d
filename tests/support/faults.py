"""Wrong code in the place of right code, for the length of a `with` block.

A function is replaced in place: whoever imported it, keeps it in a table or has it as a method
runs the wrong one.
"""

import ast
import dataclasses
import importlib
import inspect
import linecache
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

UNCHANGED = "unchanged"  # the function relays its own results, as a control
EDITED = "edited"

# What becomes of a number, a truth value, a whole number or a text in a result.
CHANGES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "negated": {"f": lambda x: -x, "b": lambda x: not x if isinstance(x, bool) else ~x},
    "scaled": {"f": lambda x: 1.1 * x},
    "shifted": {"f": lambda x: x + 0.1, "i": lambda x: x + 1, "s": lambda x: x + "?"},
    UNCHANGED: {},
}


@dataclass
class Seen:
    """The number of results that came out wrong, since it was last set to 0."""

    wrong: int = 0


@contextmanager
def installed(target: str, fault: str, edit: tuple[str, str] | None = None) -> Iterator[Seen]:
    """Break a function or a constant, named as in `dlmath.maths.ledger.entry.UnitTest`.

    Args:
        target: `module:path`.
        fault: A key of `CHANGES`, or `EDITED`.
        edit: What to replace in the function's source, and by what, where it is edited.
    """
    owner, place, value = resolved(target)
    seen = Seen()
    function = getattr(value, "fget", None) or getattr(value, "__func__", value)
    if fault == EDITED:
        assert edit is not None
        with _code(function, edited(function, *edit)):
            seen.wrong = 1  # what an edit changes is not looked at
            yield seen
    elif isinstance(function, types.FunctionType):
        with relayed(function, lambda result: wrong(result, fault, seen)):
            yield seen
    else:
        _set(owner, place, wrong(value, fault, seen))
        yield seen
        _set(owner, place, value)


def resolved(target: str) -> tuple[Any, str, Any]:
    """Return (owner, name or key, value) of `module:path`, such as `a.b:TABLE[key].field`."""
    module, _, path = target.partition(":")
    owner, place, value = None, "", importlib.import_module(module)
    for part in path.split("."):
        name, _, key = part.partition("[")
        owner, place, value = value, name, getattr(value, name)
        if key:
            owner, place, value = value, key[:-1], value[key[:-1]]
    return owner, place, value


@contextmanager
def relayed(function: types.FunctionType, change: Callable[[Any], Any]) -> Iterator[None]:
    """Let a function return what `change` makes of its results."""
    own = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    own.__kwdefaults__ = function.__kwdefaults__
    signature = inspect.signature(function)
    defaults, keywords = function.__defaults__, function.__kwdefaults__
    free = function.__code__.co_freevars
    with _code(function, _relay.__code__.replace(co_freevars=free)):
        function.__defaults__ = None
        function.__kwdefaults__ = {"_own": own, "_change": change}
        function.__signature__ = signature  # type: ignore[attr-defined]
        try:
            yield
        finally:
            function.__defaults__, function.__kwdefaults__ = defaults, keywords
            del function.__signature__  # type: ignore[attr-defined]


def _relay(*args: Any, _own: Any, _change: Any, **keywords: Any) -> Any:
    return _change(_own(*args, **keywords))


def edited(function: types.FunctionType, old: str, new: str) -> types.CodeType:
    """Return the code of a function whose source says `new` where it said `old`, once."""
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(old) != 1:
        raise ValueError(
            f"{function.__qualname__} says {old!r} {source.count(old)} times, not once"
        )
    file = f"<{function.__qualname__} with {new!r}>"
    tree = ast.parse(source.replace(old, new))
    [node] = tree.body
    assert isinstance(node, ast.FunctionDef), "only a function that is defined by `def` is edited"
    node.decorator_list = []
    text = ast.unparse(tree)
    # Where TensorFlow reads the source of what it traces.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict[str, Any] = {}
    exec(compile(text, file, "exec"), dict(function.__globals__), names)
    code: types.CodeType = names[function.__name__].__code__
    if code.co_freevars != function.__code__.co_freevars:
        raise ValueError(f"{function.__qualname__} has variables of a scope around it")
    return code


@contextmanager
def _code(function: types.FunctionType, code: types.CodeType) -> Iterator[None]:
    before, function.__code__ = function.__code__, code
    try:
        yield
    finally:
        function.__code__ = before


def wrong(result: Any, fault: str, seen: Seen) -> Any:
    """Return a result with its numbers changed; only where it has none, other things in it.

    Caches and counts next to numbers stay as they are, so that a fault gives wrong values and not
    a crash.
    """
    for kind in "fbis":
        if _holds(result, kind):
            change = CHANGES[fault].get(kind)
            return _mapped(result, kind, change, seen) if change else result
    return result


def _mapped(value: Any, kind: str, change: Callable[[Any], Any], seen: Seen) -> Any:
    if kind_of(value) == kind:
        changed = change(value)
        seen.wrong += _differs(value, changed)
        return changed

    def inside(part: Any) -> Any:
        return _mapped(part, kind, change, seen)

    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inside, value))
    if type(value) in (tuple, list):
        return type(value)(map(inside, value))
    if isinstance(value, dict):
        return {key: inside(part) for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return dataclasses.replace(value, **{n: inside(getattr(value, n)) for n in fields})
    return value


def _holds(value: Any, kind: str) -> bool:
    if kind_of(value) == kind:
        return True
    if isinstance(value, dict):
        value = tuple(value.values())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = tuple(getattr(value, f.name) for f in dataclasses.fields(value) if f.init)
    return isinstance(value, tuple | list) and any(_holds(part, kind) for part in value)


def kind_of(value: Any) -> str:
    """Return f for numbers, i for whole ones, b for truth values, s for texts, or nothing."""
    if isinstance(value, str):
        return "s"
    if isinstance(value, bool | int | float | np.generic | np.ndarray):
        return np.asarray(value).dtype.kind.replace("u", "i")
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and tensorflow.is_tensor(value):
        dtype = value.dtype
        return "f" if dtype.is_floating else "b" if dtype.is_bool else "i" * dtype.is_integer
    return ""


def _differs(old: Any, new: Any) -> bool:
    if isinstance(old, str):
        return True
    try:
        return not np.array_equal(np.asarray(old), np.asarray(new))
    except (NotImplementedError, TypeError):  # a tensor of a graph has no value yet
        return True


def _set(owner: Any, place: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[place] = value
    elif dataclasses.is_dataclass(owner):
        object.__setattr__(owner, place, value)  # frozen ones too
    else:
        setattr(owner, place, value)
