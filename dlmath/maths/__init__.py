"""The algorithms and theorems of five papers, in NumPy, each statement as an experiment.

Example::

    from dlmath.maths import find

    result = find("gradient-descent-contracts").run(rate=0.5)
    print(result.holds, [check.value for check in result.checks])
"""

from dlmath.maths.experiment_base import Check, Experiment, Outcome, Result, Sabotage
from dlmath.maths.papers import PAPERS, Paper, Source
from dlmath.maths.registry import all_experiments, find

__all__ = [
    "PAPERS",
    "Check",
    "Experiment",
    "Outcome",
    "Paper",
    "Result",
    "Sabotage",
    "Source",
    "all_experiments",
    "find",
]
