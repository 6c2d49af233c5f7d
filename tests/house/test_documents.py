"""The files and modules that the documents name are there."""

import re
from itertools import chain
from pathlib import Path

import pytest

_PATH = re.compile(r"`((?:dlmath|cli|models|tests|benchmarks|docs|notebooks)/[\w/.-]+)`")


# A section is named by its heading, in full, after the document that has it.
_SECTION = re.compile(
    r"(?:`(docs/[\w.]+\.md)`|the (README)), section (?:on )?(?:\*([^*]+)\*|(\w+))"
)


def absent(text: str, repository: Path) -> list[str]:
    return [path for path in _PATH.findall(text) if not (repository / path).exists()]


def absent_sections(text: str, repository: Path) -> list[str]:
    return [
        f"{path or readme}: {quoted or word}"
        for path, readme, quoted, word in _SECTION.findall(text)
        if f"\n## {quoted or word}\n" not in (repository / (path or "README.md")).read_text()
    ]


def documents_of(repository: Path) -> list[Path]:
    """The pages, and the notebooks, whose text stands in JSON."""
    folders = [repository.glob("*.md"), (repository / "docs").glob("*.md")]
    return [*chain(*folders), *(repository / "notebooks").glob("*.ipynb")]


def test_every_file_that_a_document_names_is_there(repository: Path) -> None:
    documents = documents_of(repository)
    assert len(documents) > 18
    found = {
        document.name: paths
        for document in documents
        if document.name != "CHANGELOG.md"  # it names what has gone, too
        and (paths := absent(document.read_text(encoding="utf-8"), repository))
    }
    assert found == {}


def test_every_section_that_a_document_names_is_there(repository: Path) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in documents_of(repository)}
    found = {
        name: lost for name, text in texts.items() if (lost := absent_sections(text, repository))
    }
    assert found == {}
    assert any(_SECTION.search(text) for text in texts.values())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("measured in the README, section on leakage.", ["README: leakage"]),
        ("in the README, section *Results*", []),
        ("`docs/audit.md`, section *What a random split adds*", []),
        ("`docs/audit.md`, section *Nothing*", ["docs/audit.md: Nothing"]),
    ],
)
def test_a_section_that_is_not_there_is_found(
    repository: Path, text: str, found: list[str]
) -> None:
    assert absent_sections(text, repository) == found


@pytest.mark.parametrize(("text", "found"), [("`docs/no.md`", ["docs/no.md"]), ("`cli/`", [])])
def test_a_file_that_is_not_there_is_found(repository: Path, text: str, found: list[str]) -> None:
    assert absent(text, repository) == found
