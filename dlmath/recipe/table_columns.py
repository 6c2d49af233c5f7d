"""Names of the columns of a CSV of images, where they are not file, class, patient and split."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dlmath.errors import RecipeError, did_you_mean

COLUMNS = ("file", "class", "patient", "split")
ENDINGS = (".csv", ".tsv")  # of tables; each may have commas, semicolons or tabs
_NEXT = re.compile(rf",(?=\s*(?:{'|'.join(COLUMNS)})\s*=)")


@dataclass(frozen=True)
class ColumnNames:
    """The names of a table's columns.

    Attributes:
        names: Of those that are called otherwise, by what they are: file, class, patient or split.
        likely: Whether a table may have the usual names too: where only some run said how its own
            table is written.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    likely: bool = False


def split_columns(written: Sequence[str]) -> tuple[str, ...]:
    """Return one `file=Image Index` a text, where several may be joined by commas."""
    return tuple(part.strip() for text in written for part in _NEXT.split(text))


def column_names(columns: Sequence[str], *, likely: bool = False) -> ColumnNames:
    """Return the names that `file=Image Index` and so on give.

    Raises:
        RecipeError: A text is none of these, or gives one column twice.
    """
    names: dict[str, str] = {}
    for text in columns:
        what, sign, name = (part.strip() for part in text.partition("="))
        if not sign or not name or what not in COLUMNS:
            raise RecipeError(
                f"`columns` must say which column is which, such as file=Image,class=Label: the "
                f"first of {', '.join(COLUMNS)}, the second as in the table."
                f"{did_you_mean(what, COLUMNS)} Received: {text!r}"
            )
        if what in names:
            raise RecipeError(
                f"`columns` names the column {what} twice. Received: {names[what]!r}, {name!r}"
            )
        names[what] = name
    return ColumnNames(names, likely)
