"""Runs functions in processes of their own that begin with TensorFlow already imported.

A server imports what takes seconds, without starting TensorFlow, and forks a child for each call.
A child may then be killed at any point without an import for each kill.

    with ForkServer("tests.support.crashing") as server:
        server.call("function", argument)  # the exit code; minus the signal that killed it
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, Self

from dlmath.errors import UserError


class ForkServer:
    """Calls functions of one module.

    Args:
        module: The name of the module that defines them; what it imports is imported once.
    """

    def __init__(self, module: str):
        self.module = module

    def __enter__(self) -> Self:
        # A file, since a pipe that nobody reads would fill and stop the children.
        self._errors = tempfile.TemporaryFile("a+")  # each write at its end
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its stdin, upon which it ends
        self._errors.close()

    def call(self, function: str, *arguments: Any) -> int:
        """Return the exit code of `function(*arguments)`, JSON-able arguments, in its own process.

        0 where it returns, 2 where it raises a `UserError`, 1 where it raises anything else;
        negative where a signal killed it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the fork server ended: {self.errors()}")
        return int(answer)

    def errors(self) -> str:
        """Return what the children and the server wrote to stderr, the last part of it."""
        self._errors.seek(0)
        return self._errors.read()[-4_000:]


def serve(module: str) -> None:
    """Fork a child for each line on stdin, and answer with its exit code on stdout."""
    functions = importlib.import_module(module)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(getattr(functions, name), arguments)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(function: Any, arguments: list[Any]) -> None:
    code = 0
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(2, 1)  # stdout belongs to the answers
        function(*arguments)
    except UserError as error:  # as the command line ends
        print(error, file=sys.stderr)
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
