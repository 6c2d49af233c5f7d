import json
from dataclasses import asdict, dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli.groups import Rule, grouped
from dlmath.cli.train_options import RULES
from dlmath.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Size:
    """A group of two options."""

    width: Annotated[int, typer.Option(help="From left to right.")] = 3
    tall: Annotated[bool, typer.Option("--tall", help="Twice as high.")] = False


app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
@grouped(
    [
        Rule("--tall", "A name is short.", without=("NAME",)),
        Rule("--loud", "A whisper has no size.", needs="--width"),
    ]
)
def draw(
    name: Annotated[str | None, typer.Argument(help="Of the picture.")] = None,
    *,
    size: Size,
    volume: Annotated[bool, typer.Option("--loud", help="With noise.")] = False,
) -> None:
    """Draw."""
    typer.echo(json.dumps([name, asdict(size), volume]))


def invoke(*arguments):
    return CliRunner().invoke(app, arguments)


def test_a_group_is_spelled_out_in_its_place():
    shown = invoke("--help").stdout

    names = [line.split()[0] for line in shown.splitlines() if line.startswith("  -")]
    assert names == ["--width", "--tall", "--loud", "--help"]
    assert "From left to right." in shown


def test_a_command_gets_one_value_for_each_group():
    assert json.loads(invoke("x", "--width", "5").stdout) == [
        "x",
        {"width": 5, "tall": False},
        False,
    ]
    assert json.loads(invoke().stdout) == [None, {"width": 3, "tall": False}, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--tall"], "--tall does not take NAME. A name is short. Leave one out."),
        (["--loud"], "--loud belongs to --width. A whisper has no size."),
    ],
)
def test_options_that_break_a_rule_are_refused(arguments, message):
    error = invoke(*arguments).exception

    assert isinstance(error, UserError)
    assert str(error) == message
    assert invoke("--loud", "--width", "4").exit_code == 0


def test_an_option_that_takes_only_some_names_them():
    rule = Rule("--resume", "It keeps its recipe.", only=("--data", "--force"))

    rule.refuse(["--resume", "--data"])
    rule.refuse(["--epochs"])
    with pytest.raises(UserError, match=r"--resume does not take --epochs\. .* --data, --force\."):
        rule.refuse(["--resume", "--epochs", "--data"])


def test_the_rules_of_train_name_options_that_there_are():
    from dlmath.cli.main import app as dlmath

    command = typer.main.get_command(dlmath).commands["train"]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    named = {
        name
        for rule in RULES
        for name in (rule.option, rule.needs, *rule.without, *(rule.only or ()))
    }
    assert named - {""} <= known
