"""Run the commands of the README on phantoms, and draw what the terminal shows.

It writes docs/terminal.svg, in about two minutes: python docs/make_terminal_picture.py
"""

import io
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).parent / "terminal.svg"
TRAIN = "train pneumonia --data phantom --backbone efficientnet_lite0 --tune head"
COMMANDS = (f"{TRAIN} --out runs/first", "evaluate", "export")


def main() -> None:
    """Write the picture."""
    console = Console(record=True, width=100, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            console.print(Text(f"$ dlmath {command}", style="bold green"))
            console.print(Text(shown(command, folder)))
    svg = console.export_svg(title="dlmath", theme=MONOKAI)
    # Rich asks for a font on the network; the picture must not.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    PICTURE.write_text(svg.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")


def shown(command: str, folder: str) -> str:
    """Return what a person sees of a command: progress and results, in the order they come."""
    done = subprocess.run(
        [sys.executable, "-m", "dlmath", *shlex.split(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        check=True,
    )
    # Lines of progress come by the clock: they would differ from picture to picture.
    passing = re.compile(r"^(epoch \d+/\d+  \d+/\d+|reading|hashing|drawing|unpacking).*\n", re.M)
    return passing.sub("", done.stdout)


if __name__ == "__main__":
    main()
