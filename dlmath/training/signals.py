"""Ctrl-C and SIGTERM as a request to stop, honoured at the end of a step, where nothing is lost."""

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from dlmath.errors import Stopped
from dlmath.reporting import Reporter

_WATCHED = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """The signal that arrived, or None. A second one ends the process at once."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __call__(self, signal_number: int, _frame: FrameType | None) -> None:
        if self.signal_number is None:
            self.signal_number = signal_number
        elif signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + signal_number)

    def check_not_stopped(self, message: str) -> None:
        """Leave with `message` if a signal came.

        Raises:
            Stopped: A signal came.
        """
        if self.signal_number is not None:
            raise Stopped(message, self.signal_number)


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Watch for SIGINT and SIGTERM inside the block, then put the old handlers back.

    A command opens one such block and passes the request on in its `TrainingContext`.
    Python delivers signals to the main thread only; in another thread the request stays unset.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = {number: signal.signal(number, request) for number in _WATCHED}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class StopsOnSignal(Reporter):
    """Reporter that passes everything on, and stops the work at the first progress after a signal.

    Args:
        reporter: Receives the messages and the progress.
        stop: The request to stop.
        what_next: What is kept, and the command that goes on.
    """

    def __init__(self, reporter: Reporter, stop: StopRequest, what_next: str):
        self.reporter = reporter
        self.stop = stop
        self.what_next = what_next

    def say(self, message: str) -> None:
        """Pass a line on."""
        self.reporter.say(message)

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Pass progress on, then leave if a signal came."""
        self.reporter.progress(task, done, total, note)
        self.stop.check_not_stopped(f"Stopped after {done:,} of {total:,} {task}. {self.what_next}")

    def quietly(self) -> AbstractContextManager[None]:
        """Return the block of the reporter that keeps native code quiet."""
        return self.reporter.quietly()
