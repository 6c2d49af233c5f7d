"""Linear algebra on one thread, where matrices are small or the processor is shared.

OpenBLAS splits each product and each factorisation over its threads, and they wait for one another
without letting go of their cores. On matrices of some thousand rows that costs more than it saves,
and where another program has one of the cores, many times more: a Cholesky factor of 1,281 rows
takes 0.02 s on one thread, and up to 1 s on two that share their cores. With one thread no bit of a
result depends on the number of cores either.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def single_threaded(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function whose linear algebra below NumPy and SciPy runs on one thread.

    What the process had before is back in force when the function returns or raises. The number is
    a setting of the process: a function that starts threads of its own is made so itself, and ends
    after them.
    """

    @wraps(function)
    def limited(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with threadpool_limits(1, "blas"):
            return function(*args, **kwargs)

    return limited
