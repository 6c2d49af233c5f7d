"""Names of the columns of a CSV of images, where they are not file, class, patient and split."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dlmath.errors import RecipeError, did_you_mean
from dlmath.names import folded, is_missing

COLUMNS = ("file", "class", "patient", "split")
NO_VALUE = "missing"  # missing=NA says what stands for no value, missing= that only blank does
ENDINGS = (".csv", ".tsv")  # of tables; each may have commas, semicolons or tabs
_NEXT = re.compile(rf",(?=\s*(?:{'|'.join((*COLUMNS, NO_VALUE))})\s*=)")


@dataclass(frozen=True)
class ColumnNames:
    """The names of a table's columns.

    Attributes:
        names: Of those that are called otherwise, by what they are: file, class, patient or split.
        missing: What stands for a missing value, next to a blank cell; None for `names.MISSING`.
        likely: Whether a table may have the usual names too: where only some run said how its own
            table is written.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] | None = None
    likely: bool = False

    @property
    def written(self) -> list[str]:
        """What was given, as `column_names` takes it."""
        missing = [] if self.missing is None else sorted(self.missing) or [""]
        named = [f"{what}={name}" for what, name in self.names.items()]
        return [*named, *(f"{NO_VALUE}={text}" for text in missing)]

    def is_missing(self, cell: str) -> bool:
        """Return whether a cell stands for no value; a blank one always does."""
        if self.missing is None:
            return is_missing(cell)
        return not cell.strip() or folded(cell.strip()) in map(folded, self.missing)


def split_columns(written: Sequence[str]) -> tuple[str, ...]:
    """Return one `file=Image Index` a text, where several may be joined by commas."""
    return tuple(part.strip() for text in written for part in _NEXT.split(text))


def column_names(columns: Sequence[str], *, likely: bool = False) -> ColumnNames:
    """Return the names that `file=Image Index` and so on give.

    `missing=-` says that a cell `-` has no value, and `missing=` that only a blank one has none:
    NA, None and null are values then, such as a class called None.

    Raises:
        RecipeError: A text is none of these, or gives one column twice.
    """
    names: dict[str, str] = {}
    missing: list[str] = []
    for text in columns:
        what, sign, name = (part.strip() for part in text.partition("="))
        if what == NO_VALUE and sign:
            missing.append(name)
            continue
        if not sign or not name or what not in COLUMNS:
            raise RecipeError(
                f"`columns` must say which column is which, such as file=Image,class=Label: the "
                f"first of {', '.join(COLUMNS)}, the second as in the table; or what has no value, "
                f"such as {NO_VALUE}=NA.{did_you_mean(what, (*COLUMNS, NO_VALUE))} "
                f"Received: {text!r}"
            )
        if what in names:
            raise RecipeError(
                f"`columns` names the column {what} twice. Received: {names[what]!r}, {name!r}"
            )
        names[what] = name
    texts = frozenset(filter(None, missing)) if missing else None
    return ColumnNames(names, texts, likely)
