"""The checker checked: every fault in a backward pass is caught, or is none."""

import re

import pytest

from benchmarks.trials import fault_table
from dlmath.gradcheck import suite
from dlmath.gradcheck.faults import FAULTS
from dlmath.gradcheck.registry import CASES


def test_every_case_of_the_registry_has_a_name_of_its_own():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_the_committed_table_lists_the_faults_there_are_and_leaves_none_uncaught(repository):
    page = (repository / "docs" / "faults.md").read_text(encoding="utf-8")
    assert "**nothing**" not in page
    rows = re.findall(r"^\| ([\w.]+) \| (.+) \| [\w, ]+ \| (?:yes|no) \|$", page, re.MULTILINE)
    rows += re.findall(r"^- ([\w.]+): (.+)$", page, re.MULTILINE)
    expected = [(f.where, f.what.replace("|", "\\|")) for f in suite.all_faults()]
    assert sorted(rows) == sorted(expected)


def test_what_a_case_does_not_show_at_its_own_point_its_extremes_do():
    # Without padding, average pooling may count the padding as it likes in its backward pass.
    fault = next(f for f in FAULTS if "padding counted" in f.what)
    for padded, oracle in ((False, "extremes"), (True, "tape")):
        cases = [
            case
            for case in CASES
            if case.kind == "AveragePooling2D" and ("padding=same" in case.name) == padded
        ]
        assert len(cases) == 1
        assert suite.run([fault], cases)[0].caught_by[0] == oracle


def test_a_fault_in_a_pass_that_no_case_uses_is_not_caught():
    fault = next(f for f in FAULTS if f.where == "Dense.backward")
    dropout = [case for case in CASES if case.kind == "Dropout"]
    verdict = suite.run([fault], dropout)[0]
    assert verdict.caught_by == ()
    assert not verdict.equivalent


@pytest.mark.slow
def test_the_committed_table_is_what_the_suite_finds(repository):
    verdicts = suite.run(suite.all_faults())
    assert [v.fault for v in verdicts if not v.caught_by and not v.equivalent] == []
    page = (repository / "docs" / "faults.md").read_text(encoding="utf-8")
    assert fault_table.document(verdicts) == page
