"""What the blocks of README.md and docs are made with; see `readme_tables.py`.

`speed/blocks.py`, `studies/task_blocks.py`, `studies/blocks.py` and `trials/blocks.py` hold the
blocks: each function there that is decorated with `block` gives the text between the marks of its
own name in a page. Figures come from `results/`; the prose that explains them stands in the pages,
around the marks.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
BLOCKS: dict[str, Callable[[], str]] = {}


def block(function: Callable[[], str]) -> Callable[[], str]:
    """Keep a function as what gives the text between the marks of its name."""
    BLOCKS[function.__name__] = function
    return function


def load(name: str) -> dict[str, Any]:
    """Return one of the committed results."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; a head that ends in a colon is that of a column aligned right."""
    lines = [[head.removesuffix(":") for head in heads]]
    lines.append(["---:" if head.endswith(":") else "---" for head in heads])
    lines += [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def interval(figure: dict[str, Any] | None, form: str = ".3f") -> str:
    """Return a value (or AUC, or mean) with its interval; only the value where it has none."""
    if figure is None:
        return ""
    value = next(figure[name] for name in ("auc", "value", "mean") if name in figure)
    if figure["low"] is None:
        return format(value, form)
    low, high = (format(figure[end], form) for end in ("low", "high"))
    return f"{value:{form}} [{low}, {high}]"
