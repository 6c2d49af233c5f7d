"""Output of the commands: results on stdout (`OUT`), progress and errors on stderr (`ERR`).

Rich is imported where something is drawn: `dlmath --help` does without.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from dlmath.cli.streams import is_full, is_utf8
from dlmath.names import readable_document

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass(frozen=True)
class Output:
    """One of the two streams.

    Attributes:
        stderr: Whether it is stderr.
        pipe_width: Columns where it is no terminal, for what cannot be read in the usual 80.
    """

    stderr: bool = False
    pipe_width: int | None = None

    def line(self, text: str = "") -> None:
        """Print text as it is: never wrapped or cut, so that it is whole in a file too."""
        with self._kept_going():
            # Named, not by `err`, where Typer would take ASCII for a mistake and write UTF-8.
            typer.echo(text, file=sys.stderr if self.stderr else sys.stdout)

    def warning(self, text: str, *, indent: int = 0) -> None:
        """Print a line that warns, after `indent` blanks."""
        self.line(f"{' ' * indent}Warning: {text}")

    def error(self, text: str) -> None:
        """Print a line that names an error."""
        self.line(f"Error: {text}")

    def document(self, document: Any) -> None:
        """Print one JSON document."""
        document = readable_document(document)
        self.line(json.dumps(document, indent=2, ensure_ascii=not is_utf8()))

    def show(self, *drawn: "RenderableType") -> None:
        """Print tables and other things of Rich, as wide as the terminal."""
        with self._kept_going():
            for one in drawn:
                self.console().print(one)

    def paragraph(self, text: str) -> None:
        """Print text as it is, wrapped between words."""
        with self._kept_going():
            self.console().print(text, markup=False, highlight=False)

    def styled(self, text: str, *, highlight: bool = False) -> None:
        """Print text with Rich's markup, wrapped between words; numbers coloured if highlighted."""
        with self._kept_going():
            self.console().print(text, highlight=highlight)

    @contextmanager
    def _kept_going(self) -> Iterator[None]:
        """Let no full disk behind stderr end a command: what is lost there is no result."""
        try:
            yield
        except OSError as error:
            if not self.stderr or not is_full(error):
                raise

    def console(self) -> "Console":
        """Return a console of Rich for this stream."""
        from rich.console import Console

        console = Console(stderr=self.stderr, highlight=False)
        if self.pipe_width is None or console.is_terminal:
            return console
        return Console(stderr=self.stderr, highlight=False, width=self.pipe_width)


OUT, ERR = Output(), Output(stderr=True)
