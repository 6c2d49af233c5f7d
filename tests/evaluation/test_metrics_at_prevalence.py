"""Metrics at another prevalence against scikit-learn's with weights, and against Bayes."""

import numpy as np
import pytest
from sklearn import metrics as scikit_learn

from dlmath.errors import DataError, RunError
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.prevalence import prevalence_metrics
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.inference.prevalence import shift_probability, trained_prevalence

PREVALENCE, HERE = 0.05, 0.4


@pytest.fixture(params=["NORMAL", "PNEUMONIA"])
def sample(request):
    """Of 300 images of 100 patients; the positive class comes first or second."""
    rng = np.random.default_rng(0)
    positive = rng.random(300) < HERE
    score = 1 / (1 + np.exp(-rng.normal(np.where(positive, 1, -1))))
    first = request.param == "NORMAL"
    rule = DecisionRule(("NORMAL", "PNEUMONIA"), 16, request.param, Threshold(0.37, "validation"))
    both = np.column_stack([score, 1 - score] if first else [1 - score, score])
    truth = np.where(positive == first, 0, 1)
    return Sample(rule, truth, both, np.arange(300) // 3)


def metrics(sample):
    return prevalence_metrics(sample, PREVALENCE, HERE, 0)


def test_every_metric_is_scikit_learns_with_weights(sample):
    index = sample.rule.positive_index
    positive, score = sample.truth == index, sample.probabilities[:, index]
    weights = np.where(positive, PREVALENCE / positive.sum(), (1 - PREVALENCE) / (~positive).sum())
    decided, weighted = score >= 0.37, {"sample_weight": weights}
    shifted = shift_probability(score, HERE, PREVALENCE)

    found = metrics(sample)

    expected = {
        "accuracy": scikit_learn.accuracy_score(positive, decided, **weighted),
        "ppv": scikit_learn.precision_score(positive, decided, **weighted),
        "npv": scikit_learn.precision_score(~positive, ~decided, **weighted),
        "f1": scikit_learn.f1_score(positive, decided, **weighted),
        "mcc": scikit_learn.matthews_corrcoef(positive, decided, **weighted),
        "average_precision": scikit_learn.average_precision_score(positive, score, **weighted),
        "brier": scikit_learn.brier_score_loss(positive, shifted, **weighted),
        "log_loss": scikit_learn.log_loss(positive, shifted, **weighted),
    }
    values = {name: metric["value"] for name, metric in found["metrics"].items()}
    assert values.pop("ece") >= 0
    assert set(values) == set(expected), "enter the value of scikit-learn in `expected`"
    assert values == pytest.approx(expected, abs=1e-12)
    assert (found["prevalence"], found["trained_at"]) == (PREVALENCE, HERE)


def test_each_has_an_interval_around_it(sample):
    for metric in metrics(sample)["metrics"].values():
        assert metric["low"] < metric["value"] < metric["high"]


def test_a_specificity_of_one_is_not_taken_for_certain():
    """33 of 38 pneumonias and 38 of 38 normals: a specificity of 0.907 is not excluded."""
    truth = np.repeat([1, 0], 38)
    score = np.where(truth == 1, 0.9, 0.1)
    score[:5] = 0.2
    rule = DecisionRule(("NORMAL", "PNEUMONIA"), 16, "PNEUMONIA", Threshold(0.5, "validation"))
    sample = Sample(rule, truth, np.column_stack([1 - score, score]), np.arange(76))

    found = prevalence_metrics(sample, 0.05, 0.5, 0)["metrics"]

    # At the exact lower end of the specificity, and the estimated sensitivity.
    low, sensitivity = 0.025 ** (1 / 38), 33 / 38
    assert found["accuracy"]["value"] == pytest.approx(0.05 * sensitivity + 0.95)
    assert found["accuracy"]["low"] == pytest.approx(0.05 * sensitivity + 0.95 * low, abs=0.005)
    assert found["ppv"]["value"] == 1
    expected = 0.05 * sensitivity / (0.05 * sensitivity + 0.95 * (1 - low))
    assert found["ppv"]["low"] == pytest.approx(expected, abs=0.03)
    assert found["f1"]["low"] < 0.6
    assert found["mcc"]["low"] < 0.6


def test_shifting_makes_the_probabilities_better_there(sample):
    shifted = metrics(sample)["metrics"]["log_loss"]["value"]
    unshifted = prevalence_metrics(sample, PREVALENCE, PREVALENCE, 0)

    assert shifted < unshifted["metrics"]["log_loss"]["value"]


def test_what_the_probabilities_are_for_follows_from_the_training(tiny_run):
    assert trained_prevalence(tiny_run) == 0.5

    split = {**tiny_run.manifest["split"], "train_classes": {"NORMAL": 30, "PNEUMONIA": 10}}
    tiny_run.update_manifest(split=split)
    assert trained_prevalence(tiny_run) == 0.25

    recipe = tiny_run.recipe.replace(class_weights="balanced")
    tiny_run.recipe_path.write_text(recipe.to_toml())
    assert trained_prevalence(tiny_run) == 0.5

    tiny_run.update_manifest(calibration={"method": "platt"})
    assert trained_prevalence(tiny_run) == 0.25


def test_a_manifest_without_the_classes_is_refused(tiny_run):
    split = {**tiny_run.manifest["split"], "train_classes": {}}
    tiny_run.update_manifest(split=split)

    with pytest.raises(RunError, match="how many training images each class has"):
        trained_prevalence(tiny_run)


def test_three_classes_have_no_prevalence(tiny_run):
    recipe = tiny_run.recipe.replace(classes=("NORMAL", "PNEUMONIA", "OTHER"), positive_class="")
    tiny_run.recipe_path.write_text(recipe.to_toml())

    with pytest.raises(DataError, match="Leave --prevalence out"):
        trained_prevalence(tiny_run)
