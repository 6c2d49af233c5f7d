import json
import shutil

from typer.testing import CliRunner

from dlmath.cli.runs import app
from dlmath.evaluation import METRICS, evaluate


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
