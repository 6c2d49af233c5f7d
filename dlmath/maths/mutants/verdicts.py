"""The audit of experiments: each is run on every mutant of what it is about.

A mutant is noticed if the experiment, with its defaults, then fails, raises, or does not end. One
that goes unnoticed computes the same, which must be explained, or the experiment is too weak to be
evidence for what it says.
"""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import Any

from dlmath.errors import CheckFailedError
from dlmath.maths.experiment_base import Experiment
from dlmath.maths.mutants.forked import ENDLESS, FAILS, HOLDS, RAISES, judge
from dlmath.maths.mutants.targets import Mutant, Target, targets_of
from dlmath.maths.registry import find
from dlmath.reporting import Progress
from dlmath.terminal_text import command

LONGEST = 60.0  # seconds of processor time for the experiment as it is
NOTICED = (FAILS, RAISES, ENDLESS)


@dataclass(frozen=True)
class Judged:
    """A mutant, and how the experiment ended on it.

    Attributes:
        mutant: What was changed.
        how: `fails`, `raises` or `does not end`; `holds` if the experiment did not notice it.
    """

    mutant: Mutant
    how: str

    @property
    def noticed(self) -> bool:
        """Return whether the experiment noticed it."""
        return self.how in NOTICED


@dataclass(frozen=True)
class Audit:
    """An experiment on all mutants of what it is about.

    Attributes:
        experiment: Its name.
        judged: Every mutant, in the order of the functions and of their source.
    """

    experiment: str
    judged: tuple[Judged, ...]

    @property
    def survivors(self) -> list[Mutant]:
        """The mutants that the experiment did not notice."""
        return [one.mutant for one in self.judged if not one.noticed]

    def count(self, *how: str) -> int:
        """Return how many mutants ended in one of these ways."""
        return sum(one.how in how for one in self.judged)

    def as_json(self) -> dict[str, Any]:
        """Return plain values: counts, then every mutant."""
        return {
            "experiment": self.experiment,
            "tried": len(self.judged),
            "noticed": self.count(*NOTICED),
            **{how.replace(" ", "_"): self.count(how) for how in NOTICED},
            "mutants": [{**vars(one.mutant), "how": one.how} for one in self.judged],
        }


def audit(experiment: Experiment, every: int = 1) -> Audit:
    """Run an experiment on the mutants of what it is about.

    Args:
        experiment: Run with its defaults.
        every: Take the first of so many mutants of each function; 1 takes them all.

    Raises:
        CheckFailedError: It does not hold as it is, so nothing can be said of its mutants.
    """
    found = targets_of(experiment)
    plain = judge(lambda: experiment.run().holds, LONGEST)
    if plain.how != HOLDS:
        raise CheckFailedError(
            f"{experiment.name} {plain.how} as it is. "
            f"`{command('dlmath', 'learn', 'run', experiment.name)}` shows how; mend that first."
        )
    seconds = 2 + 5 * plain.seconds
    judged = [
        Judged(mutant, judge(partial(_holds_on, experiment, target, number), seconds).how)
        for target in found
        for number, mutant in list(enumerate(target.mutants))[::every]
    ]
    return Audit(experiment.name, tuple(judged))


def _holds_on(experiment: Experiment, target: Target, number: int) -> bool:
    with target.installed(number):
        return experiment.run().holds


def audit_all(
    names: Sequence[str], jobs: int | None = None, progress: Progress | None = None
) -> list[Audit]:
    """Return the audits of experiments, made in several processes, in the order of the names.

    Args:
        names: Of experiments.
        jobs: How many processes; by default one for each core.
        progress: Called with the number that is done, of all, and the name of the last one.

    Raises:
        UserError: There is no experiment of a name, or the system cannot fork.
        CheckFailedError: An experiment does not hold as it is.
    """
    for name in names:
        find(name)
    # New processes instead of copies of this one: they have no threads, and so can be forked.
    context = multiprocessing.get_context("spawn")
    workers = min(jobs or os.cpu_count() or 1, len(names))
    with ProcessPoolExecutor(workers, context) as pool:
        waiting = {pool.submit(_audit_named, name): name for name in names}
        for done, future in enumerate(as_completed(waiting), 1):
            if future.exception():
                pool.shutdown(cancel_futures=True)
            future.result()
            if progress:
                progress(done, len(names), waiting[future])
    found = {name: future.result() for future, name in waiting.items()}
    return [found[name] for name in names]


def _audit_named(name: str) -> Audit:
    return audit(find(name))
