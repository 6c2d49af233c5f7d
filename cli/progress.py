"""Progress on the command line: bars on a terminal, plain lines elsewhere.

All of it goes to stderr, so that stdout holds only results.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from dlmath.chatter import without_chatter
from dlmath.cli.output import ERR, giving_way
from dlmath.logs import DETAILS, attached
from dlmath.reporting import Reporter
from dlmath.terminal_text import one_line

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def reporter(*, verbose: bool = False) -> Iterator[Reporter]:
    """Give a reporter for the block: live bars if stderr is a terminal, else lines.

    Args:
        verbose: Also show the details that otherwise go only to a run's log.
    """
    with _shown() as shown, _details_printed(shown) if verbose else nullcontext():
        yield shown


@contextmanager
def _shown() -> Iterator[Reporter]:
    console = ERR.console()
    if not console.is_terminal:
        yield LineReporter()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    # Rich would send what Python prints on stdout to the bars' own stream.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        giving_way.append(partial(_stopped, progress))
        try:
            yield BarReporter(progress)
        finally:
            giving_way.pop()


@contextmanager
def _stopped(progress: Progress) -> Iterator[None]:
    """Take the bars away for the block, so that lines are printed above them."""
    if not progress.live.is_started:  # taken away already
        yield
        return
    progress.stop()
    try:
        yield
    finally:
        progress.start()


def _details_printed(reporter: Reporter) -> AbstractContextManager[None]:
    """Let a reporter say the details that are logged, for the block."""
    printer = _Printer(reporter)
    printer.addFilter(logging.Filter(DETAILS.name))
    return attached(printer)


class _Printer(logging.Handler):
    """Has a reporter say what is logged."""

    def __init__(self, reporter: Reporter):
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        """Say the message of a record."""
        self._reporter.say(record.getMessage())


class _QuietReporter(Reporter):
    def quietly(self) -> AbstractContextManager[None]:
        """Keep the chatter of native code off stderr."""
        return without_chatter()


class BarReporter(_QuietReporter):
    """Shows a bar for each task that is under way."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def say(self, message: str) -> None:
        """Print a line above the bars."""
        ERR.paragraph(message)

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Move the bar of `task`; a finished one goes away."""
        note = one_line(note)
        if task not in self._tasks:
            self._tasks[task] = self._progress.add_task(task, total=total, note=note)
        self._progress.update(self._tasks[task], completed=done, total=total, note=note)
        if done >= total:
            self._progress.remove_task(self._tasks.pop(task))
            # Now, not at the next tick: what comes may hold Python's lock for seconds.
            self._progress.refresh()


class LineReporter(_QuietReporter):
    """Prints a line every few seconds, for logs and pipes."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def say(self, message: str) -> None:
        """Print a line."""
        ERR.line(message)

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Print how far `task` is, unless a line was printed just now."""
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            self.say(f"{task}  {done}/{total}  {note}".rstrip())
