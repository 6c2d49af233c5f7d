"""Schedule of checkpoints: as often as asked, but never for more than 2 % of the time."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from dlmath.errors import UserError

SHARE = 0.02  # the most of the training time that checkpoints may take
EVERY = "5min"

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Interval:
    """The distance between two checkpoints, in steps or in seconds."""

    steps: float = math.inf
    seconds: float = math.inf

    @classmethod
    def parse(cls, text: str) -> "Interval":
        """Read `200steps`, `30s`, `5min` or `1h`.

        Raises:
            UserError: The text is none of these.
        """
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text)
        amount, unit = (float(found[1]), found[2]) if found else (0.0, "")
        if amount >= 1 and unit in ("step", "steps") and amount == int(amount):
            return cls(steps=amount)
        if amount > 0 and unit in _UNITS:
            return cls(seconds=amount * _UNITS[unit])
        raise UserError(
            "The time between checkpoints is a number and its unit: 200steps, 30s, 5min or 1h. "
            f"Received: {text!r}"
        )


class CheckpointSchedule:
    """Decides when the next checkpoint is due, from the cost of the last one.

    Args:
        interval: The distance wanted within an epoch. The end of an epoch is always due.
        clock: Returns the time in seconds.
    """

    def __init__(self, interval: Interval, clock: Callable[[], float] = time.perf_counter):
        self.interval = interval
        self.clock = clock
        self.began = self.last_end = clock()
        self.steps = 0  # since the last checkpoint
        self.last_cost = 0.0  # seconds
        self.count = 0
        self.seconds = 0.0

    def is_due_after_step(self) -> bool:
        """Count a step, and return whether a checkpoint is due within the epoch."""
        self.steps += 1
        waited = self.clock() - self.last_end
        wanted = self.steps >= self.interval.steps or waited >= self.interval.seconds
        return wanted and self.is_affordable()

    def is_affordable(self) -> bool:
        """Return whether another checkpoint of the same cost stays within the time budget."""
        return self.last_cost <= SHARE * (self.clock() - self.last_end + self.last_cost)

    def time(self, save: Callable[[], object]) -> None:
        """Save, and measure what it cost."""
        start = self.clock()
        save()
        self.last_end = self.clock()
        self.last_cost = self.last_end - start
        self.steps = 0
        self.count += 1
        self.seconds += self.last_cost

    def as_dict(self) -> dict[str, float]:
        """Return the manifest's entry: the number of checkpoints, and the time they took.

        The share is of the time since the training began. The last checkpoint counts too.
        """
        whole = self.clock() - self.began
        return {
            "saved": self.count,
            "seconds": round(self.seconds, 3),
            "share": round(self.seconds / whole, 5) if whole else 0.0,
        }
