"""CSV files are parsed in one place; `split.csv` and `predictions.csv` are each read in one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# The attributes and the names that lead to a table, and the files that may use them.
ALLOWED = {
    "split_path": {
        "dlmath/runs.py",  # asks whether it is there
        "dlmath/data/run_data.py",
        "dlmath/training/new_run.py",  # writes it
    },
    "split.csv": {
        "dlmath/runs.py",
        "dlmath/training/resumed_run.py",  # names it as a thing that may differ
    },
    "predictions_path": {
        "dlmath/doctor/decisions.py",  # asks whether it is there
        "dlmath/evaluation/predictions.py",
        "dlmath/evaluation/report_maps.py",  # its checksum
    },
    "predictions.csv": {"dlmath/runs.py"},
    "import csv": {
        "dlmath/data/strict_csv.py",
        "dlmath/runs.py",  # writes
    },
}


def names_in(source: str) -> Iterator[str]:
    """Every attribute, and every text of a program, that is one of the names."""
    for node in ast.walk(ast.parse(source)):
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        if isinstance(node, ast.alias):
            name = f"import {node.name}"
        if isinstance(name, str) and name in ALLOWED:
            yield name


def test_each_table_has_one_reader(repository: Path) -> None:
    found: dict[str, set[str]] = {name: set() for name in ALLOWED}
    for folder in ("dlmath", "cli", "models"):
        for path in (repository / folder).rglob("*.py"):
            if path.resolve() == path:
                for name in names_in(path.read_text(encoding="utf-8")):
                    file = path.relative_to(repository).as_posix()
                    found[name].add(file)

    assert found == ALLOWED


@pytest.mark.parametrize(
    "source", ["open(run.split_path)", "run.folder / 'predictions.csv'", "import csv"]
)
def test_a_planted_reader_is_found(source: str) -> None:
    assert list(names_in(source))
