import json
import shutil

import pytest
from typer.testing import CliRunner

from dlmath.cli.runs import app
from dlmath.errors import RunError
from dlmath.evaluation import METRICS, evaluate
from dlmath.runs import read_json


def evaluated_twice(run):
    evaluate(run)
    other = run.folder.with_name("other")
    shutil.copytree(run.folder, other)
    return run.folder, other


def test_two_runs_are_compared_for_people(tiny_run):
    folders = evaluated_twice(tiny_run)

    result = CliRunner().invoke(app, ["compare", *map(str, folders)])

    assert result.exit_code == 0, result.output
    assert "24 test images (12 positive + 12 negative) of 12 patients" in result.stdout
    accuracy = next(line for line in result.stdout.splitlines() if "accuracy" in line)
    # They agree on all 24 images, which does not say that they agree on every image there is.
    assert "+0.000 │ - " in " ".join(accuracy.split())
    assert max(map(len, result.stdout.split("AUC, A - B")[0].splitlines())) <= 80
    assert "A is tiny\nB is other" in result.stdout
    assert "AUC, A - B, paired DeLong test by patient: +0.000" in result.stdout
    assert "only tiny is right on 0, only other on 0" in result.stdout
    assert "a choice made on the test part" in result.stdout


def test_two_runs_are_compared_as_json(tiny_run):
    folders = evaluated_twice(tiny_run)

    result = CliRunner().invoke(app, ["compare", *map(str, folders), "--json"])

    document = json.loads(result.stdout)
    assert document["runs"] == ["tiny", "other"]
    assert list(document["metrics"]) == list(METRICS)
    assert document["metrics"]["auc"]["difference"] == {"value": 0, "low": None, "high": None}
    assert document["delong"]["p"] == 1
    assert document["mcnemar"] == {"only_first": 0, "only_second": 0, "p": 1, "p_by_patient": 1}


@pytest.fixture
def _listed(tiny_run, tmp_path, monkeypatch):
    """The run under a name as long as that of the default, and one that was evaluated."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run.folder, tmp_path / "runs" / "pneumonia-20260101T120000Z")
    evaluate(tiny_run)


@pytest.mark.usefixtures("_listed")
@pytest.mark.parametrize("columns", ["80", "40"])
def test_the_list_breaks_no_name_and_no_number(columns, tiny_run, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert "pneumonia-20260101T120000Z" in shown
    assert "not evaluated" in shown
    auc = read_json(tiny_run.metrics_path)["metrics"]["auc"]
    assert f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in shown
    assert max(map(len, shown.splitlines())) <= int(columns)


def test_a_run_is_shown_in_a_few_lines(tiny_run):
    result = CliRunner().invoke(app, ["show", str(tiny_run.folder)])
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) < 15
    assert result.stdout.startswith("tiny: ")
    assert "Test: the test part has not been opened." in result.stdout
    assert f"Next: dlmath evaluate {tiny_run.folder}" in result.stderr

    evaluate(tiny_run)
    result = CliRunner().invoke(app, ["show", str(tiny_run.folder)])
    assert "Test: AUC " in result.stdout
    assert f"Next: dlmath predict {tiny_run.folder} IMAGE" in result.stderr


def test_the_files_of_a_run_are_shown_when_asked_for(tiny_run):
    shown = CliRunner().invoke(app, ["show", str(tiny_run.folder), "--files"]).stdout
    assert tiny_run.recipe_path.read_text() in shown
    assert tiny_run.manifest_path.read_text().rstrip() in shown
    document = json.loads(CliRunner().invoke(app, ["show", str(tiny_run.folder), "--json"]).stdout)
    assert document["manifest"] == tiny_run.manifest
    assert document["recipe"]["name"] == tiny_run.recipe.name


def test_pruning_removes_the_checkpoints_of_finished_runs(tiny_run):
    tiny_run.checkpoints.mkdir()
    for name in ("epoch-00001-step-000040.checkpoint", "best-00001.checkpoint"):
        (tiny_run.checkpoints / name).write_bytes(bytes(2**20))
    start = tiny_run.checkpoints / "start.checkpoint"
    start.write_bytes(b"what it began with")

    result = CliRunner().invoke(app, ["prune", str(tiny_run.folder)])

    assert result.stdout == f"{tiny_run.folder}: 2 MiB\n"
    assert list(tiny_run.checkpoints.iterdir()) == [start]
    assert CliRunner().invoke(app, ["prune", str(tiny_run.folder)]).stdout == ""


def test_an_unfinished_run_keeps_its_checkpoints(tiny_run):
    tiny_run.update_manifest(state="stopped")
    result = CliRunner().invoke(app, ["prune", str(tiny_run.folder)])
    assert isinstance(result.exception, RunError)
    assert f"dlmath train --resume {tiny_run.folder}" in str(result.exception)
