"""Names: no module bears that of a function or class in it, and no old name is left."""

import ast
import re
from pathlib import Path

import pytest

# Names of earlier versions, which said less than the field's own; written in pieces.
OLD = (
    r"carry_" r"out",
    r"ingredi" r"ents",
    r"Place" r"ment\b",
    r"\bcaden" r"ce\b",
    r"import line" r"age\b",
    r"import open" r"ings\b",
    r"Decid" r"er\b",
    r"Hear" r"ers\b",
    r"Leaned" r"On\b",
    r"\bCatal" r"ogue\b",
    r"\bclass (Blend|Expectation|Solved|Path|Facts|Remembered|Found|Reading|Listing)\b",
    r"\b(def|class|import) _?refuse_",
    r"\bimport (sheet|strata|trees|survey|crossings|copies|gather|cases|receiver|portable)\b",
)
_OLD = re.compile("|".join(OLD))
SHIPPED = {"preprocess.py"}  # users of an export import `preprocess` from it


@pytest.fixture(scope="module")
def modules(repository: Path) -> list[Path]:
    found = [
        path for room in ("dlmath", "cli", "models") for path in (repository / room).rglob("*.py")
    ]
    assert len(found) > 300
    return found


def same_name_in(module: Path) -> bool:
    body = ast.parse(module.read_text()).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) and node.name == module.stem for node in body)


def test_no_module_bears_the_name_of_what_it_defines(modules: list[Path]) -> None:
    # The modules of commands do: `cli/train.py` holds the command `train`.
    assert [
        str(m)
        for m in modules
        if m.parent.name != "cli" and m.name not in SHIPPED and same_name_in(m)
    ] == []


def test_a_module_that_does_is_found(tmp_path: Path) -> None:
    module = tmp_path / "audit.py"
    module.write_text("def audit():\n    pass\n")
    assert same_name_in(module)


def test_no_old_name_is_left(tracked_files: list[Path]) -> None:
    found = {
        str(file): match.group()
        for file in tracked_files
        if file.suffix == ".py"
        and file != Path(__file__)
        and (match := _OLD.search(file.read_text(encoding="utf-8")))
    }
    assert found == {}
