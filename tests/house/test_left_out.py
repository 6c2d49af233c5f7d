"""The suite says at its end what it left out and why."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SKIPS = ("pytest.skip", "pytest.mark.skip", "pytest.mark.skipif")


def reasons(file: Path) -> Iterator[str]:
    """Yield the source of the reason of every skip in a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SKIPS:
            named = [word.value for word in node.keywords if word.arg == "reason"]
            yield ast.unparse([*named, *node.args][0])


def test_every_reason_says_what_the_test_needs(repository: Path) -> None:
    found = [reason for file in (repository / "tests").rglob("*.py") for reason in reasons(file)]
    assert len(found) > 8
    assert [reason for reason in found if not reason.startswith("'needs ")] == []


def test_what_was_left_out_is_counted_in_one_line(
    request: pytest.FixtureRequest, repository: Path
) -> None:
    conftest = plugin_of(request.config, repository / "tests" / "conftest.py")
    skipped = [
        SimpleNamespace(longrepr=("a_test.py", 1, f"Skipped: {reason}"))
        for reason in [
            "needs curl",
            "needs the papers in ../shared/papers",
            "needs curl",
            "No test.",
        ]
    ]
    lines: list[str] = []
    terminal = SimpleNamespace(stats={"skipped": skipped}, write_line=lines.append)

    conftest.pytest_terminal_summary(terminal, request.config)

    assert lines == ["Left out: 2 tests that need curl, 1 that need the papers in ../shared/papers"]


def plugin_of(config: pytest.Config, file: Path) -> ModuleType:
    plugins = config.pluginmanager.get_plugins()
    return next(one for one in plugins if getattr(one, "__file__", None) == str(file))
