import runpy

import pytest


@pytest.fixture(scope="module")
def verdict(repository):
    return runpy.run_path(str(repository / ".ci" / "known_vulnerabilities.py"))["verdict"]


SOUND = {"name": "sound", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}
HOLED = {"name": "holed", "version": "2.0", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}


@pytest.mark.parametrize(
    ("dependencies", "words", "in_order"),
    [
        ([SOUND, UNKNOWN], "1 packages looked up, 1 unknown to the index", True),
        ([SOUND, HOLED], "vulnerable: holed 2.0: CVE-1, CVE-2", False),
        ([UNKNOWN], "left out, the index knows nothing of 1 packages", True),
    ],
)
def test_what_was_looked_up_is_said_and_a_hole_is_not_in_order(
    verdict, dependencies, words, in_order
):
    sentence, found = verdict({"dependencies": dependencies})
    assert words in sentence
    assert found is in_order


def test_an_index_that_does_not_answer_is_no_all_clear(verdict):
    assert verdict(None) == ("left out, no index answered", True)
