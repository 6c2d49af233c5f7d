"""Runs functions in processes of their own that begin with TensorFlow already imported.

A server imports what takes seconds, without starting TensorFlow, and forks a child for each call.
A child may then be killed at any point without an import for each kill.

    with ForkServer(Path("tests/crashing.py")) as server:
        server.call("function", argument)  # the exit code; minus the signal that killed it
"""

import importlib.util
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Self


class ForkServer:
    """Calls functions of one module.

    Args:
        module: The file that defines them; what it imports is imported once.
    """

    def __init__(self, module: Path):
        self.module = module

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__, self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its stdin, upon which it ends

    def call(self, function: str, *arguments: Any) -> int:
        """Return the exit code of `function(*arguments)`, JSON-able arguments, in its own process.

        0 where it returns, 1 where it raises; negative where a signal killed it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the fork server ended: {self._process.communicate()[1]}")
        return int(answer)


def serve(module: Path) -> None:
    """Fork a child for each line on stdin, and answer with its exit code on stdout."""
    spec = importlib.util.spec_from_file_location(module.stem, module)
    functions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(functions)
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
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
