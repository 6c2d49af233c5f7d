"""Keep the chatter of native code off stderr: lines that no setting of a library silences.

An export carries this file as it is, see `dlmath.export.sidecar_files`.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What C++ writes whatever TF_CPP_MIN_LOG_LEVEL says: TensorFlow at import, before it reads it (one
# message has two lines), LiteRT with its first network, and the converter to 8 bits.
_CHATTER = re.compile(
    rb"WARNING: All log messages before absl|[IW]0000 |To enable the following instructions:"
    rb"|INFO: Created TensorFlow Lite|fully_quantize: "
)
_END = b"\0end\n"


class _Filter:
    """What stands in the place of stderr while at least one thread is within."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._kept = self._writing = -1

    def enter(self) -> None:
        with self._lock:
            if self._within == 0:
                self._begin()
            self._within += 1

    def leave(self) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                self._finish()

    def _begin(self) -> None:
        _flush()
        try:
            self._kept = os.dup(2)
        except OSError:  # there is no stderr to keep clean
            self._kept = -1
            return
        reading, self._writing = os.pipe()
        self._passing = threading.Thread(target=_pass_on, args=(reading, self._kept), daemon=True)
        self._passing.start()
        os.dup2(self._writing, 2)

    def _finish(self) -> None:
        if self._kept < 0:
            return
        _flush()
        os.dup2(self._kept, 2)
        # Said, not shown by closing: a process that was started within may hold the pipe open.
        os.write(self._writing, _END)
        os.close(self._writing)
        self._passing.join()
        os.close(self._kept)


_FILTER = _Filter()


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep chatter of native code off the stderr of this process; all other lines pass at once.

    It writes to the file descriptor, past Python, and has no setting for these lines. Threads may
    be within at once, and blocks within blocks.
    """
    _FILTER.enter()
    try:
        yield
    finally:
        _FILTER.leave()


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _pass_on(reading: int, kept: int) -> None:
    """Copy what comes through a pipe, line by line and without chatter, until `_END`."""
    with open(reading, "rb") as lines:
        for line in lines:
            text, end, _ = line.partition(_END)
            if not _CHATTER.match(text):
                os.write(kept, text)
            if end:
                return
