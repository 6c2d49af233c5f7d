"""What is said of a slope."""

import pytest

from dlmath.bench import scaling, timing
from dlmath.reporting import SILENT


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ((1, 2, 4), "twice the images take 2.00 times as long"),
        ((4, 2, 1), "twice the images take 0.50 times as long"),
    ],
)
def test_a_slope_is_said_as_what_twice_as_much_takes(seconds, said, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def make(size):
        def work():
            now[0] += seconds[(1, 2, 4).index(size)]

        return work

    found = scaling.slope("Solving", "images", (1, 2, 4), 3, SILENT, make)
    assert found.title == f"Solving: {said}"
