"""What a run decides on its validation part beyond the threshold, and how it is asked for it."""

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from PIL import Image

import dlmath
from dlmath.data.run_data import RunData
from dlmath.errors import RecipeError, RunError
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.light_classifier import LightClassifier
from dlmath.inference.ood_fit import fit_ood_score
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, read_json
from dlmath.training import distances, validation

BY_STEPS = {"head_solver": "sgd", "epochs": 1, "batch_size": 8}


@pytest.fixture(scope="module")
def squares(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("squares"), {"dark": 110, "bright": 150})


@pytest.fixture(scope="module", params=["solved", "by steps"])
def trained(request, squares, squares_recipe, tmp_path_factory):
    settings = BY_STEPS if request.param == "by steps" else {}
    recipe = squares_recipe.replace(**settings)
    return dlmath.train(recipe, squares, out=tmp_path_factory.mktemp("abstaining") / "run")


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """A picture of coloured stripes, which is no grey noise."""
    stripes = np.zeros((12, 12, 3), np.uint8)
    stripes[::2, :, 0] = 255
    stripes[:, ::3, 2] = 255
    path = tmp_path_factory.mktemp("strange") / "stripes.png"
    Image.fromarray(stripes).save(path)
    return path


def part_of(run, name):
    """The image files of a part of a run."""
    return [example.path for example in RunData(run).part(name)]


def test_the_manifest_tells_the_rules_and_what_they_do_on_validation(trained, squares):
    manifest = trained.manifest
    predictions = dlmath.predict(trained, part_of(trained, "validation"))

    abstention, ood_score = manifest["abstention"], manifest["ood_score"]
    assert (abstention["rule"], abstention["target"]) == ("coverage", 0.9)
    assert abstention["chosen_on"] == ood_score["chosen_on"] == "validation"
    assert abstention["coverage"] >= 0.9
    assert abstention["images"] == ood_score["validation_images"] == len(predictions)
    usual = [not one.out_of_distribution for one in predictions]
    assert np.mean(usual) >= ood_score["share"] == 0.95
    assert max(one.ood_score for one in predictions) >= ood_score["limit"]
    assert trained.light_ood_path.stat().st_size < 100_000


@pytest.mark.parametrize("runtime", ["light", "keras"])
def test_a_strange_image_is_unusual_in_both_runtimes(trained, strange, runtime):
    (one,) = dlmath.predict(trained, strange, runtime=runtime)

    assert one.out_of_distribution
    assert one.abstains
    assert one.ood_score > trained.manifest["ood_score"]["limit"]


def test_both_runtimes_say_the_same(trained, squares):
    light, keras = (dlmath.predict(trained, squares, runtime=name) for name in ("light", "keras"))

    for ours, theirs in zip(light, keras, strict=True):
        assert ours.ood_score == pytest.approx(theirs.ood_score, rel=1e-3, abs=1e-3)
        assert (ours.out_of_distribution, ours.abstains) == (
            theirs.out_of_distribution,
            theirs.abstains,
        )


def test_the_evaluation_follows_from_the_predictions(trained, squares):
    evaluation = dlmath.evaluate(trained)

    schema = json.loads(files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text())
    jsonschema.validate(read_json(trained.metrics_path), schema)
    predictions = dlmath.predict(trained, part_of(trained, "test"), runtime="keras")
    answered = [one for one in predictions if not one.abstains]
    selective = evaluation.selective
    assert selective["coverage"]["value"] == pytest.approx(len(answered) / len(predictions))
    wrong = [one.decision not in one.file.split("/") for one in answered]
    assert selective["risk"]["value"] == pytest.approx(np.mean(wrong))
    out_of_distribution = np.mean([one.out_of_distribution for one in predictions])
    assert selective["unusual"]["value"] == pytest.approx(out_of_distribution)
    assert selective["least_confidence"] == trained.manifest["abstention"]["confidence"]
    assert selective["greatest_distance"] == trained.manifest["ood_score"]["limit"]


@pytest.mark.parametrize("load", [LightClassifier.load, KerasClassifier.load])
@pytest.mark.parametrize("change", ["missing", "other"])
def test_a_distance_that_is_gone_or_changed_is_named(trained, load, change):
    path = trained.light_ood_path
    content = path.read_bytes()
    path.unlink()
    if change == "other":
        path.write_bytes(content[:-1] + b"?")
    try:
        with pytest.raises(RunError, match=r"distance\.npz.*Train again"):
            load(trained)
    finally:
        path.write_bytes(content)


