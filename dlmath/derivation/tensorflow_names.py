"""TensorFlow's functions on symbolic tensors, for the code of layers to run with.

Only what a forward or a backward pass is made of is here. Anything else raises `NotTraceable`,
which names it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from importlib import import_module
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any

from dlmath import layers
from dlmath.derivation import entrywise
from dlmath.derivation.index_notation import ONE, ZERO, Expression, applied
from dlmath.derivation.sizes import Length, NotTraceable, product
from dlmath.derivation.symbolic_operations import (
    concatenated,
    matmul,
    numbered,
    padded,
    permuted,
    reduced,
    reshaped,
    split,
    stacked,
)
from dlmath.derivation.symbolic_tensor import (
    SymbolicTensor,
    exact,
    full,
    tensor,
    together,
)

HALF = Fraction(1, 2)


def _entry(function: Callable[[Expression], Expression]) -> Callable[..., Any]:
    """Make a function of a tensor, or of a number, out of one of an expression."""

    def of_tensor(x: Any, name: str | None = None) -> SymbolicTensor:
        return tensor(x).each(function)

    return of_tensor


def sigmoid(x: Expression) -> Expression:
    """Return 1 / (1 + e^-x)."""
    return entrywise.power(ONE + entrywise.exp(-x), -1)


def tanh(x: Expression) -> Expression:
    """Return (e^x - e^-x) / (e^x + e^-x)."""
    up, down = entrywise.exp(x), entrywise.exp(-x)
    return (up - down) * entrywise.power(up + down, -1)


def cosh(x: Expression) -> Expression:
    """Return (e^x + e^-x) / 2."""
    return (entrywise.exp(x) + entrywise.exp(-x)).times(HALF)


def _sum(x: Any, axis: Any = None, keepdims: bool = False) -> SymbolicTensor:
    return reduced(tensor(x), axis, keepdims)


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> SymbolicTensor:
    x = tensor(x)
    count = product(x.shape[n] for n in numbered(axis, len(x.axes)))
    return reduced(x, axis, keepdims) / count


def _largest(x: Any, axis: Any = None, keepdims: bool = False) -> SymbolicTensor:
    """A number for each set of entries: their sum of exponentials stands for the set."""
    powers = tensor(x).each(entrywise.exp)
    return reduced(powers, axis, keepdims).each(lambda one: applied("largest", one))


def _matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> SymbolicTensor:
    return matmul(
        _transposed(tensor(a)) if transpose_a else a, _transposed(tensor(b)) if transpose_b else b
    )


def _transposed(x: SymbolicTensor, perm: Sequence[int] | None = None) -> SymbolicTensor:
    rank = len(x.axes)
    if perm is None:
        perm = [*range(rank - 2), rank - 1, rank - 2]
    return permuted(x, perm)


def _transpose(x: Any, perm: Sequence[int] | None = None) -> SymbolicTensor:
    x = tensor(x)
    return permuted(x, list(reversed(range(len(x.axes)))) if perm is None else perm)


def _softmax(x: Any, axis: Any = -1) -> SymbolicTensor:
    powers = tensor(x).each(entrywise.exp)
    return powers / reduced(powers, axis, keepdims=True)


def _where(condition: Any, x: Any, y: Any) -> SymbolicTensor:
    chosen = tensor(condition)
    return chosen * x + (1 - chosen) * y


def _cast(x: Any, dtype: Any = None) -> Any:
    return x


def _expand_dims(x: Any, axis: int) -> SymbolicTensor:
    x = tensor(x)
    place = axis % (len(x.axes) + 1)
    return SymbolicTensor((*x.axes[:place], (), *x.axes[place:]), x.cells)


def _squeeze(x: Any, axis: Any) -> SymbolicTensor:
    x = tensor(x)
    gone = numbered(axis, len(x.axes))
    if any(x.axes[place] for place in gone):
        raise NotTraceable(f"an axis of a length other than 1 is squeezed out of {x.shape}")
    return SymbolicTensor([a for n, a in enumerate(x.axes) if n not in gone], x.cells)


def _broadcast_to(x: Any, shape: Sequence[Length]) -> SymbolicTensor:
    return full(shape, ONE) * x


def _clip(x: Any, low: Any, high: Any) -> SymbolicTensor:
    bounds = exact(low), exact(high)
    return tensor(x).each(lambda one: entrywise.clip(one, *bounds))


def _add_n(tensors: Sequence[Any]) -> SymbolicTensor:
    found = tensor(tensors[0])
    for one in tensors[1:]:
        found = found + one
    return found


def _binary(function: Callable[[Expression, Expression], Expression]) -> Callable[..., Any]:
    def of_tensors(x: Any, y: Any) -> SymbolicTensor:
        return together(function, x, y)

    return of_tensors


class _Names(SimpleNamespace):
    """Functions by name; any other name is refused."""

    def __getattr__(self, name: str) -> Any:
        raise NotTraceable(f"tf.{name} has no symbolic form here")


_ENTRYWISE = {
    "exp": _entry(entrywise.exp),
    "log": _entry(entrywise.log),
    "log1p": _entry(lambda x: entrywise.log(ONE + x)),
    "expm1": _entry(lambda x: entrywise.exp(x) - ONE),
    "softplus": _entry(lambda x: entrywise.log(ONE + entrywise.exp(x))),
    "sigmoid": _entry(sigmoid),
    "log_sigmoid": _entry(lambda x: entrywise.log(sigmoid(x))),
    "tanh": _entry(tanh),
    "cosh": _entry(cosh),
    "erf": _entry(entrywise.erf),
    "erfc": _entry(lambda x: ONE - entrywise.erf(x)),
    "abs": _entry(entrywise.absolute),
    "sign": _entry(entrywise.sign),
    "square": _entry(lambda x: x * x),
    "sqrt": _entry(lambda x: entrywise.power(x, HALF)),
    "rsqrt": _entry(lambda x: entrywise.power(x, -HALF)),
    "reciprocal": _entry(lambda x: entrywise.power(x, -1)),
    "negative": _entry(lambda x: -x),
    "maximum": _binary(entrywise.maximum),
    "minimum": _binary(entrywise.minimum),
    "add": _binary(lambda x, y: x + y),
    "subtract": _binary(lambda x, y: x - y),
    "multiply": _binary(lambda x, y: x * y),
    "divide": _binary(lambda x, y: x * entrywise.power(y, -1)),
    "multiply_no_nan": _binary(lambda x, y: x * y),
    "divide_no_nan": _binary(lambda x, y: x * entrywise.power(y, -1)),
    "equal": _binary(entrywise.equals),
    "greater": _binary(lambda x, y: entrywise.positive(x - y)),
    "less": _binary(lambda x, y: entrywise.positive(y - x)),
    "logical_and": _binary(lambda x, y: x * y),
    "pow": lambda x, y: tensor(x) ** y,
}

_OTHERS = {
    "reduce_sum": _sum,
    "reduce_mean": _mean,
    "reduce_max": _largest,
    "matmul": _matmul,
    "transpose": _transpose,
    "reshape": lambda x, shape: reshaped(tensor(x), tuple(shape)),
    "where": _where,
    "softmax": _softmax,
    "cast": _cast,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "broadcast_to": _broadcast_to,
    "clip_by_value": _clip,
    "add_n": _add_n,
    "pad": padded,
    "concat": lambda values, axis: concatenated(values, axis),
    "split": split,
    "stack": lambda values, axis=0: stacked(values, axis),
    "zeros_like": lambda x, dtype=None: full(tensor(x).shape, ZERO),
    "ones_like": lambda x, dtype=None: full(tensor(x).shape, ONE),
    "zeros": lambda shape, dtype=None: full(tuple(shape), ZERO),
    "ones": lambda shape, dtype=None: full(tuple(shape), ONE),
    "identity": tensor,
    "stop_gradient": tensor,
    "constant": lambda value, dtype=None: tensor(value),
    "convert_to_tensor": lambda value, dtype=None: tensor(value),
    "shape": lambda x: tensor(x).shape,
    "Tensor": SymbolicTensor,
    "float64": "float64",
    "float32": "float32",
}

TENSORFLOW = _Names(
    **_ENTRYWISE, **_OTHERS, math=_Names(**_ENTRYWISE), nn=_Names(**_ENTRYWISE, softmax=_softmax)
)


@contextmanager
def symbolic_tensorflow(*modules: Any) -> Iterator[None]:
    """Let `tf` in the modules of `dlmath.layers`, and in those given, mean the functions here."""
    own = [import_module(one.name) for one in iter_modules(layers.__path__, "dlmath.layers.")]
    patched = [module for module in dict.fromkeys((*own, *modules)) if hasattr(module, "tf")]
    before = [module.tf for module in patched]
    try:
        for module in patched:
            module.tf = TENSORFLOW
        yield
    finally:
        for module, real in zip(patched, before, strict=True):
            module.tf = real
