"""Ctrl-C and SIGTERM as a request, honoured where nothing is lost by it: at the end of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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

    def refuse_to_go_on(self, message: str) -> None:
        """Leave with `message` if a signal came.

        Raises:
            Stopped: It came.
        """
        if self.signal_number is not None:
            raise Stopped(message, self.signal_number)


_request_in_force: StopRequest | None = None


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Watch for SIGINT and SIGTERM inside the block, then put the old handlers back.

    A block inside another shares its request, so that no signal is lost between two of them.
    Python delivers signals to the main thread only; in another the request stays unset.
    """
    global _request_in_force  # there is one set of signal handlers in a process
    if threading.current_thread() is not threading.main_thread():
        yield StopRequest()
        return
    if _request_in_force is not None:
        yield _request_in_force
        return
    request = _request_in_force = StopRequest()
    previous = {number: signal.signal(number, request) for number in _WATCHED}
    try:
        yield request
    finally:
        _request_in_force = None
        for number, handler in previous.items():
            signal.signal(number, handler)


class StopsOnSignal(Reporter):
    """Passes news on, and ends the work at the first progress after a signal.

    Args:
        reporter: Hears the news.
        stop: Asked whether a signal came.
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
        self.stop.refuse_to_go_on(f"Stopped after {done:,} of {total:,} {task}. {self.what_next}")