def test_a_run_from_before_answers_without(trained, squares, strange):
    manifest = trained.manifest
    trained.update_manifest(abstention=None, ood_score=None)
    try:
        for runtime in ("light", "keras"):
            (one,) = dlmath.predict(trained, strange, runtime=runtime)
            assert one.ood_score is one.out_of_distribution is one.abstains is None
        selective = dlmath.evaluate(trained, squares).selective
        assert selective["coverage"] is selective["unusual"] is None
        assert selective["area"]["value"] >= 0
    finally:
        trained.update_manifest(**manifest)


def test_a_large_training_part_is_drawn_from(monkeypatch, squares, squares_recipe, tmp_path):
    monkeypatch.setattr(distances, "MOST_IMAGES", 7)

    run = dlmath.train(squares_recipe.replace(**BY_STEPS), squares, out=tmp_path / "run")

    assert run.manifest["ood_score"]["images"] == 7


def test_features_that_are_no_numbers_leave_the_run_without(tmp_path):
    run, nothing = Run(tmp_path), np.full((9, 3), np.nan)
    some = np.random.default_rng(0).normal(size=(9, 3))

    labels = np.arange(9) % 2
    for known, unseen in ((nothing, some), (some, nothing)):
        fitted = fit_ood_score(known, labels)
        assert distances.write_ood_score(run, fitted, 9, unseen, 0.95) is None
    assert not run.light_ood_path.exists()


THREE = Recipe(name="three", classes=("a", "b", "c"))
BINARY = Recipe(name="two", classes=("a", "b"), positive_class="b")


def answers(recipe, seed=0):
    """Probabilities (60, K) and labels that they are right about more often where they are sure."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(len(recipe.classes), 0.7), 60)
    drawn = [rng.choice(len(row), p=row) for row in probabilities]
    return probabilities, np.array(drawn)


@pytest.mark.parametrize("recipe", [BINARY, THREE], ids=["binary", "three classes"])
@pytest.mark.parametrize(
    ("rule", "target"), [("coverage", 0.7), ("coverage", 1.0), ("risk", 0.1), ("risk", 0.3)]
)
def test_the_rule_is_kept_where_it_is_chosen(recipe, rule, target):
    recipe = recipe.replace(abstain_rule=rule, **{f"abstain_{rule}": target})
    probabilities, labels = answers(recipe)

    found = validation.decisions(probabilities, labels, [None] * 60, recipe, Reporter())

    abstention, threshold = found["abstention"], found["threshold"]
    rule = DecisionRule(
        recipe.classes,
        recipe.image_size,
        recipe.positive_class or None,
        threshold and Threshold(threshold["value"], "validation"),
    )
    sure = rule.confidence(probabilities) >= abstention["confidence"]
    wrong = rule.decide(probabilities) != labels
    assert sure.mean() == pytest.approx(abstention["coverage"])
    assert wrong[sure].mean() == pytest.approx(abstention["risk"])
    assert abstention["coverage"] >= target if rule == "coverage" else abstention["risk"] <= target


def test_a_risk_that_cannot_be_kept_is_said_and_the_run_goes_on():
    recipe = BINARY.replace(abstain_rule="risk", abstain_risk=0.0)
    probabilities, labels = np.tile([0.4, 0.6], (8, 1)), np.arange(8) % 2
    said = []

    class Listener(Reporter):
        def say(self, text):
            said.append(text)

    found = validation.decisions(probabilities, labels, [None] * 8, recipe, Listener())

    assert "even those of the highest confidence" in found["abstention"]["why"]
    assert "confidence" not in found["abstention"]
    assert "no answer will be marked as unsure" in said[0]


def test_none_chooses_nothing():
    recipe = BINARY.replace(abstain_rule="none")

    assert (
        validation.decisions(*answers(recipe), [None] * 60, recipe, Reporter())["abstention"]
        is None
    )


@pytest.mark.parametrize(("name", "rule"), [("abstain_coverage", "risk"), ("abstain_risk", "none")])
def test_a_field_of_another_rule_is_refused(name, rule):
    recipe = Recipe(name="x", abstain_rule=rule)

    with pytest.raises(RecipeError, match=f"`{name}` belongs to another rule of abstaining"):
        recipe.check_has_effect([name])
