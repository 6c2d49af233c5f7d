"""Runs tests while code is broken, each time in a process forked for it.

A process of its own also breaks what a test module computes on import, and what fixtures keep.
"""

import json
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import keras  # noqa: F401  the imports that take seconds, once for all processes
import pytest
import sklearn.linear_model
import sklearn.preprocessing  # noqa: F401
import tensorflow as tf  # noqa: F401
from _pytest.runner import runtestprotocol

from tests import conftest
from tests.support.faults import EDITED, UNCHANGED, installed

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


Counts = dict[str, list[int]]  # of a test: cases passed, cases failed, wrong results met


class Outcomes:
    """A plugin that runs every test once for each fault, with fixtures of its own each time.

    Args:
        targets: What is broken, all at the same time.
        faults: How, one after the other.
    """

    def __init__(self, targets: list[str], faults: list[str]):
        self.targets = targets
        self.found: dict[str, Counts] = {fault: {} for fault in faults}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        for fault, counts in self.found.items():
            with ExitStack() as stack:
                seen = [stack.enter_context(installed(one, fault)) for one in self.targets]
                # No next item: what fixtures keep for others would have been made under a fault.
                reports = runtestprotocol(item, nextitem=None, log=False)
            count = counts.setdefault(item.nodeid, [0, 0, 0])
            count[0] += any(report.when == "call" and report.passed for report in reports)
            count[1] += any(report.failed for report in reports)
            count[2] += sum(one.wrong for one in seen)
        return True


def judge(
    targets: list[str], faults: list[str], edit: list[str] | None, tests: list[str], answer: str
) -> None:
    """Run tests with all the targets broken, and write who noticed to the file `answer`.

    It gets `{fault: {test: [passed, failed, met]}}`: how many of the test's cases passed, how many
    failed, and how many wrong results were met. An edit is there before the test modules are
    imported, since they may compute with it.
    """
    with ExitStack() as stack:
        if edit:
            for one in targets:
                stack.enter_context(installed(one, EDITED, (edit[0], edit[1])))
        outcomes = Outcomes([] if edit else targets, [UNCHANGED] if edit else faults)
        pytest.main(
            [
                *OPTIONS,
                f"--rootdir={conftest.ROOT}",
                f"--basetemp={Path(answer).with_suffix('')}",  # not the one that others clear
                "--hypothesis-profile=first failure",
                *(str(conftest.ROOT / test) for test in tests),
            ],
            plugins=[outcomes],
        )
    document = {
        fault: {test: _of(test, counts) for test in tests}
        for fault, counts in outcomes.found.items()
    }
    Path(answer).write_text(json.dumps(document), encoding="utf-8")


def _of(test: str, counts: Counts) -> list[int]:
    """Return the sums over the cases of a test function."""
    cases = [
        count for name, count in counts.items() if name.partition("[")[0] == test or name == test
    ]
    return [sum(column) for column in zip([0, 0, 0], *cases, strict=True)]
