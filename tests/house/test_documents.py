"""The files and modules that the documents name are there."""

import re
from pathlib import Path

import pytest

_PATH = re.compile(r"`((?:dlmath|cli|models|tests|benchmarks|docs|notebooks)/[\w/.-]+)`")


def absent(text: str, repository: Path) -> list[str]:
    return [path for path in _PATH.findall(text) if not (repository / path).exists()]


def test_every_file_that_a_document_names_is_there(repository: Path) -> None:
    documents = [*repository.glob("*.md"), *(repository / "docs").glob("*.md")]
    assert len(documents) > 10
    found = {
        document.name: paths
        for document in documents
        if document.name != "CHANGELOG.md"  # it names what has gone, too
        and (paths := absent(document.read_text(encoding="utf-8"), repository))
    }
    assert found == {}


@pytest.mark.parametrize(("text", "found"), [("`docs/no.md`", ["docs/no.md"]), ("`cli/`", [])])
def test_a_file_that_is_not_there_is_found(repository: Path, text: str, found: list[str]) -> None:
    assert absent(text, repository) == found
