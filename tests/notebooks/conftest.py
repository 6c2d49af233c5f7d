from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook_path(request) -> Path:
    """Each notebook in turn."""
    return request.param


@pytest.fixture
def notebook(notebook_path: Path) -> nbformat.NotebookNode:
    """Each notebook in turn, read."""
    return nbformat.read(notebook_path, as_version=4)
