"""Every notebook runs from top to bottom, and is stored as it was written."""

import re
from pathlib import Path

import nbformat
import pytest

from dlmath.maths.exercises import all_exercises
from docs.make_notebook_pages import execute


@pytest.mark.notebook
def test_the_notebook_runs(notebook: nbformat.NotebookNode, tmp_path: Path) -> None:
    nbformat.validate(notebook)
    execute(notebook, tmp_path)

    assert any(cell.get("outputs") for cell in notebook.cells)


def test_it_is_stored_without_outputs(notebook: nbformat.NotebookNode) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []


def test_it_is_stored_as_nbformat_writes_it(notebook, notebook_path: Path) -> None:
    """So that saving it elsewhere changes no line that nobody changed."""
    assert notebook_path.read_text(encoding="utf-8") == nbformat.writes(notebook) + "\n"


def test_its_metadata_name_no_machine(notebook: nbformat.NotebookNode) -> None:
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert set(notebook.metadata.language_info) == {"name"}


def test_every_exercise_is_set_in_one_notebook(repository: Path) -> None:
    stored = "".join(
        path.read_text(encoding="utf-8") for path in (repository / "notebooks").glob("*.ipynb")
    )
    assert sorted(re.findall(r'exercises\.check\(\\"([a-z0-9-]+)\\"', stored)) == sorted(
        all_exercises()
    )
