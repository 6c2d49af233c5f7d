"""A computation in a process of its own, which may loop for ever, raise, or use up the memory.

The limit is one of processor time: how busy the machine is does not change what is found.
"""

import math
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dlmath.errors import UserError

HOLDS, FAILS, RAISES, ENDLESS = "holds", "fails", "raises", "does not end"
_CODES = {HOLDS: 0, FAILS: 10, RAISES: 11}
_MOST_MEMORY = 8 << 30  # bytes; a mutant that asks for so many more raises MemoryError


@dataclass(frozen=True)
class Ended:
    """How a computation ended.

    Attributes:
        how: `holds`, `fails`, `raises` or `does not end`.
        seconds: Processor time that it used.
    """

    how: str
    seconds: float


def judge(holds: Callable[[], bool], seconds: float) -> Ended:
    """Return what a function says, computed in a forked process.

    Args:
        holds: Returns the verdict of an experiment.
        seconds: Of processor time, after which it is ended; rounded up.

    Raises:
        UserError: The system cannot fork.
    """
    if not hasattr(os, "fork"):
        raise UserError(
            "The audit runs wrong code in forked processes, which this system does not have. "
            "Run it on Linux or macOS."
        )
    with warnings.catch_warnings():
        # The child calls nothing that other threads may have locked: linear algebra prepares for
        # a fork by itself, and no thread of ours runs here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os._exit(_CODES[_judged(holds, math.ceil(seconds))])
    _, status, usage = os.wait4(child, 0)
    used = usage.ru_utime + usage.ru_stime
    if not os.WIFEXITED(status):
        return Ended(ENDLESS if used >= math.ceil(seconds) - 0.5 else RAISES, used)
    code = os.WEXITSTATUS(status)
    return Ended(next((how for how, known in _CODES.items() if known == code), RAISES), used)


def _judged(holds: Callable[[], bool], seconds: int) -> str:
    """Return how a function ends, in the process that it may spoil."""
    with suppress(BaseException):  # of whatever kind: wrong code may raise anything
        import resource  # which Windows has not, and where nothing gets here

        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(ValueError, OSError):  # macOS refuses to
            limit = _address_space() + _MOST_MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return HOLDS if holds() else FAILS
    return RAISES


def _address_space() -> int:
    """Return the bytes of addresses that this process has already; 0 where no one says."""
    with suppress(OSError):
        pages = Path("/proc/self/statm").read_text().split()[0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0
