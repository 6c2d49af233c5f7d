"""The page of statements: nothing on it is said to be covered that is not, and it is up to date."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from dlmath.maths import PAPERS, all_experiments
from dlmath.maths.ledger import LEDGER
from dlmath.maths.ledger.entry import FAULTS
from dlmath.maths.statements import covering, page

ENTRIES = [
    pytest.param(paper, entry, id=f"{paper}-{entry.line}-{entry.what[:20]}")
    for paper, entries in LEDGER.items()
    for entry in entries
]


@cache
def names_of(file: Path) -> set[str]:
    """Return what a module defines, from its text: importing some of them takes seconds."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        names |= {getattr(node, "name", "")}
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_the_page_is_up_to_date(repository):
    committed = (repository / "docs" / "statements.md").read_text(encoding="utf-8")
    assert committed == page(), "run: dlmath learn statements --out docs/statements.md"


@pytest.mark.parametrize(("paper", "entry"), ENTRIES)
def test_what_is_said_to_be_covered_is(paper, entry, repository):
    assert not (entry.later and entry.left_out)
    if entry.status == "covered":
        assert covering(paper, entry) or entry.tests
        assert set(entry.by) <= set(covering(paper, entry))
    else:
        assert not entry.by
        assert not entry.tests
    for unit in entry.tests:
        file, _, function = unit.name.partition("::")
        assert function.partition("[")[0] in names_of(repository / file), unit
        module, _, path = unit.breaks.partition(":")
        code = repository.joinpath(*module.split(".")).with_suffix(".py")
        assert re.match(r"\w+", path)[0] in names_of(code), unit
        assert unit.edit or set(unit.faults) <= set(FAULTS), unit


def test_every_source_of_an_experiment_is_an_entry_that_it_covers():
    for one in all_experiments().values():
        for source in one.sources:
            at_line = [entry for entry in LEDGER[source.paper] if entry.line == source.line]
            assert any(one.name in covering(source.paper, entry) for entry in at_line), source


def test_entries_stand_in_the_order_of_the_lines_and_name_lines_with_text(papers_folder):
    for paper, entries in LEDGER.items():
        lines = (papers_folder / PAPERS[paper].file).read_text().splitlines()
        numbers = [entry.line for entry in entries]
        assert numbers == sorted(numbers)
        assert all(lines[number - 1].strip() for number in numbers)


def test_more_than_sixty_statements_are_covered_by_experiments():
    covered = sum(
        bool(covering(paper, entry)) for paper, entries in LEDGER.items() for entry in entries
    )
    assert covered >= 60
