"""Progress reports of a long task to its caller. The library is silent unless given a reporter."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol


class Progress(Protocol):
    """Receives how far one task is, such as `Reporter.task` returns it.

    What carries out a single task takes it, and its caller names the task; what carries out several
    takes a `Reporter`.
    """

    def __call__(self, done: int, total: int, note: str = "") -> object:
        """Receive that `done` of `total` units are done; a note is a few words on the state."""


class Reporter:
    """Receives news and progress. The base class is silent; subclasses display them."""

    def say(self, message: str) -> None:
        """Receive one line of news."""

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Receive that `done` of `total` units of `task` are done.

        A note is a few words on the state, such as a loss. `done == total` ends the task.
        """

    def task(self, name: str) -> Progress:
        """Return what receives the progress of one task, and passes it on under this name."""
        return partial(self.progress, name)

    def quietly(self) -> AbstractContextManager[None]:
        """Return a context for native code that chatters; a program may keep that off stderr."""
        return nullcontext()


SILENT = Reporter()
