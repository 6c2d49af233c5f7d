"""The largest and the smallest of some numbers, where a number that is none is not passed over.

Python compares a NaN with nothing: `max(1.0, nan)` is 1.0 and `max(nan, 1.0)` is nan, by the order.
A check of the worst of several errors would hold although one of them is undefined. Here NaN is the
answer wherever it occurs, and a check of NaN never holds.
"""

from collections.abc import Callable, Iterable
from typing import Any

_MISSING: Any = object()


def largest_of(*values: Any, default: Any = _MISSING) -> Any:
    """Return the largest of some numbers, or of one iterable of them; NaN if any is.

    Args:
        *values: Numbers, or one iterable of numbers.
        default: What an empty iterable gives.

    Raises:
        ValueError: There is none, and no default.

    Example:
        >>> largest_of(1.0, float("nan")), largest_of([2, 3]), largest_of([], default=0)
        (nan, 3, 0)
    """
    return _extreme(max, values, default)


def smallest_of(*values: Any, default: Any = _MISSING) -> Any:
    """Return the smallest of some numbers; arguments and errors are those of `largest_of`."""
    return _extreme(min, values, default)


def _extreme(choose: Callable[[list], Any], values: tuple[Any, ...], default: Any) -> Any:
    one: Iterable[Any] = values[0] if len(values) == 1 else values
    found = list(one)
    if not found and default is not _MISSING:
        return default
    undefined = [value for value in found if value != value]
    return undefined[0] if undefined else choose(found)
