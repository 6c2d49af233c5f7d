import os
import signal
import threading

import pytest

from dlmath.errors import Stopped
from dlmath.reporting import Reporter
from dlmath.training.signals import StopsOnSignal, stop_request


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


def test_a_block_inside_another_shares_its_request():
    with stop_request() as outer:
        with stop_request() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
        assert inner is outer
        with pytest.raises(Stopped, match="on with it") as stopped:
            StopsOnSignal(Reporter(), outer, "Go on with it.").progress("images", 3, 10)
    assert stopped.value.exit_code == 143


def test_another_thread_trains_without_signals():
    seen = []

    def use():
        with stop_request() as stop:
            seen.append(stop.signal_number)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [None]
