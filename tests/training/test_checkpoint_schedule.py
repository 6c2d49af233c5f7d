import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import UserError
from dlmath.training.checkpoint_schedule import SHARE, CheckpointSchedule, Interval


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("200steps", Interval(steps=200)),
        ("1step", Interval(steps=1)),
        ("30s", Interval(seconds=30)),
        ("0.5min", Interval(seconds=30)),
        (" 2 h ", Interval(seconds=7200)),
    ],
)
def test_an_interval_is_a_number_with_its_unit(text, interval):
    assert Interval.parse(text) == interval


@pytest.mark.parametrize("text", ["5", "", "0s", "0steps", "1.5steps", "-1s", "5m", "1e3s", "s"])
def test_anything_else_is_refused(text):
    with pytest.raises(UserError, match="200steps, 30s, 5min or 1h"):
        Interval.parse(text)


@given(
    costs=st.lists(st.floats(1e-4, 30), min_size=1, max_size=20),
    step=st.floats(1e-3, 60),
    steps=st.integers(1, 50),
    epoch=st.integers(1, 20),
)
def test_checkpoints_never_cost_more_than_their_share(costs, step, steps, epoch):
    """Where each costs as much as the one before; what the last costs is not known beforehand."""
    clock = Clock()
    schedule = CheckpointSchedule(Interval(steps=steps), clock)
    began, spent = clock.now, []

    def save():
        cost = costs[min(len(spent) // 3, len(costs) - 1)]
        clock.now += cost
        spent.append((cost, clock.now))

    for number in range(1, 300):
        clock.now += step
        due = schedule.is_due_after_step()
        if due or (number % epoch == 0 and schedule.is_affordable()):
            schedule.time(save)
    for (cost, end), (_, next_end) in itertools.pairwise(spent):
        assert cost <= SHARE * (next_end - end + cost) * (1 + 1e-9)
    assert schedule.as_dict()["saved"] == len(spent)
    assert schedule.as_dict()["seconds"] == pytest.approx(sum(cost for cost, _ in spent), abs=1e-3)
    assert clock.now > began


def test_it_waits_for_its_interval():
    clock = Clock()
    by_steps, by_time = (
        CheckpointSchedule(Interval(steps=3), clock),
        CheckpointSchedule(Interval(seconds=10), clock),
    )
    assert [by_steps.is_due_after_step() for _ in range(4)] == [False, False, True, True]
    by_steps.time(lambda: None)
    assert not by_steps.is_due_after_step()
    assert not by_time.is_due_after_step()
    clock.now += 10
    assert by_time.is_due_after_step()
