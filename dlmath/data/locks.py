"""One process at a time, by the system's own file locks: they end with the process that holds them.

A lock file that merely exists would outlive a `kill -9` and stand in everybody's way.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlmath.errors import DataError

if sys.platform == "win32":
    import msvcrt

    _HELD_AT = 2**30  # beyond the text: what is locked on Windows cannot be read by others

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _HELD_AT, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path`, made if need be, for the block.

    The file is left behind, which locks nothing.

    Args:
        path: The file; its folder is there.
        what: What is being done, such as "downloading malaria".

    Raises:
        DataError: Another process holds it; names that process.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            _try_lock(descriptor)
        except OSError as error:
            holder = os.read(descriptor, 20).decode("ascii", errors="replace").strip()
            raise DataError(
                f"Another process ({holder or 'number unknown'}) is {what} already. Wait until it "
                "is done, or end it first: the same command then goes on where it stopped."
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
