"""A folder with bait, in which whatever a file does when it is opened leaves a trace."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Target:
    """A folder in which a file that did something would leave a trace.

    Attributes:
        folder: Holds the bait.
        traces: What was seen while `watched`.
    """

    folder: Path
    traces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secret.write_text("of nobody's business\n" * 400)
        self.folder.joinpath("inner").mkdir()

    @property
    def marker(self) -> Path:
        """Exists once code has run, or a file was written outside."""
        return self.folder / "marker"

    @property
    def secret(self) -> Path:
        """A file that no model has any business with."""
        return self.folder / "secret.txt"

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what happens inside: code, network, files next to the target read or made."""
        os.utime(self.secret, (0, self.secret.stat().st_mtime))
        before = sorted(self.folder.rglob("*"))
        _watching.append(self)
        try:
            yield
        finally:
            _watching.remove(self)
        if self.secret.stat().st_atime != 0:  # seen even where HDF5's own C code reads
            self.traces.append("the secret file was read")
        if sorted(self.folder.rglob("*")) != before:
            self.traces.append("a file was made or removed")


_watching: list[Target] = []
_ALARMS = ("os.system", "subprocess.Popen", "socket.connect", "marshal.loads", "os.exec", "urllib")


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    for target in _watching:
        if event.startswith(_ALARMS) and not _is_import(event):
            target.traces.append(event)
        elif event == "open" and str(arguments[0]) in (str(target.secret), str(target.marker)):
            target.traces.append(f"{arguments[0]} was opened")


def _is_import(event: str) -> bool:
    """Whether the interpreter itself reads a compiled module: marshal is what those are in."""
    return event == "marshal.loads" and "importlib" in sys._getframe(2).f_code.co_filename


sys.addaudithook(_notice)
