"""What a long task tells the one who waits. The library is silent unless given a reporter."""

from contextlib import AbstractContextManager, nullcontext


class Reporter:
    """Hears of the progress of a task; this one keeps silent, subclasses show it."""

    def say(self, message: str) -> None:
        """Hear one line of news."""

    def detail(self, message: str) -> None:
        """Hear what only those want to know who look for a fault."""

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Hear that `done` of `total` units of `task` are done.

        A note is a few words on the state, such as a loss. `done == total` ends the task.
        """

    def quietly(self) -> AbstractContextManager[None]:
        """Give a context for native code that chatters; a program may keep that off its stderr."""
        return nullcontext()


SILENT = Reporter()
