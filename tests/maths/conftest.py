from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def papers_folder(repository: Path) -> Path:
    """The texts of the papers next to the checkout; the test skips where there are none."""
    folder = repository.parent / "shared" / "papers"
    if not folder.is_dir():
        pytest.skip("needs the papers in ../shared/papers")
    return folder
