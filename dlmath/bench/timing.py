"""Measure contestants in turns, and report them as ratios to a named baseline.

Other work on the machine falls on all of them alike when they take turns (A B A B), and the median
of the rounds forgives a disturbed one. Seconds belong to one machine in one hour; the ratio is what
can be compared.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dlmath.reporting import SILENT, Reporter


@dataclass(frozen=True)
class Comparison:
    """The times of several ways to do one thing.

    Attributes:
        title: What was done.
        baseline: The way that the others are compared with.
        amount: How much was done in one round, in units of `unit`.
        unit: Such as images.
        seconds: Of each way, the time of every round.
        notes: Of some ways, what else a reader should know.
    """

    title: str
    baseline: str
    amount: float
    unit: str
    seconds: Mapping[str, tuple[float, ...]]
    notes: Mapping[str, str]

    def median(self, name: str) -> float:
        """Return the median time of a way in seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, name: str) -> float:
        """Return how many times as fast as the baseline a way is."""
        return self.median(self.baseline) / self.median(name)

    def as_json(self) -> dict[str, Any]:
        """Return everything, for `--json`."""
        return {
            "title": self.title,
            "baseline": self.baseline,
            "unit": self.unit,
            "ways": {
                name: {
                    "median_seconds": self.median(name),
                    "seconds": list(self.seconds[name]),
                    "per_second": self.amount / self.median(name),
                    "ratio": self.ratio(name),
                    "note": self.notes.get(name),
                }
                for name in self.seconds
            },
        }


def take_turns(
    title: str,
    ways: Mapping[str, Callable[[], object]],
    *,
    baseline: str,
    amount: float,
    unit: str,
    rounds: int,
    notes: Mapping[str, str] | None = None,
    reporter: Reporter = SILENT,
) -> Comparison:
    """Run each way once outside the clock, then all of them in turn, `rounds` times."""
    return Comparison(
        title, baseline, amount, unit, seconds_in_turns(title, ways, rounds, reporter), notes or {}
    )


def seconds_in_turns(
    title: str, ways: Mapping[Any, Callable[[], object]], rounds: int, reporter: Reporter
) -> dict[Any, tuple[float, ...]]:
    """Return the seconds of every round of each way, after one outside the clock.

    Args:
        title: What is measured, as the progress names it.
        ways: By a key.
        rounds: How often each is measured.
        reporter: Receives the progress: a unit for each call.
    """
    seconds: dict[Any, list[float]] = {name: [] for name in ways}
    calls = [(clocked, name) for clocked in (False, *[True] * rounds) for name in ways]
    for done, (clocked, name) in enumerate(calls):
        reporter.progress(title, done, len(calls), str(name))
        began = time.perf_counter()
        ways[name]()
        if clocked:
            seconds[name].append(time.perf_counter() - began)
    reporter.progress(title, len(calls), len(calls))
    return {name: tuple(values) for name, values in seconds.items()}
