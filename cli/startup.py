"""Load what computes: say so where that takes seconds, and keep its chatter away."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

# What C++ writes whatever TF_CPP_MIN_LOG_LEVEL says: TensorFlow at import, before it reads it, and
# LiteRT with its first network.
_CHATTER = re.compile(
    rb"(WARNING: All log messages before absl|[IW]0000 |INFO: Created TensorFlow Lite)[^\n]*\n"
)


def load_tensorflow() -> None:
    """Import TensorFlow, naming it on stderr first; a second call costs nothing."""
    if "tensorflow" in sys.modules:
        return
    typer.echo("Loading TensorFlow …", err=True)
    with without_chatter():
        import tensorflow  # noqa: F401  what is wanted is that it is loaded


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to the stderr of this process, and pass on all but chatter."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr to keep clean
        yield
        return
    import tempfile  # not for every start: it loads hash functions and random numbers

    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            os.write(2, _CHATTER.sub(b"", held.read()))
