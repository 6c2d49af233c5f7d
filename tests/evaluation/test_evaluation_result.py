import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from dlmath.evaluation.evaluation_result import measure
from dlmath.evaluation.metric_table import METRICS
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.stats.bootstrap import Estimate

SCHEMA = json.loads(files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text())

BINARY = DecisionRule(
    ("Parasitized", "Uninfected"), 16, "Parasitized", Threshold(0.3, "validation")
)
THREE = DecisionRule(("a", "b", "c"), 16, None, None)
WHERE = {"task": "tiny", "split": "test", "seed": 0}


def check(evaluation) -> dict:
    """Validate the document as a reader of the JSON gets it: no NaN, and as the schema says."""
    document = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def binary_sample(n=40):
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    positive = np.clip(0.6 - 0.4 * truth + rng.normal(0, 0.2, n), 0, 1)
    return truth, np.column_stack([positive, 1 - positive])


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]["metrics"]["required"]) == set(METRICS)


def test_the_document_says_all_of_it_and_validates():
    truth, probabilities = binary_sample()
    patients = [f"C{row // 2}" for row in range(40)]

    document = check(measure(BINARY, truth, probabilities, patients, **WHERE))

    assert list(document) == SCHEMA["required"]
    assert document["n"] == 40
    assert document["patients"] == 20
    assert document["threshold"] == {"value": 0.3, "chosen_on": "validation"}
    assert [warning.split(" (")[0] for warning in document["warnings"]] == [
        "There are few patients"
    ]
    for name, metric in document["metrics"].items():
        assert metric["low"] <= metric["high"], name


def test_all_is_about_the_positive_class_though_it_comes_first():
    truth, probabilities = binary_sample()
    decided = np.where(probabilities[:, 0] >= 0.3, 0, 1)

    document = check(measure(BINARY, truth, probabilities, [None] * 40, **WHERE))

    (hit, missed), (_, rejected) = document["confusion"]
    assert hit + missed == 20
    assert hit == np.sum((truth == 0) & (decided == 0))
    metrics = document["metrics"]
    assert metrics["sensitivity"]["value"] == hit / 20
    assert metrics["specificity"]["value"] == rejected / 20
    assert metrics["auc"]["value"] > 0.8


def test_unknown_patients_are_null_with_a_warning():
    truth, probabilities = binary_sample()
    patients = ["C1"] * 39 + [None]

    document = check(measure(BINARY, truth, probabilities, patients, **WHERE))

    assert document["patients"] is None
    assert "Whose images these are is not known" in document["warnings"][0]
    assert document == check(measure(BINARY, truth, probabilities, [None] * 40, **WHERE))


def test_a_single_class_is_null_with_a_warning():
    _, probabilities = binary_sample()

    document = check(measure(BINARY, np.ones(40, int), probabilities, list("ab" * 20), **WHERE))

    null = {"value": None, "low": None, "high": None}
    assert document["metrics"]["auc"] == null
    assert document["metrics"]["sensitivity"] == null
    assert document["metrics"]["specificity"] != null
    assert "There is no image of Parasitized." in document["warnings"]
    assert any("AUC" in warning for warning in document["warnings"])


def test_one_image_is_enough():
    evaluation = measure(BINARY, np.array([0]), np.array([[0.9, 0.1]]), ["C1"], **WHERE)

    check(evaluation)
    assert evaluation.metrics["accuracy"] == Estimate(1.0, None, None)


def test_three_classes_have_no_positive_one():
    rng = np.random.default_rng(0)
    truth = np.arange(30) % 3
    probabilities = rng.dirichlet([1, 1, 1], 30) * 0.5 + 0.5 * np.eye(3)[truth]

    document = check(measure(THREE, truth, probabilities, [None] * 30, **WHERE))

    assert document["positive_class"] is None
    assert document["threshold"] is None
    assert np.sum(document["confusion"]) == 30
    assert document["metrics"]["auc"]["value"] > 0.9


def test_earlier_warnings_come_first():
    truth, probabilities = binary_sample()

    evaluation = measure(
        BINARY, truth, probabilities, [None] * 40, warnings=["These are phantoms."], **WHERE
    )

    assert evaluation.warnings[0] == "These are phantoms."


@pytest.mark.parametrize("wrong", [{"n": 0}, {"extra": 1}, {"metrics": {}}, {"split": "train"}])
def test_the_schema_refuses_what_is_wrong(wrong):
    truth, probabilities = binary_sample()
    document = measure(BINARY, truth, probabilities, [None] * 40, **WHERE).as_json()

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, **wrong}, SCHEMA)
