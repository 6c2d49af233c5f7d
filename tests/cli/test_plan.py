import json

import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.cli.plan import _time
from dlmath.errors import UserError

OPTIONS = "--tune all --backbone malaria_cnn --weights none --image-size 16 --epochs 2 --dry-run"


@pytest.fixture
def command(draw_squares, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = draw_squares(tmp_path / "own", {"dark": 110, "bright": 150})
    return ["train", str(own), "--positive", "dark", *OPTIONS.split()]


def test_the_plan_is_shown_and_nothing_is_made(command, tmp_path):
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    for shown in (
        "own: malaria_cnn at 16 pixels",
        "validation",
        "in all",
        "Memory, resident so far",
    ):
        assert shown in done.stdout
    assert not (tmp_path / "runs").exists()


def test_json_is_one_document(command):
    done = CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)
    document = json.loads(done.stdout)
    assert document["seconds"] == pytest.approx(sum(s["seconds"] for s in document["stages"]))
    assert document["data"]["classes"] == ["bright", "dark"]


def test_json_belongs_to_the_plan(command):
    command.remove("--dry-run")
    with pytest.raises(UserError, match="--dry-run"):
        CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_times_are_rounded_for_people(seconds, shown):
    assert _time(seconds) == shown
