"""`dlmath learn audit`: what it prints, and when it exits with 4."""

import json

import pytest
from typer.testing import CliRunner

from dlmath.cli.learn import app
from dlmath.errors import CheckFailedError, UserError
from dlmath.maths.mutants import Audit, Explanation, Explanations, Judged, Mutant

DROPPED = Mutant("optimisers.Adam.step", "maths/optimisers.py", 160, "`a` dropped in `a + b`")
NEGATED = Mutant("optimisers.Adam.step", "maths/optimisers.py", 161, "`b` negated in `a + b`")
REASON = Explanation(DROPPED.function, DROPPED.change, "It is 0.", ("adam-bias-correction",))


@pytest.fixture
def audited(monkeypatch):
    """Give a function that sets what is found of an experiment, and which reasons are known."""

    def found(how, *reasons):
        audit = Audit("adam-bias-correction", (Judged(DROPPED, how), Judged(NEGATED, "fails")))
        monkeypatch.setattr("dlmath.maths.mutants.audit_all", lambda *_: [audit])
        monkeypatch.setattr(Explanations, "read", lambda: Explanations(reasons))

    return found


def invoke(*arguments):
    return CliRunner().invoke(app, ["audit", *arguments])


def test_what_is_noticed_is_counted_and_exits_with_0(audited):
    audited("fails")
    result = invoke("adam-bias-correction")
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("adam-bias")]
    assert row.split() == ["adam-bias-correction", "2", "2", "0", "0"]


def test_what_is_not_noticed_is_shown_with_its_line_and_exits_with_4(audited):
    audited("holds")
    result = invoke("adam-bias-correction")
    assert isinstance(result.exception, CheckFailedError)
    assert "1 of 2 changes are not noticed" in str(result.exception)
    assert "maths/optimisers.py:160, optimisers.Adam.step: `a` dropped in `a + b`" in result.stdout
    assert "`b` negated" not in result.stdout


def test_what_is_explained_exits_with_0(audited):
    audited("holds", REASON)
    result = invoke("adam-bias-correction")
    assert result.exit_code == 0, result.output
    assert "`a` dropped" not in result.stdout


def test_a_reason_that_is_not_needed_exits_with_4(audited):
    audited("fails", REASON)
    result = invoke("adam-bias-correction")
    assert isinstance(result.exception, CheckFailedError)
    assert "changes that are noticed or no longer made: 1 (optimisers.Adam.step" in str(
        result.exception
    )
    assert "`a` dropped in `a + b`" in str(result.exception)


def test_json_has_every_change_and_the_reasons(audited):
    audited("holds", REASON)
    document = json.loads(invoke("adam-bias-correction", "--json").stdout)
    assert (document["tried"], document["noticed"], document["fails"]) == (2, 1, 1)
    assert [one.get("why") for one in document["mutants"]] == ["It is 0.", None]
    assert document["mutants"][0]["line"] == 160


@pytest.mark.parametrize("arguments", [(), ("adam-bias-correction", "--all")])
def test_it_is_said_which_experiments_are_meant(arguments):
    result = invoke(*arguments)
    assert isinstance(result.exception, UserError)
    assert "`dlmath learn audit` takes the name of an experiment, or --all." in str(
        result.exception
    )
