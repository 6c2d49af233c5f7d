"""Drift: test whether new images differ from those that a model was trained on.

Names are loaded on first use: a server keeps its statistics without what the test needs.
"""

from typing import TYPE_CHECKING

from dlmath._lazy import lazy_names

__all__ = ["Drift", "ServedStatistics", "drift"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Drift": "dlmath.drift.run_drift",
        "ServedStatistics": "dlmath.drift.statistics",
        "drift": "dlmath.drift.run_drift",
    },
)

if TYPE_CHECKING:
    from dlmath.drift.run_drift import Drift, drift
    from dlmath.drift.statistics import ServedStatistics
