"""Write what a user asked for to the place that the user named, whatever lies there.

A regular file is replaced whole or not at all, and keeps its permissions; behind a link it is the
file that the link leads to. A device, a pipe or a descriptor (/dev/null, /dev/stdout, >(gzip)) is
written to and stays what it is. Files of a run are no such outputs: `dlmath.runs` puts each in its
own place, and follows no link.
"""

import errno
import os
import re
import time
from pathlib import Path

from dlmath.atomic_files import atomic_path
from dlmath.errors import UserError
from dlmath.names import readable

_DESCRIPTOR = re.compile(r"/(?:dev/fd|proc/self/fd|proc/(?P<process>\d+)/fd)/(?P<number>\d+)")
_STEPS = 40  # from link to link: as many as Linux follows
PATIENCE = 10.0  # seconds that a pipe is waited for whose reader is not there yet


def write_output(path: str | Path, content: bytes | str, option: str) -> None:
    """Write `content`, text as UTF-8, to a place that a user named.

    Args:
        path: The place. Folders above it are made.
        content: All of it.
        option: By which the place was named, such as --csv.

    Raises:
        UserError: It cannot be written.
    """
    data = readable(content).encode() if isinstance(content, str) else content
    try:
        _write(Path(path), data)
    except OSError as error:
        raise UserError(
            f"Cannot write {path}: {error.strerror}. Pass another place with {option}."
        ) from error


def _write(path: Path, data: bytes) -> None:
    number = _descriptor(path)
    if number is not None:
        _write_to(os.dup(number), data)
    elif path.exists() and not path.is_file() and not path.is_dir():
        _write_to(_opened(path), data)
    else:
        target = Path(os.path.realpath(path))
        with atomic_path(target, like=target.stat() if target.exists() else None) as temporary:
            temporary.write_bytes(data)


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file that a path such as /dev/stdout stands for."""
    for _ in range(_STEPS):
        if found := _DESCRIPTOR.fullmatch(str(path)):
            is_own = found["process"] in (None, str(os.getpid()))
            return int(found["number"]) if is_own else None
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def _opened(path: Path) -> int:
    """Open a device or a pipe, waiting a while for the reader of a pipe."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            # Without O_NONBLOCK a pipe that is never read would be waited for without end.
            opened = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
            break
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo():
                raise
            if time.monotonic() > deadline:
                raise OSError(errno.ENXIO, "no program reads from this pipe") from error
            time.sleep(0.05)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(opened, True)
    return opened


def _write_to(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
