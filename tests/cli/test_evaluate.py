import csv
import json
import re
from importlib.resources import files

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli.evaluate import evaluate
from dlmath.errors import RunError
from dlmath.evaluation.composition import counts_text
from dlmath.runs import read_json

app = typer.Typer()
app.command()(evaluate)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_json_is_one_document_that_the_schema_describes(tiny_run):
    result = invoke(tiny_run.folder, "--json")

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    schema = files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text()
    jsonschema.validate(document, json.loads(schema))
    assert document == read_json(tiny_run.metrics_path)


def test_people_get_tables(tiny_run):
    result = invoke(tiny_run.folder)

    assert result.exit_code == 0, result.output
    told = result.stdout
    assert "tiny, test, 24 images (12 positive + 12 negative) of 12 patients" in told
    assert "Positive is PNEUMONIA, decided at a probability of at least 0.5000" in told
    assert "chosen on validation" in told
    auc = next(line for line in told.splitlines() if "AUC" in line and "│" in line)
    metric = read_json(tiny_run.metrics_path)["metrics"]["auc"]
    assert f"{metric['value']:.3f}" in auc
    assert f"{metric['low']:.3f} to {metric['high']:.3f}" in auc
    row = next(line for line in told.splitlines() if line.split()[1:2] == ["PNEUMONIA"])
    assert [int(word) for word in row.split() if word.isdigit()] == read_json(
        tiny_run.metrics_path
    )["confusion"][1]


def test_other_data_and_another_part(tiny_run, tmp_path):
    result = invoke(tiny_run.folder, "--data", tmp_path / "data", "--split", "all", "--json")

    document = json.loads(result.stdout)
    assert document["n"] == 56
    assert "were trained on" in document["warnings"][0]


def test_warnings_and_undefined_figures_are_shown(tiny_run):
    rows = [row for row in tiny_run.split_path.read_text().splitlines() if "test/NORM" not in row]
    tiny_run.split_path.write_text("\n".join(rows) + "\n")

    result = invoke(tiny_run.folder)

    assert result.exit_code == 0, result.output
    assert "Warning: There is no image of NORMAL." in result.stdout
    auc = next(line for line in result.stdout.splitlines() if "AUC" in line and "│" in line)
    assert "undefined" in auc


def test_the_newest_run_is_named_on_stderr(tiny_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = invoke("--json")

    assert json.loads(result.stdout)["n"] == 24
    assert "runs/tiny" in result.stderr


def test_an_unknown_run_names_the_nearest(tiny_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = invoke("tinny")

    assert isinstance(result.exception, RunError)
    assert "Did you mean 'tiny'?" in str(result.exception)


@pytest.mark.parametrize("arguments", [["--split", "train"], ["--jsn"]])
def test_wrong_options_exit_2(tiny_run, arguments):
    assert invoke(tiny_run.folder, *arguments).exit_code == 2


def test_the_figures_at_a_prevalence_follow_the_schema_and_have_a_table(tiny_run):
    document = json.loads(invoke(tiny_run.folder, "--prevalence", "0.1", "--json").stdout)

    schema = files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text()
    jsonschema.validate(document, json.loads(schema))
    told = invoke(tiny_run.folder, "--prevalence", "0.1").stdout
    after = told[told.index("At a prevalence of 0.1:") :]
    ppv = next(line for line in after.splitlines() if "PPV" in line)
    assert f"{document['at_prevalence']['metrics']['ppv']['value']:.3f}" in ppv


def test_people_hear_how_much_is_answered(tiny_run):
    assert "Sure" not in invoke(tiny_run.folder).stdout
    tiny_run.update_manifest(abstention={"rule": "coverage", "confidence": 0.5})

    told = invoke(tiny_run.folder).stdout

    found = read_json(tiny_run.metrics_path)["selective"]
    assert f"a share of {found['coverage']['value']:.3f} (95 % interval " in told
    answered = counts_text(found["answered"], "PNEUMONIA")
    assert f"wrong of those ({answered}): {found['risk']['value']:.3f}" in told
    assert f"Area under the risk-coverage curve: {found['area']['value']:.3f}" in told


def test_each_part_says_how_many_images_of_each_class_its_rate_is_of(tiny_run, tmp_path):
    groups = ["[f]" if "PNEU" in row["file"] else "m" for row in _test_rows(tiny_run)]
    groups[groups.index("m")] = "[f]"  # of the two groups one has both classes
    table = tmp_path / "table.csv"
    files = [row["file"] for row in _test_rows(tiny_run)]
    lines = [f"{file},{group}" for file, group in zip(files, groups, strict=True)]
    table.write_text("\n".join(["file,sex", *lines]) + "\n", encoding="utf-8")

    told = invoke(tiny_run.folder, "--slice-by", f"{table}:sex").stdout

    parts = read_json(tiny_run.metrics_path)["slices"]["sex"]["groups"]
    cells = [re.split(r" {2,}", line.strip()) for line in told.splitlines()]
    rows = {row[0]: row[1:4] for row in cells}
    assert rows["[f]"][:2] == ["12 positive + 1 negative", "accuracy"]
    assert rows["m"][:2] == ["11 negative", "specificity"]
    assert rows["m"][2] == f"{parts['m']['metrics']['specificity']['value']:.3f}"


def _test_rows(run):
    with run.split_path.open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if row["split"] == "test"]
