"""Runs tests while code is broken, each time in a process forked for it.

A process of its own also breaks what a test module computes on import, and what fixtures keep.
"""

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import keras  # noqa: F401  the imports that take seconds, once for all processes
import pytest
import sklearn.linear_model
import sklearn.preprocessing  # noqa: F401
import tensorflow as tf  # noqa: F401

from tests import conftest
from tests.support.faults import EDITED, installed

# An example that fails need not be the smallest.
hypothesis.settings.register_profile(
    "first failure",
    hypothesis.settings.get_profile("fixed"),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
OPTIONS = (
    "-q",
    "--tb=line",
    "--timeout=60",
    "-pno:cacheprovider",
    "-pno:xdist",
    "-mslow or not slow",
    "-Wignore::pytest.PytestAssertRewriteWarning",
)


class Outcomes:
    """A plugin that notes which tests passed, failed, and met a wrong result."""

    def __init__(self, faults: list[Any]):
        self.faults = faults
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.met: Counter[str] = Counter()

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failed[report.nodeid] += 1
        self._note("")

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed[report.nodeid] += report.failed
        self.passed[report.nodeid] += report.when == "call" and report.passed
        self._note(report.nodeid)

    def _note(self, test: str) -> None:
        for fault in self.faults:
            self.met[test] += fault.wrong
            fault.wrong = 0


def judge(
    targets: list[str], fault: str, edit: list[str] | None, tests: list[str], answer: str
) -> None:
    """Run tests with all the targets broken, and write who noticed to the file `answer`.

    It gets `{test: [passed, failed, met]}`: how many of its cases passed, how many failed, and how
    many wrong results were met, on import included.
    """
    with ExitStack() as stack:
        change = tuple(edit) if edit else None
        faults = [stack.enter_context(installed(one, fault, change)) for one in targets]
        outcomes = Outcomes(faults if fault != EDITED else [])
        pytest.main(
            [*OPTIONS, f"--rootdir={conftest.ROOT}", "--hypothesis-profile=first failure"]
            + [str(conftest.ROOT / test) for test in tests],
            plugins=[outcomes],
        )
    document = {test: _of(test, outcomes) for test in tests}
    Path(answer).write_text(json.dumps(document), encoding="utf-8")


def _of(test: str, outcomes: Outcomes) -> list[int]:
    file = test.partition("::")[0]

    def count(found: Counter[str], *shared: str) -> int:
        mine = {test, *shared, *(one for one in found if one.startswith(test + "["))}
        return sum(found[one] for one in mine)

    return [
        count(outcomes.passed),
        count(outcomes.failed, file),
        count(outcomes.met, ""),
    ]
