"""The runs of a cross-validation in the commands that take runs."""

import json
from importlib.resources import files

import jsonschema
import pytest
from typer.testing import CliRunner

from dlmath.cli.completion import run_names
from dlmath.cli.main import app
from dlmath.errors import RunError, UserError
from dlmath.fold_runs import FoldRuns
from dlmath.runs import read_json
from dlmath.training import cross_validate


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def home(draw_squares, squares_recipe, tmp_path_factory):
    """A working folder with the runs of three folds under `runs/f3`."""
    home = tmp_path_factory.mktemp("home")
    images = draw_squares(home / "own", {"dark": 120, "bright": 140}, patients=24, noise=60)
    cross_validate(squares_recipe, images, 3, out=home / "runs" / "f3")
    return home


@pytest.fixture(autouse=True)
def _at_home(home, monkeypatch):
    monkeypatch.chdir(home)


@pytest.mark.parametrize("given", ["f3", "runs/f3"])
def test_evaluate_shows_what_the_folds_gave_together(given):
    result = invoke("evaluate", given)
    assert result.exit_code == 0, result.output
    document = read_json(FoldRuns.find(given).metrics_path)
    pooled = document["pooled"]["metrics"]["auc"]
    assert result.stdout.startswith(f"AUC {pooled['value']:.3f} ({pooled['low']:.3f} to ")
    assert "f3: 3 folds: 48 images" in result.stdout
    values = sorted(fold["metrics"]["auc"]["value"] for fold in document["folds"])
    assert ", ".join(f"{value:.3f}" for value in values) in result.stdout
    assert "Report: runs/f3/report/index.html. Next: dlmath predict runs/f3/fold-1" in result.stderr


def test_as_json_it_is_an_evaluation():
    document = json.loads(invoke("evaluate", "f3", "--json").stdout)
    schema = files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text()
    jsonschema.validate(document, json.loads(schema))
    assert document["n"] == 48


@pytest.mark.parametrize("options", [["--split", "all"], ["--data", "own"], ["--region"]])
def test_options_that_are_of_one_run_name_a_fold(options):
    error = invoke("evaluate", "f3", *options).exception
    assert isinstance(error, UserError)
    assert "such as runs/f3/fold-1" in str(error)


@pytest.mark.parametrize("command", [["predict", "f3", "own"], ["runs", "show", "runs/f3"]])
def test_other_commands_name_the_folds(command):
    error = invoke(*command).exception
    assert isinstance(error, RunError)
    assert "holds the runs of 3 folds" in str(error)
    assert "dlmath evaluate" in str(error)


def test_the_report_links_to_those_of_the_folds():
    page = FoldRuns.find("f3").report_path.read_text(encoding="utf-8")
    assert "3 folds: 48 images" in page
    for number in (1, 2, 3):
        assert f'href="../fold-{number}/report/index.html"' in page
        assert FoldRuns.find("f3").run(number).report_path.is_file()


def test_a_report_that_an_earlier_version_left_out_is_written():
    FoldRuns.find("f3").report_path.unlink()
    invoke("evaluate", "f3")
    assert FoldRuns.find("f3").report_path.is_file()


def test_runs_list_holds_them_and_fits_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = invoke("runs", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "run",
        "f3",
        "f3/fold-1",
        "f3/fold-2",
        "f3/fold-3",
    ]
    assert "3 folds" in lines[1]
    assert max(map(len, lines)) <= 80


def test_a_shell_completes_them():
    assert run_names("f3") == ["f3", "f3/fold-1", "f3/fold-2", "f3/fold-3"]


def test_an_unfinished_one_says_how_to_go_on(home):
    folds = FoldRuns.find("f3")
    kept = folds.metrics_path.read_bytes()
    folds.metrics_path.unlink()
    try:
        error = invoke("evaluate", "f3").exception
        assert isinstance(error, RunError)
        assert "--out runs/f3" in str(error)
        assert "f3 " not in invoke("runs", "list").stdout
    finally:
        folds.metrics_path.write_bytes(kept)


def test_a_folder_of_images_is_no_cross_validation(tmp_path):
    (tmp_path / "fold-1").mkdir()
    assert FoldRuns.find(tmp_path) is None
    assert FoldRuns.find(tmp_path / "nothing") is None
