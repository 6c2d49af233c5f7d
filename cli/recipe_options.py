"""Options that set fields of a recipe, made of what the fields say about themselves."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer
from typer.models import OptionInfo

from dlmath.cli.completion import backbone_names
from dlmath.errors import RecipeError, UserError
from dlmath.recipe import Between, OneOf, Recipe, settings_of
from dlmath.recipe.metadata import types_of
from dlmath.recipe.table_columns import split_columns

# What only the command line knows of a field: what a shell offers for it.
_COMPLETIONS = {"backbone": backbone_names}


def patient_rules(written: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the rules of `--patients REGEX`: empty for the word none, None if it is not given."""
    from dlmath.data.patients import rule_from

    if not written:
        return None
    if any(text.casefold() == "none" for text in written):
        if len(written) > 1:
            raise RecipeError(
                f"--patients none stands by itself. Received: {', '.join(written)}. Leave one out."
            )
        return ()
    return tuple(rule_from(text) for text in written)


def named_columns(written: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return what `--columns` says, a text for each column; None if it is not given."""
    return split_columns(written) if written else None


def reading_options(patients: Sequence[str] | None, columns: Sequence[str] | None) -> list[str]:
    """Return the words of a next command that read the same data in the same way."""
    given = (("--patients", patients), ("--columns", columns))
    return [word for option, texts in given for text in texts or () for word in (option, text)]


# How the words of an option become the value of its field, where they are not that already.
_READERS: dict[str, Callable[[Any], Any]] = {
    "patient_rules": patient_rules,
    "columns": named_columns,
}


def field_option(field: str, recipe: type[Recipe] = Recipe) -> Any:
    """Return the option that sets a field, for `Annotated`."""
    about = settings_of(recipe)[field]
    assert about.option is not None
    lowest = None
    if isinstance(about.limits, Between) and not about.limits.open_low:
        lowest = about.limits.low
    return typer.Option(
        f"--{(about.option.name or field).replace('_', '-')}",
        help=about.option.help or about.help,
        metavar=about.option.metavar,
        min=lowest,
        autocompletion=_COMPLETIONS.get(field),
    )


PatientsOption = Annotated[list[str] | None, field_option("patient_rules")]
ColumnsOption = Annotated[list[str] | None, field_option("columns")]


class RecipeOptions:
    """The options that set fields of a recipe, gathered as a dictionary of those that are given.

    Args:
        names: Fields that have an option; by default all of them, and `--set` for the others.
        recipe: The class of recipes.
    """

    def __init__(self, *names: str, recipe: type[Recipe] = Recipe):
        about = settings_of(recipe)
        self.recipe = recipe
        self.names = names or tuple(name for name in about if about[name].option)
        self.sets_others = not names

    def parameters(self) -> Sequence[inspect.Parameter]:
        """Return an option for each field, and `--set`."""
        made = [
            _parameter(name, self._type(name), field_option(name, self.recipe))
            for name in self.names
        ]
        if self.sets_others:
            made.append(_parameter("setting", list[str], self._set_option()))
        return made

    def gather(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that are set, and their values.

        Raises:
            UserError: A field is set twice, or `--set` does not name one.
        """
        settings: dict[str, Any] = {}
        for name in self.names:
            value = values[name]
            if name in _READERS:
                value = _READERS[name](value)
            if value is not None:
                settings[name] = value
        for name, value in map(self.recipe.parse_setting, values.get("setting") or ()):
            if name in settings:
                raise UserError(f"`{name}` is given twice. Leave out one of the two.")
            settings[name] = value
        return settings

    def complete_setting(self, incomplete: str) -> list[tuple[str, str]]:
        """Return what can be written after `--set`, each with what the field means."""
        offered = []
        for name, about in settings_of(self.recipe).items():
            choices = about.limits.choices if isinstance(about.limits, OneOf) else ("",)
            offered += [(f"{name}={choice}", about.help) for choice in choices]
        return [one for one in offered if one[0].startswith(incomplete)]

    def _type(self, name: str) -> Any:
        limits, wanted = settings_of(self.recipe)[name].limits, types_of(self.recipe)[name]
        if isinstance(limits, OneOf):
            return Literal[limits.choices]
        return wanted if isinstance(wanted, type) else list[str]

    def _set_option(self) -> OptionInfo:
        option: OptionInfo = typer.Option(
            "--set",
            help="Any field of the recipe, such as dropout=0.3. May be repeated.",
            metavar="FIELD=VALUE",
            autocompletion=self.complete_setting,
        )
        return option


def _parameter(name: str, wanted: Any, option: OptionInfo) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[wanted | None, option],
    )
