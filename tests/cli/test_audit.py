import json

import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.errors import DataError


@pytest.fixture
def own(draw_squares, tmp_path):
    return draw_squares(tmp_path / "own", {"dark": 110, "bright": 150})


def invoke(*arguments):
    return CliRunner().invoke(app, ["data", "audit", *map(str, arguments)])


def test_people_get_a_table_and_a_summary(own):
    done = invoke(own)
    assert done.exit_code == 0, done.stderr
    assert "40 images of 20 patients" in done.stdout
    assert "patients-guessed" in done.stdout
    assert "shortcut" in done.stdout
    assert "0 errors" in done.stdout


def test_an_error_exits_with_2_and_names_the_file(own):
    (own / "dark" / "p1_0.png").write_bytes(b"")
    done = invoke(own)
    assert done.exit_code == 2
    assert "dark/p1_0.png" in done.stdout
    assert "1 error" in done.stdout


def test_json_is_one_document(own, tmp_path):
    page = tmp_path / "audit.html"
    done = invoke(own, "--json", "--html", page, "--patients", "none")
    document = json.loads(done.stdout)
    assert document["patients"] is None
    assert document["images"] == 40
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_task_is_audited_with_its_recipe(tiny_run):
    done = invoke(tiny_run.sources[0], "--patients", r"^([a-z]+\d+)_", "--json")
    assert json.loads(done.stdout)["patients"] > 1


def test_a_run_brings_its_data_and_must_have_a_solved_head(tiny_run, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "dlmath.attribution.label_error_findings",
        lambda run, reporter: asked.append(run) or [],
    )
    done = invoke("--run", tiny_run.folder, "--json")
    assert json.loads(done.stdout)["sources"] == [str(tiny_run.sources[0])]
    assert asked == [tiny_run]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "What shall be audited"), (["malria"], "Did you mean 'malaria'")],
)
def test_what_cannot_be_audited_is_one_message(arguments, message):
    done = invoke(*arguments)
    assert isinstance(done.exception, DataError)
    assert message in str(done.exception)


def test_what_is_not_there_is_a_finding(tmp_path):
    done = invoke(tmp_path / "absent")
    assert done.exit_code == 2
    assert "There are no data at" in done.stdout.replace("\n", " ")
