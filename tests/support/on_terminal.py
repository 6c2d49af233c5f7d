"""Run a command on a pseudo-terminal, and type at its prompts."""

import os
import subprocess
import sys
from collections.abc import Sequence

# In a process of its own: a fork of one that has threads may never end. A shell starts what runs in
# the background with SIGINT ignored, which is inherited: Ctrl-C would do nothing.
_SPAWN = """
import os, pty, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


def run_on_terminal(
    command: Sequence[str], keys: Sequence[str] = (), prompt: str = ": ", **environment: str
) -> tuple[int, str]:
    """Return the exit code of a command and all that it printed.

    Args:
        command: The program and its arguments.
        keys: What is typed, one at each prompt.
        prompt: What the output ends with where keys are waited for.
        environment: Variables that are set for it.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _SPAWN, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        printed, left = b"", list(keys)
        while piece := os.read(running.stdout.fileno(), 65_536):
            printed += piece
            if left and printed.endswith(prompt.encode()):
                running.stdin.write(left.pop(0).encode())
                running.stdin.flush()
    return running.returncode, printed.decode().replace("\r\n", "\n")
