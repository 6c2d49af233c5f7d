"""Metadata of a field of a recipe, from which everything else about it is derived."""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlmath.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from dlmath.recipe.recipe import Recipe


# The headings of a recipe that is to be edited, in the order of the file.
DATA = "What the data are"
MODEL = "What the model is"
LABELS = "How the labels count"
HEAD = "How a head is fitted that is all there is to fit (tune = head)"
TRAINING = "How everything else is trained, by steps"
AUGMENTATION = "How training images are varied"
DECISION = "What is decided with it"

SECTIONS = (DATA, MODEL, LABELS, HEAD, TRAINING, AUGMENTATION, DECISION)


@dataclass(frozen=True)
class Option:
    """The option of `dlmath train` that sets a field.

    Attributes:
        help: What `--help` says of it; by default what the field's own help says.
        name: Without the two dashes; by default the field's.
        metavar: What stands for the value in `--help`; by default the type's name.
    """

    help: str = ""
    name: str = ""
    metavar: str | None = None


@dataclass(frozen=True)
class Use:
    """The use of a field, and the message for those who set it where nothing uses it.

    Attributes:
        holds: Whether a recipe makes use of the field.
        otherwise: The message, with `{name}` for the field and `{received}` for its value.
        shown: The fields whose values are shown next to its own.
    """

    holds: Callable[["Recipe"], bool]
    otherwise: str
    shown: tuple[str, ...] = ()

    def require(self, recipe: "Recipe", name: str) -> None:
        """Refuse that the field `name` is set, if the recipe makes no use of it.

        Raises:
            RecipeError: Nothing uses it. The message says what would.
        """
        if not self.holds(recipe):
            values = (f"{field}={getattr(recipe, field)!r}" for field in (name, *self.shown))
            received = f"Received: {', '.join(values)}."
            raise RecipeError(self.otherwise.format(name=name, received=received))


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`, both included; `open_low` leaves the lowest out."""

    low: float
    high: float
    open_low: bool = False

    def check(self, name: str, value: float) -> None:
        """Refuse a value of the field `name` that is out of range, by a RecipeError."""
        above = value > self.low if self.open_low else value >= self.low
        if not (above and value <= self.high):  # written so that nan fails
            low = f"{'above' if self.open_low else 'at least'} {_figure(self.low)}"
            raise RecipeError(
                f"`{name}` must be {low} and at most {_figure(self.high)}. Received: "
                f"{name}={value!r}"
            )


def _figure(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


class OneOf:
    """The texts that a field can hold."""

    def __init__(self, *choices: str):
        self.choices = choices

    def check(self, name: str, value: str) -> None:
        """Refuse a value of the field `name` that is none of them, by a RecipeError."""
        if value not in self.choices:
            raise RecipeError(
                f"`{name}` must be one of {', '.join(self.choices)}."
                f"{did_you_mean(value, self.choices)} Received: {name}={value!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The metadata of one field of a recipe, besides its type and default.

    Attributes:
        section: The heading below which it stands in a recipe that is to be edited.
        help: What it means, as the comment above it in that file.
        limits: The values that it can take; None for all of its type.
        used_by: What makes use of it; None if every run does.
        option: The option of `dlmath train` that sets it; None leaves `--set`.
        changes_views: Whether an augmented view of an image depends on it, so that it is part of
            the key under which the features of the view are kept.
        fits_weights: Whether trained weights fit to one value only, so that a run that goes on
            from another keeps it.
    """

    section: str
    help: str
    limits: Between | OneOf | None = None
    used_by: Use | None = None
    option: Option | None = None
    changes_views: bool = False
    fits_weights: bool = False


def setting(
    default: Any, help: str, limits: Between | OneOf | None = None, *, section: str, **more: Any
) -> Any:
    """Return a field of a recipe.

    Args:
        default: Its value where none is given; `dataclasses.MISSING` demands one.
        help: As in `Setting`.
        limits: As in `Setting`.
        section: As in `Setting`.
        more: Further attributes of `Setting`.
    """
    about = Setting(section=section, help=help, limits=limits, **more)
    return field(default=default, metadata={"setting": about})


def settings_of(recipe: type["Recipe"]) -> Mapping[str, Setting]:
    """Return what each field of a class of recipes says about itself, in the order of the class.

    Raises:
        TypeError: A field says nothing.
    """
    fields = dataclasses.fields(recipe)
    if silent := [spec.name for spec in fields if "setting" not in spec.metadata]:
        raise TypeError(f"Write {', '.join(silent)} of {recipe.__name__} as setting(…).")
    return {spec.name: spec.metadata["setting"] for spec in fields}


def types_of(recipe: type["Recipe"]) -> Mapping[str, Any]:
    """Return the type of each field of a class of recipes."""
    return typing.get_type_hints(recipe)


def check_known(recipe: type["Recipe"], names: Iterable[str]) -> None:
    """Refuse names that are not fields of the recipe.

    Raises:
        RecipeError: The first such name, and the nearest field.
    """
    known = settings_of(recipe)
    for name in names:
        if name not in known:
            raise RecipeError(
                f"A recipe has no field {name!r}.{did_you_mean(name, known)} "
                f"The fields are: {', '.join(known)}."
            )


def typed(name: str, value: Any, wanted: Any) -> Any:
    """Return `value` as the type `wanted`: 1 passes for 1.0, "1" and True do not.

    Raises:
        RecipeError: It is of another type.
    """
    if isinstance(wanted, types.GenericAlias):  # tuple[str, ...]
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif type(value) is wanted:
        return value
    described = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    kind = described.get(wanted, "a list of texts")
    raise RecipeError(f"`{name}` must be {kind}. Received: {name}={value!r}")
