import contextlib
import os
import signal
import threading

import pytest

from dlmath.errors import Stopped
from dlmath.reporting import Reporter
from dlmath.training.signals import StopRequest, StopsOnSignal, stop_request


@pytest.mark.parametrize(
    ("number", "leaves"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_is_noted_and_a_second_one_leaves_at_once(number, leaves):
    before = signal.getsignal(number)
    with stop_request() as stop:
        assert stop.signal_number is None
        os.kill(os.getpid(), number)
        assert stop.signal_number == number
        with pytest.raises(leaves):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_the_first_progress_after_a_signal_stops_the_work():
    with stop_request() as stop:
        reporter = StopsOnSignal(Reporter(), stop, "Go on with it.")
        reporter.progress("images", 2, 10)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped, match="Stopped after 3 of 10 images. Go on") as stopped:
            reporter.progress("images", 3, 10)
    assert stopped.value.exit_code == 143


def test_a_reporter_that_stops_passes_everything_on():
    heard = []

    class Listens(Reporter):
        def say(self, message):
            heard.append(("say", message))

        def progress(self, task, done, total, note=""):
            heard.append((task, done, total, note))

        @contextlib.contextmanager
        def quietly(self):
            heard.append("quiet")
            yield

    reporter = StopsOnSignal(Listens(), StopRequest(), "")
    reporter.say("a")
    reporter.task("images")(1, 2, "c")
    with reporter.quietly():
        pass

    assert heard == [("say", "a"), ("images", 1, 2, "c"), "quiet"]


def test_another_thread_trains_without_signals():
    seen = []

    def use():
        with stop_request() as stop:
            seen.append(stop.signal_number)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [None]
