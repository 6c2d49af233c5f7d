"""Tables for a terminal of any width: a number is never cut, and no control character gets through.

Where the columns do not fit, those that may be missing are left out, then the lines between them;
where that is not enough, each row is printed as a block of lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlmath.terminal_text import one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table as RichTable
    from rich.text import Text

_WORD = 14  # a longer word may be broken over lines
_WIDE = 80  # columns, in which lines have room between wrapped cells too
_GAP = 2  # columns between two columns, without lines


@dataclass(frozen=True, eq=False)  # two columns may have the same heading
class Column:
    """A column of a table.

    Attributes:
        heading: May be wrapped between words.
        number: Its cells stand to the right and are whole in one line.
        whole: Its cells are whole in one line: names that are copied from here.
        optional: It is left out where it would break a word.
    """

    heading: "str | Text"
    number: bool = False
    whole: bool = False
    optional: bool = False


class Table:
    """A table that fits itself to the terminal; Rich prints it.

    Args:
        columns: A heading makes a column of text.
        title: Stands above.
        lined: Whether lines are drawn around the cells where there is room.
        margin: Blanks before each row.
    """

    def __init__(
        self, *columns: "Column | str", title: str = "", lined: bool = False, margin: int = 0
    ):
        self.columns = [one if isinstance(one, Column) else Column(one) for one in columns]
        self.title = title
        self.lined = lined
        self.margin = margin
        self.rows: list[list[Text]] = []

    def add(self, *cells: "str | Text") -> None:
        """Add a row. Strings are taken as they are, without markup."""
        assert len(cells) == len(self.columns), "a cell for each column"
        self.rows.append([_text(cell) for cell in cells])

    def fits(self, width: int) -> bool:
        """Return whether all columns have room side by side."""
        return self._spare(self.columns, width, lined=False) >= 0

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Yield what Rich prints in the width that there is."""
        from rich.padding import Padding
        from rich.text import Text

        width = options.max_width - self.margin
        kept = self._kept(width)
        fitting = self._spare(kept, width, lined=False) >= 0
        lined = self.lined and fitting and self._has_room_for_lines(kept, width)
        if self.title:
            yield Text(one_line(self.title), style="italic", overflow="fold")
        drawn = [self._drawn(kept, width, lined=lined)] if fitting else self._blocks()
        yield from (Padding(one, (0, 0, 0, self.margin), expand=False) for one in drawn)

    def _kept(self, width: int) -> list[Column]:
        """Return the columns, without as many of the optional ones, from the right, as must go."""
        kept = list(self.columns)
        for column in reversed(self.columns):
            if self._spare(kept, width, lined=False) >= 0:
                break
            if column.optional:
                kept.remove(column)
        # If it fits in no way, blocks of lines have room for all.
        return kept if self._spare(kept, width, lined=False) >= 0 else self.columns

    def _has_room_for_lines(self, columns: Sequence[Column], width: int) -> bool:
        natural = sum(map(self._natural, columns)) + _frame(len(columns), lined=True)
        return natural <= width or (width >= _WIDE and self._spare(columns, width, lined=True) >= 0)

    def _natural(self, column: Column) -> int:
        """Return the width in which nothing of a column is wrapped."""
        heading = _text(column.heading).cell_len
        return max(heading, *(cell.cell_len for cell in self._cells(column)), 1)

    def _spare(self, columns: Sequence[Column], width: int, *, lined: bool) -> int:
        """Return how much wider the terminal is than the narrowest form of the table."""
        return width - _frame(len(columns), lined=lined) - sum(map(self._least, columns))

    def _least(self, column: Column) -> int:
        """Return the least width of a column."""
        heading = min(_longest_word(_text(column.heading)), _WORD)
        cells = self._cells(column)
        if column.number or column.whole:
            return max(heading, *(cell.cell_len for cell in cells), 1)
        words = max((_longest_word(cell) for cell in cells), default=0)
        return max(heading, words if column.optional else min(words, _WORD), 1)

    def _cells(self, column: Column) -> "list[Text]":
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def _widths(self, columns: Sequence[Column], room: int) -> list[int]:
        """Return widths that sum to `room` at most: the widest are narrowed first."""
        least = list(map(self._least, columns))
        widths = list(map(self._natural, columns))
        while sum(widths) > room:
            narrowable = [i for i, low in enumerate(least) if widths[i] > low]
            widths[max(narrowable, key=widths.__getitem__)] -= 1
        return widths

    def _drawn(self, columns: Sequence[Column], width: int, *, lined: bool) -> "RichTable":
        from rich import box
        from rich.table import Table as RichTable

        drawn = RichTable(
            box=box.HEAVY_HEAD if lined else None, padding=(0, 1) if lined else (0, _GAP, 0, 0)
        )
        drawn.pad_edge = lined
        drawn.show_header = any(_text(column.heading).plain for column in columns)
        room = width - _frame(len(columns), lined=lined)
        for column, wide in zip(columns, self._widths(columns, room), strict=True):
            drawn.add_column(
                _text(column.heading),
                justify="right" if column.number else "left",
                width=wide,
                overflow="fold",
            )
        places = [self.columns.index(column) for column in columns]
        for row in self.rows:
            drawn.add_row(*(row[place] for place in places))
        return drawn

    def _blocks(self) -> "list[Text]":
        """Return the rows as blocks: the first cell, and below it each other with its heading."""
        from rich.text import Text

        lines = []
        for first, *others in self.rows:
            lines.append(_headed(self.columns[0], first))
            for column, cell in zip(self.columns[1:], others, strict=True):
                if cell.plain:
                    lines.append(Text.assemble("  ", _headed(column, cell), overflow="fold"))
        return lines


def _text(cell: "str | Text") -> "Text":
    """Return a cell as text in one line, its control characters written out."""
    from rich.text import Text

    if isinstance(cell, str):
        return Text(one_line(cell))
    return Text(one_line(cell.plain), style=cell.style)


def _headed(column: Column, cell: "Text") -> "Text":
    """Return a cell behind the heading of its column."""
    from rich.text import Text

    heading = _text(column.heading)
    return Text.assemble(heading, " " if heading.plain else "", cell, overflow="fold")


def _longest_word(text: "Text") -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.plain.split()), default=0)


def _frame(columns: int, *, lined: bool) -> int:
    """Return the width of what is not in the cells."""
    return 3 * columns + 1 if lined else _GAP * (columns - 1)
