"""The suite that checks the checker: every fault installed, and what noticed it."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import tensorflow as tf

from dlmath import layers
from dlmath.gradcheck.cases import GRADED, Case
from dlmath.gradcheck.checker import (
    EXPLAINED,
    TOLERANCE,
    extreme_points,
    failures,
    worst_extremes,
)
from dlmath.gradcheck.differentiable import random_upstream, tape_gradients
from dlmath.gradcheck.faults import FAULTS
from dlmath.gradcheck.mutation import Fault, mutants
from dlmath.gradcheck.oracles import relative_error
from dlmath.gradcheck.panel import Panel
from dlmath.gradcheck.precision import Float32
from dlmath.gradcheck.registry import CASES
from dlmath.gradcheck.report import ORACLES
from dlmath.layers import cancellation
from dlmath.layers.hand_derived import HandDerived
from dlmath.layers.linear_map import LinearMap
from dlmath.seeds import generator

BACKWARD = (
    "backward",
    "adjoint",
    "put_back",
    "retreat",
    "coefficients",
    "weight_gradients",
)
SUMS = ("leaders", "sum_of_others", "centred")


# What a wrong backward pass may raise instead of returning: shapes that do not fit, names that are
# not there.
RAISED = (ValueError, TypeError, KeyError, AttributeError, IndexError, tf.errors.OpError)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one fault: which oracles caught it.

    Args:
        fault: The fault.
        caught_by: The oracles that caught it at the first case where any did; "error" where it
            could not even run. Empty if it was not caught.
        case: That case.
        by_ones: Whether comparing with the tape under an upstream gradient of ones would have.
        of_zero: Whether what it zeroes, negates or transposes is a gradient that is 0 in all cases,
            as that of positions in the tokens is.
    """

    fault: Fault
    caught_by: tuple[str, ...]
    case: str | None
    by_ones: bool
    of_zero: bool = False

    @property
    def equivalent(self) -> bool:
        """Return whether the fault is none: it changes 0, or transposes its own transpose."""
        transpose = self.fault.transpose
        moves_nothing = transpose is not None and not transpose.moved
        return not self.caught_by and (self.of_zero or moves_nothing)

    @property
    def plain(self) -> str | None:
        """Why it takes no oracle to notice the fault, or None where it does."""
        if self.caught_by == ("error",):
            return "does not run"
        whole = re.fullmatch(r"`(?:dL/d\w+|result|gradients)` (zero|negated)", self.fault.what)
        return None if whole is None else whole[1]


class Bench:
    """A case with all that its oracles need to know, computed once with the right passes.

    Args:
        case: The case.
    """

    def __init__(self, case: Case):
        self.case = case
        random = generator(0, "gradcheck", case.name)
        self.subject = case.subject(random)
        self.upstream = random_upstream(self.subject, random)
        self.ones = [tf.ones_like(g) for g in self.upstream]
        self.under_ones = tape_gradients(self.subject.plain, self.subject.tensors, self.ones)
        self.panel = Panel(self.subject, self.upstream, generator(0, "suite", case.name))
        self.extremes = extreme_points(case)
        self.in_float32 = self._in_float32()
        self.zeros: dict[tuple[Any, str], set[str]] = {}  # what each part of the pass gives as 0
        self.later = {"extremes": self.fails_at_extremes, "float32": self.fails_in_float32}
        # What fails with the right passes too shows no fault.
        failed = [name for name, fails in self.later.items() if fails()]
        self.unsound = frozenset((*self.failed_oracles(), *failed))

    def noticed_by(self) -> tuple[str, ...]:
        """Return the oracles that notice the fault that is installed now.

        Those at the case's own point; where none does, extremes, and float32 last.
        """
        failed = tuple(name for name in self.failed_oracles() if name not in self.unsound)
        for name, fails in self.later.items():
            failed = failed or ((name,) if name not in self.unsound and fails() else ())
        return failed

    def _in_float32(self) -> list[Float32]:
        points = [(self.subject, self.upstream)]
        points += [(one.subject, one.upstream) for one in self.extremes if one.label in GRADED]
        return [Float32(*point, generator(0, "suite", self.case.name)) for point in points]

    def fails_under_ones(self) -> bool:
        """Return whether the usual check fails: the tape, with an upstream gradient of ones."""
        ours, theirs = self.subject.by_hand(self.ones), self.under_ones
        return any(relative_error(ours[n], theirs[n]) > TOLERANCE for n in self.subject.names)

    def failed_oracles(self) -> tuple[str, ...]:
        """The oracles that any gradient fails at the case's own point."""
        errors = self.panel.errors()
        failed = {
            oracle
            for name in self.subject.names
            for oracle in failures(
                {o: found[name] for o, found in errors.items()}, self.case.keras_tolerance
            )
        }
        return tuple(oracle for oracle in ORACLES if oracle in failed)

    def fails_at_extremes(self) -> bool:
        """Return whether any gradient is wrong at an extreme."""
        bound = self.case.keras_tolerance or TOLERANCE
        return any(error > bound for error, _ in worst_extremes(self.extremes).values())

    def fails_in_float32(self) -> bool:
        """Return whether any gradient loses more digits in float32 than rounding explains."""
        errors = (one.errors() for one in self.in_float32)
        return any(error > EXPLAINED for one in errors for error in one.values())


