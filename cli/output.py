"""Output of the commands: results on stdout (`OUT`), progress and errors on stderr (`ERR`).

Every text passes here: control characters in a name are written out, and live bars give way to what
is printed while they move. Rich is imported where something is drawn: `dlmath --help` does without.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import typer

from dlmath.cli.streams import is_full, is_utf8
from dlmath.names import readable_document
from dlmath.terminal_text import json_visible, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


_NARROWEST = 20  # columns; in fewer nothing can be read

# What takes away the bars that move now for a block, the last one first.
giving_way: list[Callable[[], AbstractContextManager[object]]] = []


@dataclass(frozen=True)
class Output:
    """One of the two streams.

    Attributes:
        stderr: Whether it is stderr.
        pipe_width: Columns where it is no terminal, for what cannot be read in the usual 80.
    """

    stderr: bool = False
    pipe_width: int | None = None

    def line(self, text: str = "", *, colour: str | None = None) -> None:
        """Print text as it is: never wrapped or cut, so that it is whole in a file too."""
        with self._printing():
            self._echo(visible(text), colour)

    def warning(self, text: str, *, indent: int = 0) -> None:
        """Print a line that warns, after `indent` blanks."""
        self.line(f"{' ' * indent}Warning: {text}")

    def error(self, text: str) -> None:
        """Print a line that names an error, in red on a terminal."""
        self.line(f"Error: {text}", colour="red")

    def document(self, document: Any) -> None:
        """Print one JSON document."""
        text = json.dumps(readable_document(document), indent=2, ensure_ascii=not is_utf8())
        with self._printing():
            self._echo(json_visible(text))

    def show(self, *drawn: "RenderableType") -> None:
        """Print tables and other things of Rich, as wide as the terminal."""
        with self._printing():
            for one in drawn:
                self.console().print(one)

    def paragraph(self, text: str) -> None:
        """Print text as it is, wrapped between words."""
        with self._printing():
            self.console().print(visible(text), markup=False, highlight=False)

    def styled(self, text: str, *, highlight: bool = False) -> None:
        """Print text with Rich's markup, wrapped between words; numbers coloured if highlighted."""
        with self._printing():
            self.console().print(visible(text), highlight=highlight)

    def next_step(self, command: str, *, report: object = None) -> None:
        """Print where the report lies, if there is one, and the command that comes next."""
        where = "" if report is None else f"Report: {report}. "
        self.line(f"{where}Next: {command}")

    def ask(self, question: str) -> str:
        """Print a question and return what is typed.

        Raises:
            EOFError: The input has ended.
        """
        with _bars_away():
            typer.echo(f"{visible(question)} ", nl=False, file=self._stream)
            # Not `input`, whose line editor redraws a prompt that it does not know.
            line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.strip()

    @property
    def width(self) -> int:
        """The columns that there are."""
        return self.console().width

    def console(self) -> "Console":
        """Return a console of Rich for this stream."""
        from rich.console import Console

        # COLUMNS=0 is what some programs hand on that know no terminal.
        known = {k: v for k, v in os.environ.items() if k != "COLUMNS" or v.strip("0")}
        console = Console(stderr=self.stderr, highlight=False, _environ=known)
        if self.pipe_width is not None and not console.is_terminal and "COLUMNS" not in known:
            console.width = self.pipe_width
        if console.width < _NARROWEST:
            console.width = _NARROWEST
        return console

    def _echo(self, text: str, colour: str | None = None) -> None:
        # A stream that is no terminal gets no colour from `echo`. It is named, not by `err`, where
        # Typer would take ASCII for a mistake and write UTF-8.
        typer.echo(typer.style(text, fg=colour) if colour else text, file=self._stream)

    @property
    def _stream(self) -> TextIO:
        return sys.stderr if self.stderr else sys.stdout

    @contextmanager
    def _printing(self) -> Iterator[None]:
        """Take away live bars, and let no full disk behind stderr end a command."""
        try:
            with _bars_away():
                yield
        except OSError as error:
            if not self.stderr or not is_full(error):
                raise


def _bars_away() -> AbstractContextManager[object]:
    """Take away the live bars for the block, if any move."""
    return giving_way[-1]() if giving_way else nullcontext()


OUT, ERR = Output(), Output(stderr=True)
