"""A statement as an experiment: hypotheses as arguments, values against bounds, a verdict.

The code of an experiment computes both sides of its statement. The defaults satisfy the
hypotheses, so the verdict is that it holds; the *sabotage* is a set of arguments that violates a
hypothesis, and turns the verdict. An experiment that could not fail would show nothing.
"""

import inspect
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from dlmath.charts import Chart
from dlmath.errors import UserError, did_you_mean
from dlmath.maths.papers import Source

Setting = bool | int | float | str
Number = float | np.number | np.ndarray  # an array of one number


@dataclass(frozen=True)
class Check:
    """A value against its bound.

    Attributes:
        name: What was computed.
        value: The value. NaN never holds.
        relation: `<=` or `>=`.
        bound: What the statement says of it.
    """

    name: str
    value: float
    relation: str
    bound: float

    @property
    def holds(self) -> bool:
        """Return whether the value is on the side of the bound that the statement says."""
        return self.value <= self.bound if self.relation == "<=" else self.value >= self.bound

    def as_json(self) -> dict[str, Any]:
        """Return plain values; JSON has no infinity, and an undefined value is null."""
        return {
            "name": self.name,
            "value": _plain(self.value),
            "relation": self.relation,
            "bound": _plain(self.bound),
            "holds": self.holds,
        }


def at_most(name: str, value: Number | Iterable[Number], bound: Number) -> Check:
    """Return the check that `value <= bound`; of several values, that the largest is.

    NaN is on no side of a bound, so that the check fails if one of the values is undefined.
    """
    return Check(name, _worst(value, np.max), "<=", float(bound))


def at_least(name: str, value: Number | Iterable[Number], bound: Number) -> Check:
    """Return the check that `value >= bound`; of several values, that the smallest is."""
    return Check(name, _worst(value, np.min), ">=", float(bound))


def _worst(value: Number | Iterable[Number], choose: Callable[..., Any]) -> float:
    values = list(value) if isinstance(value, Iterable) and not np.isscalar(value) else value
    return float(choose(np.asarray(values, float)))


@dataclass(frozen=True)
class Outcome:
    """The outcome of an experiment: its checks, and a chart that shows them."""

    checks: tuple[Check, ...]
    chart: Chart


@dataclass(frozen=True)
class Sabotage:
    """Arguments that violate a hypothesis.

    Attributes:
        why: Which hypothesis, in words.
        arguments: What to set.
    """

    why: str
    arguments: Mapping[str, Setting]


@dataclass(frozen=True)
class Result:
    """An experiment that was run.

    Attributes:
        experiment: Which.
        arguments: All of them, the defaults as well.
        checks: Values against bounds.
        chart: What it looks like.
        seconds: How long it took.
    """

    experiment: "Experiment"
    arguments: dict[str, Setting]
    checks: tuple[Check, ...]
    chart: Chart
    seconds: float

    @property
    def holds(self) -> bool:
        """The verdict: every value is on its side of the bound."""
        return all(check.holds for check in self.checks)

    @property
    def changed(self) -> dict[str, Setting]:
        """The arguments that are not the defaults."""
        defaults = self.experiment.defaults
        return {name: value for name, value in self.arguments.items() if value != defaults[name]}

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain values that JSON can hold."""
        return {
            **self.experiment.as_json(),
            "arguments": self.arguments,
            "checks": [check.as_json() for check in self.checks],
            "verdict": "holds" if self.holds else "fails",
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class Experiment:
    """A statement of a paper together with the code that puts it to the test.

    Attributes:
        name: As on the command line.
        title: A few words.
        statement: What is claimed, in full, with its hypotheses.
        sources: Where the papers say so.
        sabotage: Arguments that must turn the verdict.
        compute: The code; its keyword arguments are the hypotheses and the sizes.
        reference: The literature that a lost formula, a constant or a proof was restored from.
        about: Names of the functions whose wrongness the experiment must notice, as
            `dlmath.maths.mutants.targets` reads them.
    """

    name: str
    title: str
    statement: str
    sources: tuple[Source, ...]
    sabotage: Sabotage
    compute: Callable[..., Outcome]
    reference: str = ""
    about: tuple[str, ...] = ()
    defaults: dict[str, Setting] = field(init=False)

    def __post_init__(self) -> None:
        parameters = inspect.signature(self.compute).parameters.values()
        object.__setattr__(self, "defaults", {p.name: p.default for p in parameters})

    def run(self, **arguments: Setting) -> Result:
        """Compute both sides; arguments left out have their defaults, which satisfy the hypotheses.

        Raises:
            UserError: There is no such argument, or nothing can be computed from its value.
        """
        self._check_known(arguments)
        settings = {**self.defaults, **arguments}
        began = time.perf_counter()
        try:
            # One thread: the matrices are small, and no bit then depends on the number of cores.
            # What diverges, as it should beyond a bound, may overflow on its way.
            with (
                threadpool_limits(1, "blas"),
                np.errstate(over="ignore", invalid="ignore", divide="ignore"),
            ):
                outcome = self.compute(**settings)
        except (ArithmeticError, IndexError, ValueError) as error:
            if settings == self.defaults:
                raise
            raise UserError(
                f"{self.name} cannot be computed from these arguments: {error}. Received: "
                f"{_listed(arguments)}. Its defaults are {_listed(self.defaults)}."
            ) from error
        seconds = time.perf_counter() - began
        return Result(self, settings, outcome.checks, outcome.chart, seconds)

    def as_json(self) -> dict[str, Any]:
        """Return what the experiment is, without running it."""
        return {
            "name": self.name,
            "title": self.title,
            "statement": self.statement,
            "sources": [source.as_json() for source in self.sources],
            "reference": self.reference,
            "about": list(self.about),
            "sabotage": {"why": self.sabotage.why, "arguments": dict(self.sabotage.arguments)},
        }

    def _check_known(self, arguments: Mapping[str, Setting]) -> None:
        for name in arguments:
            if name not in self.defaults:
                raise UserError(
                    f"{self.name} has no argument {name!r}."
                    f"{did_you_mean(name, self.defaults)} It has {_listed(self.defaults)}."
                )


def experiment(
    *,
    title: str,
    statement: str,
    sources: tuple[Source, ...],
    sabotage: Sabotage,
    reference: str = "",
    about: tuple[str, ...] = (),
) -> Callable[[Callable[..., Outcome]], Experiment]:
    """Make an `Experiment` of the function below it, named after the function."""

    def make(compute: Callable[..., Outcome]) -> Experiment:
        name = compute.__name__.replace("_", "-")
        return Experiment(name, title, statement, sources, sabotage, compute, reference, about)

    return make


def _listed(arguments: Mapping[str, Setting]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def _plain(figure: float) -> float | str | None:
    if math.isnan(figure):
        return None
    if math.isinf(figure):
        return "infinite" if figure > 0 else "-infinite"
    return figure
