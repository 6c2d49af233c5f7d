"""The table of metrics, and that a metric entered in it arrives everywhere."""

import json

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

import dlmath
from dlmath.cli.main import app
from dlmath.evaluation.decisions import decision_metrics
from dlmath.evaluation.metric_table import KINDS, METRICS, Metric, names_of
from dlmath.evaluation.metrics import binary_metrics
from dlmath.evaluation.schema import PATH, as_text, evaluation_schema
from dlmath.runs import read_json


def test_the_committed_schema_is_the_generated_one():
    written = PATH.read_text(encoding="utf-8")
    assert written == as_text(evaluation_schema()), "run python -m dlmath.evaluation.schema"


def test_the_schema_names_every_metric_within_its_bounds():
    parts = evaluation_schema()["properties"]
    every = parts["metrics"]
    assert every["required"] == list(METRICS)
    assert every["properties"]["mcc"] == {"$ref": "#/$defs/correlation"}
    assert every["properties"]["brier"] == {"$ref": "#/$defs/loss"}
    assert every["properties"]["auc"] == {"$ref": "#/$defs/share"}
    moved = parts["at_prevalence"]["properties"]["metrics"]
    assert set(METRICS) - set(moved["required"]) == {
        "sensitivity",
        "specificity",
        "balanced_accuracy",
        "auc",
    }


def test_names_come_kind_by_kind():
    assert sorted(names_of(*KINDS)) == sorted(METRICS)
    assert names_of("ranking", "probability")[:3] == ("auc", "average_precision", "brier")
    decision = names_of("decision")
    moving = {name for name in decision if METRICS[name].moves_with_prevalence}
    assert set(names_of("decision", moving=True)) == moving
    assert moving >= {"accuracy", "ppv", "npv", "f1", "mcc"}
    assert not moving & {"balanced_accuracy", "sensitivity", "specificity"}


def test_what_moves_with_prevalence_is_what_other_weights_of_the_classes_change():
    """On a sample with every kind of mistake: whoever enters a metric cannot get this wrong."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 400)
    probability = np.clip(0.3 + 0.3 * truth + generator.normal(0, 0.25, 400), 0.01, 0.99)
    weights = np.stack([np.ones(400), np.where(truth == 1, 0.2, 1.0)])
    values = binary_metrics(truth, probability, 0.5, weights)
    changed = {name for name, (here, there) in values.items() if abs(here - there) > 1e-9}
    assert changed == set(names_of(*KINDS, moving=True))


def test_what_is_defined_for_one_class_is_what_is_computed_from_probabilities():
    probability = np.linspace(0.1, 0.9, 20)
    values = binary_metrics(np.zeros(20), probability, 0.5, np.ones((1, 20)))
    assert set(names_of("probability")) <= {n for n, one in values.items() if not np.isnan(one)}
    assert all(np.isnan(values[name]) for name in names_of("ranking"))


@pytest.fixture
def informedness(monkeypatch):
    """A decision metric that is planted: its formula and its entry in the table."""

    def with_informedness(counts, about):
        found = decision_metrics(counts, about)
        return {**found, "informedness": found["sensitivity"] + found["specificity"] - 1}

    for module in ("metrics", "melding"):
        monkeypatch.setattr(f"dlmath.evaluation.{module}.decision_metrics", with_informedness)
    metric = Metric(
        "informedness",
        "sensitivity and specificity, less 1",
        "decision",
        bounds="correlation",
        moves_with_prevalence=False,
        hub_name="youden_index",
    )
    monkeypatch.setitem(METRICS, "informedness", metric)
    return "informedness"


def test_a_new_metric_arrives_in_json_schema_report_card_and_tables(tiny_run, informedness):
    result = CliRunner().invoke(app, ["evaluate", str(tiny_run.folder)])
    assert result.exit_code == 0, result.output
    document = read_json(tiny_run.metrics_path)
    metrics = document["metrics"]
    expected = metrics["sensitivity"]["value"] + metrics["specificity"]["value"] - 1
    assert metrics[informedness]["value"] == pytest.approx(expected)
    assert document["methods"][informedness] == "melded"  # as of every metric made of rates
    jsonschema.Draft202012Validator(evaluation_schema()).validate(document)
    with pytest.raises(jsonschema.ValidationError, match="informedness"):
        jsonschema.validate(document, json.loads(PATH.read_text(encoding="utf-8")))

    interval = f"{metrics[informedness]['low']:.3f} to {metrics[informedness]['high']:.3f}"
    row = next(line for line in result.stdout.splitlines() if informedness in line)
    assert interval in row
    page = tiny_run.report_path.read_text(encoding="utf-8")
    assert interval in page
    assert "sensitivity and specificity, less 1" in page
    card = tiny_run.model_card_path.read_text(encoding="utf-8")
    assert f"| {informedness} |" in card
    assert '"type": "youden_index"' in card


def test_a_new_metric_arrives_in_slices_patients_and_comparisons(tiny_run, informedness):
    evaluation = dlmath.evaluate(tiny_run)
    assert evaluation.patient_level["metrics"][informedness]["value"] is not None
    for slices in evaluation.slices.values():
        assert all(informedness in group["metrics"] for group in slices["groups"].values())
    comparison = dlmath.evaluation.compare_runs(tiny_run, tiny_run)
    assert comparison.metrics[informedness].difference.value == 0
