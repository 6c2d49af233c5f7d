"""`dlmath serve` in a process of its own, for the benchmarks that ask it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

START_SECONDS = 120


class Server:
    """Serves a run for the length of a `with` block.

    Args:
        run: Its folder.
        options: Further words of the command line.

    Attributes:
        port: On the loopback.
        url: Without a slash at the end.
        process: Of the server.
    """

    def __init__(self, run: Path, *options: str):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._errors = tempfile.NamedTemporaryFile()  # noqa: SIM115  until nobody holds the server
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dlmath", "serve", str(run), "--port", str(self.port), *options],
            stdout=self._errors,
            stderr=self._errors,
        )

    def __enter__(self) -> Self:
        until = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                sys.exit(f"The server does not start: {self.said()}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """Return what it printed until now."""
        return Path(self._errors.name).read_text(encoding="utf-8", errors="replace")

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def memory(self) -> float:
        """Return the resident memory in 10^6 bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
