"""A command that a message tells to type can be pasted: what is put into it is quoted."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

# A command of ours, or an option, directly before what is put into the text.
_BEFORE = re.compile(r"(\bdlmath [a-z]+( [a-z-]+)*|--[a-z][a-z-]*) $")
# What holds no blank: numbers (with a format), and names out of closed lists.
CLOSED = {
    "task",
    "task.name",
    "name",
    "recipe.name",
    "tenth",
    "more_bits",
    "quantize",
    "MORE_BITS[quantize]",
    "PHANTOM",
    "backbone.native_size",
    "', '.join(whole)",
    "settings[0]",
}


def unquoted_in(source: str) -> list[str]:
    """Return each expression that an f-string puts into a command without `quoted`."""
    texts = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr))
    return [found for text in texts for found in _unquoted_of(text)]


def _unquoted_of(text: ast.JoinedStr) -> Iterator[str]:
    before = ""
    for part in text.values:
        if isinstance(part, ast.Constant):
            before += str(part.value)
            continue
        assert isinstance(part, ast.FormattedValue)
        expression = ast.unparse(part.value)
        is_free = part.format_spec is None and expression not in CLOSED
        if is_free and not _is_quoted(part.value) and _BEFORE.search(before):
            yield expression
        before += "VALUE"


def _is_quoted(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in {"quoted", "command"}


def test_what_is_put_into_a_command_is_quoted(repository: Path) -> None:
    files = [
        file for room in ("cli", "models", "dlmath") for file in (repository / room).rglob("*")
    ]
    own = [file for file in files if file.suffix == ".py" and not file.is_symlink()]
    assert len(own) > 250
    found = {str(file): unquoted_in(file.read_text(encoding="utf-8")) for file in own}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("f'Say so with: --positive {second}'", ["second"]),
        ("f'dlmath train --resume {run.folder}'", ["run.folder"]),
        ("f'dlmath evaluate {run.folder}'", ["run.folder"]),
        ("f'dlmath evaluate {quoted(run.folder)}'", []),
        ("f'--set l2={value}'", []),
        ("f'{path} is damaged'", []),
    ],
)
def test_the_search_finds_what_is_not_quoted(source: str, found: list[str]) -> None:
    assert unquoted_in(source) == found
