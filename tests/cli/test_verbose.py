from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import dlmath
from dlmath.cli.train import train
from dlmath.errors import UserError
from dlmath.logs import DETAILS
from dlmath.runs import Run

app = typer.Typer()
app.command()(train)


@pytest.mark.parametrize("options", [[], ["--verbose"]])
def test_the_log_is_shown_to_those_who_ask(monkeypatch, options):
    def talkative(*args, reporter, **kwargs):
        DETAILS.info("device cpu")
        return Run(Path("runs/x"))

    monkeypatch.setattr(dlmath, "train", talkative, raising=False)
    result = CliRunner().invoke(app, ["malaria", "--data", "phantom", *options])
    assert result.stdout == "runs/x\n"
    assert ("device cpu" in result.stderr) == bool(options)


@pytest.mark.parametrize("option", [["--dry-run"], ["--folds", "3"]])
def test_where_there_is_no_one_log_it_is_refused(option):
    result = CliRunner().invoke(app, ["malaria", "--data", "phantom", "--verbose", *option])
    assert isinstance(result.exception, UserError)
    assert "--verbose" in str(result.exception)
