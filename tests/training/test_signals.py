import os
import signal
import threading

import pytest

from dlmath.training.signals import stop_request


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_a_second_one_leaves_at_once(number):
    before = signal.getsignal(number)
    with stop_request() as stop:
        assert stop.signal_number is None
        os.kill(os.getpid(), number)
        assert stop.signal_number == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_another_thread_trains_without_signals():
    seen = []

    def use():
        with stop_request() as stop:
            seen.append(stop.signal_number)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [None]
