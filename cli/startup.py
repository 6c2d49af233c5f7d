"""Load what computes: say so where that takes seconds, and keep its chatter away."""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dlmath.cli.output import ERR

# What C++ writes whatever TF_CPP_MIN_LOG_LEVEL says: TensorFlow at import, before it reads it,
# LiteRT with its first network, and the converter to 8 bits.
_CHATTER = re.compile(
    rb"WARNING: All log messages before absl|[IW]0000 |INFO: Created TensorFlow Lite"
    rb"|fully_quantize: "
)
_END = b"\0end\n"


def load_tensorflow() -> None:
    """Import TensorFlow, naming it on stderr first; a second call costs nothing."""
    if "tensorflow" in sys.modules:
        return
    ERR.line("Loading TensorFlow …")
    with without_chatter():
        import tensorflow  # noqa: F401  what is wanted is that it is loaded


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep chatter of native code off the stderr of this process; all other lines pass at once.

    It writes to the file descriptor, past Python, and has no setting for these lines.
    """
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr to keep clean
        yield
        return
    reading, writing = os.pipe()
    passing = threading.Thread(target=_pass_on, args=(reading, kept), daemon=True)
    passing.start()
    os.dup2(writing, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        # Said, not shown by closing: a process that was started within may hold the pipe open.
        os.write(writing, _END)
        os.close(writing)
        passing.join()
        os.close(kept)


def _pass_on(reading: int, kept: int) -> None:
    """Copy what comes through a pipe, line by line and without chatter, until `_END`."""
    with open(reading, "rb") as lines:
        for line in lines:
            text, end, _ = line.partition(_END)
            if not _CHATTER.match(text):
                os.write(kept, text)
            if end:
                return
