import json

import pytest
import typer
from typer.testing import CliRunner

from dlmath import doctor
from dlmath.cli.doctor import doctor as command
from dlmath.doctor import Examination, Line, Verdict
from dlmath.errors import CheckFailedError

app = typer.Typer()
app.command()(command)

OK = Line("machine", "versions", Verdict("ok", "dlmath 1"))
FAULT = Line("files", "weights", Verdict("fault", "NaN in logits.", "Train again."))


@pytest.fixture
def finds(monkeypatch):
    """Let the examination find these lines; return what was asked of it."""
    asked = []

    def find(*lines, run=None):
        def examine(run_, **options):
            asked.append((run_, options["distributed"]))
            return Examination(run, lines)

        monkeypatch.setattr(doctor, "examine", examine)
        return asked

    return find


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_line_for_each_check(finds):
    asked = finds(OK)
    result = invoke("--distributed")
    assert result.exit_code == 0
    assert asked == [(None, True)]
    assert result.stdout.splitlines() == [
        "machine",
        "  ok       versions  dlmath 1",
        "Name a run to examine it too: dlmath doctor RUN",
    ]


def test_a_fault_exits_with_1_and_says_what_to_do(finds, tiny_run):
    finds(OK, FAULT, run="tiny")
    result = invoke(tiny_run.folder)
    assert isinstance(result.exception, CheckFailedError)
    assert str(result.exception) == "1 check found a fault: weights."
    assert result.exception.exit_code == 4
    assert "FAULT    weights   NaN in logits." in result.stdout
    assert "-> Train again." in result.stdout


def test_json_is_one_document(finds, tiny_run):
    finds(OK, FAULT, run="tiny")
    result = invoke(tiny_run.folder, "--json")
    assert json.loads(result.stdout) == {
        "run": "tiny",
        "faults": 1,
        "warnings": 0,
        "checks": [
            {
                "group": "machine",
                "check": "versions",
                "verdict": "ok",
                "found": "dlmath 1",
                "advice": "",
            },
            {
                "group": "files",
                "check": "weights",
                "verdict": "fault",
                "found": "NaN in logits.",
                "advice": "Train again.",
            },
        ],
    }


def test_a_run_that_is_not_there_is_an_error(tmp_path):
    assert invoke(tmp_path / "nowhere").exception.exit_code == 2