def all_faults() -> list[Fault]:
    """Yield every fault written by hand, then every mutant of every backward pass."""
    return [
        *FAULTS,
        *(fault for owner, name in backward_passes() for fault in mutants(owner, name)),
    ]


def backward_passes() -> Iterator[tuple[Any, str]]:
    """Return every function of `dlmath.layers` that is part of a backward pass: (owner, name).

    The methods in the order of the files' names, then of the classes in a file; last the functions
    of `cancellation.py`.
    """
    for module in _modules():
        for owner in _classes(module):
            for name in BACKWARD:
                if name not in owner.__dict__ or owner in (HandDerived, LinearMap):
                    continue
                if not _is_abstract(owner.__dict__[name]):
                    yield owner, name
    for name in SUMS:
        yield cancellation, name


def _is_abstract(function: Callable) -> bool:
    return "raise NotImplementedError" in inspect.getsource(function)


def _modules() -> list[ModuleType]:
    found = pkgutil.iter_modules(layers.__path__, f"{layers.__name__}.")
    return [importlib.import_module(module.name) for module in found]


def _classes(module: ModuleType) -> list[type]:
    found = (value for value in vars(module).values() if inspect.isclass(value))
    return [value for value in found if value.__module__ == module.__name__]


def run(faults: Sequence[Fault], cases: Iterable[Case] = CASES) -> list[Verdict]:
    """Install every fault in turn, and find out what notices it."""
    benches = [Bench(case) for case in cases]
    users = _users(benches)
    return [_verdict(fault, users[fault.owner, fault.attribute]) for fault in faults]


def _users(benches: Iterable[Bench]) -> dict[tuple[Any, str], list[Bench]]:
    """Return the cases that run through each part of a backward pass."""
    users: dict[tuple[Any, str], list[Bench]] = {found: [] for found in backward_passes()}
    for bench in benches:
        for (owner, name), its_users in users.items():
            met: list[Any] = []
            with Fault("", "", owner, name, _noticing(owner.__dict__[name], met)).installed():
                bench.subject.by_hand(bench.upstream)
            if met:
                its_users.append(bench)
                bench.zeros[owner, name] = set.intersection(*map(_zeros, met))
    return users


def _noticing(function: Callable, met: list[Any]) -> Callable:
    def noticing(*given: Any) -> Any:
        met.append(function(*given))
        return met[-1]

    return noticing


def _zeros(returned: Any) -> set[str]:
    """Return the names of the gradients that are 0, of what a backward pass returned."""
    found = returned.items() if isinstance(returned, dict) else ()
    eager = [(name, value) for name, value in found if hasattr(value, "numpy")]
    return {name for name, value in eager if not value.numpy().any()}


def _verdict(fault: Fault, benches: Sequence[Bench]) -> Verdict:
    caught: tuple[tuple[str, ...], str | None] = ((), None)
    by_ones = False
    with fault.installed():
        for bench in benches:
            if not caught[0]:
                found = _noticed(bench)
                caught = (found, bench.case.name) if found else caught
            by_ones = by_ones or _raises_or(bench.fails_under_ones)
            if caught[0] and by_ones:
                break
    return Verdict(fault, *caught, by_ones, _is_of_zero(fault, benches))


def _is_of_zero(fault: Fault, benches: Sequence[Bench]) -> bool:
    changed = re.fullmatch(r"`dL/d(\w+)` (?:zero|negated|transposed)", fault.what)
    part = fault.owner, fault.attribute
    return changed is not None and all(changed[1] in bench.zeros[part] for bench in benches)


def _noticed(bench: Bench) -> tuple[str, ...]:
    """Return the oracles that notice the fault that is installed now."""
    try:
        return bench.noticed_by()
    except RAISED:
        return ("error",)


def _raises_or(judgement: Callable[[], bool]) -> bool:
    try:
        return judgement()
    except RAISED:
        return True
