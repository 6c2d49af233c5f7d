"""What a notebook imports and names from dlmath is there: found in seconds, not by running it."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from dlmath.maths import all_experiments
from dlmath.maths.errata import ERRATA

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def imported(notebook: Path) -> Iterator[tuple[str, str]]:
    """Every module and name of `from dlmath... import name`."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            lines = (line for line in cell.source.splitlines() if not line.startswith(("%", "!")))
            for node in ast.walk(ast.parse("\n".join(lines))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dlmath"):
                    yield from ((str(node.module), alias.name) for alias in node.names)


def is_there(module: str, name: str) -> bool:
    if hasattr(importlib.import_module(module), name):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_is_there(notebook: Path) -> None:
    assert [name for name in imported(notebook) if not is_there(*name)] == []


def test_a_name_that_is_gone_is_found() -> None:
    assert not is_there("dlmath.evaluation.report_charts", "read_predictions")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_experiments_and_errata_that_a_notebook_names_are_known(notebook: Path) -> None:
    text = "".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells)
    named = set(re.findall(r'\b(?:trial|(?<!exercises\.)find)\("([a-z0-9-]+)"\)', text))
    assert named <= set(all_experiments())
    known = {(one.source.paper, str(one.source.line)) for one in ERRATA}
    assert set(re.findall(r'erratum\("(\w+)", (\d+)\)', text)) <= known
