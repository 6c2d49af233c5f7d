"""Options in groups: a command takes one value for each group, and its `--help` lists them all."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from typer.models import ArgumentInfo

from dlmath.errors import UserError


@runtime_checkable
class Group(Protocol):
    """Some options of a command, that become one of its arguments."""

    def parameters(self) -> Sequence[inspect.Parameter]:
        """Return the options in the order of `--help`, as Typer reads them."""

    def gather(self, values: Mapping[str, Any]) -> Any:
        """Return the argument, made of the value of each parameter."""


@dataclass(frozen=True)
class Rule:
    """A rule of an option: what it needs, or does not go together with.

    Attributes:
        option: Written as on the command line; an argument in capitals.
        because: The reason, a sentence.
        needs: An option without which it means nothing.
        without: Options that it does not go together with.
        only: Options that it goes together with; None for all but those of `without`.
    """

    option: str
    because: str
    needs: str = ""
    without: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None

    def refuse(self, given: Collection[str]) -> None:
        """Refuse options that break the rule.

        Raises:
            UserError: Which, and why.
        """
        if self.option not in given:
            return
        if self.needs and self.needs not in given:
            raise UserError(f"{self.option} belongs to {self.needs}. {self.because}")
        only = given if self.only is None else (self.option, *self.only)
        if wrong := [one for one in given if one in self.without or one not in only]:
            takes = f"It takes only {', '.join(self.only)}. " if self.only else ""
            raise UserError(
                f"{self.option} does not take {', '.join(wrong)}. {self.because} {takes}Leave one "
                "out."
            )


def grouped(rules: Sequence[Rule] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator by which a command takes its options in groups.

    Each parameter that is annotated with a dataclass of options, or with `Annotated[…, Group]`, is
    replaced by the options of the group. Options that break one of `rules` are refused.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        written = inspect.signature(command, eval_str=True).parameters
        groups = {name: group for name in written if (group := _group_of(written[name].annotation))}
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name in written
            for one in (groups[name].parameters() if name in groups else [written[name]])
        ]

        @functools.wraps(command)
        def called(**values: Any) -> None:
            given = [_name(one) for one in parameters if values[one.name] != one.default]
            for rule in rules:
                rule.refuse(given)
            for name, group in groups.items():
                own = {one.name: values.pop(one.name) for one in group.parameters()}
                values[name] = group.gather(own)
            command(**values)

        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return decorate


def _group_of(annotation: Any) -> Group | None:
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return _Dataclass(annotation)
    return next(
        (one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, Group)), None
    )


@dataclass(frozen=True)
class _Dataclass:
    """A dataclass whose fields are options."""

    made: type

    def parameters(self) -> Sequence[inspect.Parameter]:
        types = typing.get_type_hints(self.made, include_extras=True)
        return [
            inspect.Parameter(
                spec.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=spec.default,
                annotation=types[spec.name],
            )
            for spec in dataclasses.fields(self.made)
        ]

    def gather(self, values: Mapping[str, Any]) -> Any:
        return self.made(**values)


def _name(parameter: inspect.Parameter) -> str:
    """Return an option as it is written on the command line, and an argument in capitals."""
    info = parameter.annotation.__metadata__[0]
    if isinstance(info, ArgumentInfo):
        return parameter.name.upper()
    # Within Annotated, Typer keeps the first of the names that are given to it as the default.
    named = [info.default] if isinstance(info.default, str) else []
    return next(iter(named), f"--{parameter.name.replace('_', '-')}")
