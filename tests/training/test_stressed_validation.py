"""Epoch and threshold chosen on composites, where the recipe says so."""

import csv

import numpy as np
import pytest

import dlmath
from dlmath.cli.evaluate import _origin
from dlmath.data.images import read
from dlmath.data.run_data import RunData
from dlmath.data.stressed import Corruption, composites
from dlmath.doctor.decisions import threshold
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.errors import RecipeError
from dlmath.evaluation.checklists import answers
from dlmath.inference.probabilities import predict_probabilities
from dlmath.recipe import Recipe
from dlmath.training import validation
from dlmath.training.training_data import class_indices

STRESSED = Recipe(
    name="small",
    backbone="malaria_cnn",
    weights="none",
    image_size=8,
    batch_size=8,
    epochs=3,
    tune="all",
    patient_rules=(r"^(?P<patient>p\d+)_",),
    positive_class="dark",
    validation_fraction=0.5,
    region_width=0.5,
    region_height=0.5,
    border_swap=0.5,
    choose_on="stressed",
)


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 110, "bright": 150})


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    return dlmath.train(STRESSED, images, out=tmp_path_factory.mktemp("runs") / "stressed")


def history(run):
    with run.history_path.open() as lines:
        return list(csv.DictReader(lines))


def stressed_of(run):
    """The composites of a run's validation part, their labels, and what its model makes of them."""
    examples = RunData(run).split.validation
    pixels = np.stack([read(one.path, one.file, run.recipe.image_size) for one in examples])
    labels = class_indices(examples, run.recipe)
    made, rows = composites(pixels, labels, run.recipe)
    return predict_probabilities(dlmath.load(run), made), labels[rows]


def test_the_epoch_with_the_best_stressed_auc_is_kept(finished):
    rows, best = history(finished), finished.manifest["best"]

    stressed = [float(row["stress_auc"]) for row in rows]
    assert best["epoch"] == int(np.argmax(stressed)) + 1
    assert best["stress_auc"] == max(stressed)
    assert best["val_auc"] == float(rows[best["epoch"] - 1]["val_auc"])


def test_the_threshold_is_that_of_the_composites(finished):
    probabilities, labels = stressed_of(finished)
    record = finished.manifest["threshold"]

    expected = validation.decide(probabilities, labels, [None] * len(labels), finished.recipe)
    assert record["value"] == pytest.approx(expected["value"], abs=1e-6)
    assert (record["chosen_on"], record["images"]) == ("validation", "stressed")
    auc = validation.auc(probabilities, labels, finished.recipe)
    assert finished.manifest["best"]["stress_auc"] == pytest.approx(auc, abs=1e-6)


def test_border_swap_measures_what_plain_validation_chooses_without(images, tmp_path):
    run = dlmath.train(STRESSED.replace(choose_on="plain"), images, out=tmp_path / "run")

    assert "stress_auc" in history(run)[0]
    plain = [float(row["val_auc"]) for row in history(run)]
    assert run.manifest["best"]["epoch"] == int(np.argmax(plain)) + 1
    assert "images" not in run.manifest["threshold"]


def test_without_a_region_images_are_corrupted_only(images, tmp_path):
    recipe = STRESSED.replace(
        choose_on="plain", border_swap=0.0, region_width=1.0, region_height=1.0, epochs=1
    )

    run = dlmath.train(recipe, images, out=tmp_path / "run")

    assert "stress_auc" not in history(run)[0]
    assert "stress_auc" not in run.manifest["best"]
    assert run.manifest["best"]["corrupted_auc"] == float(history(run)[0]["corrupted_auc"])


def test_a_region_by_itself_is_stressed_and_weights_stay_as_they_are(images, tmp_path):
    """What is only measured changes no training."""
    plain = STRESSED.replace(choose_on="plain", border_swap=0.0, epochs=1)
    nothing = plain.replace(region_width=1.0, region_height=1.0)

    runs = [
        dlmath.train(recipe, images, out=tmp_path / name)
        for name, recipe in (("region", plain), ("none", nothing))
    ]

    assert "stress_auc" in history(runs[0])[0]
    region, none = (dlmath.load(run).get_weights() for run in runs)
    for one, other in zip(region, none, strict=True):
        np.testing.assert_array_equal(one, other)


def corrupted_of(run):
    """The corrupted images of a run's validation part, and their labels."""
    examples = RunData(run).split.validation
    pixels = np.stack([read(one.path, one.file, run.recipe.image_size) for one in examples])
    corruption = Corruption(run.recipe.seed)
    made = corruption.apply(pixels, [corruption.key(one) for one in examples])
    return made, class_indices(examples, run.recipe)


def test_the_corrupted_auc_is_that_of_the_model_on_corrupted_images(finished):
    made, labels = corrupted_of(finished)

    found = predict_probabilities(dlmath.load(finished), made.round().astype(np.uint8))

    auc = validation.auc(found, labels, finished.recipe)
    assert finished.manifest["best"]["corrupted_auc"] == pytest.approx(auc, abs=1e-6)


def test_a_solved_head_has_a_corrupted_auc_of_the_same_images(images, tmp_path, monkeypatch):
    solved = STRESSED.replace(
        tune="head", border_swap=0.0, choose_on="plain", region_width=1.0, region_height=1.0
    )
    run = dlmath.train(solved, images, out=tmp_path / "run")
    made, labels = corrupted_of(run)

    found = predict_probabilities(dlmath.load(run), made)

    auc = validation.auc(found, labels, run.recipe)
    assert run.manifest["best"]["corrupted_auc"] == pytest.approx(auc, abs=1e-6)
    monkeypatch.setattr(Corruption, "apply", lambda *_: pytest.fail("they are in the cache"))
    again = dlmath.train(solved, images, out=tmp_path / "again")
    assert again.manifest["best"] == run.manifest["best"]


def test_keys_are_those_of_the_feature_cache(finished):
    from dlmath.features import extract

    example, corruption = RunData(finished).split.validation[0], Corruption(3)

    assert extract._key(example, corruption) == corruption.key(example)


def test_the_report_names_the_stressed_auc(finished):
    page = finished.report_path.read_text()

    assert "AUC on composites, each with the border of another class" in page
    assert "AUC on corrupted images, each darker, brighter, coarser or a poor JPEG" in page
    assert "was chosen on these composites, by the rule" in page


def test_evaluation_and_model_card_say_what_the_threshold_was_chosen_on(finished):
    evaluation = dlmath.evaluate(finished, split="validation")

    assert evaluation.threshold_choice["images"] == "stressed"
    assert "(chosen on composites of validation images by youden" in _origin(finished, evaluation)
    said = answers(finished.recipe, finished.manifest, None, None)
    assert "chosen on composites of validation images by the rule youden" in said["threshold"]
    assert said["selection"] == (
        "The epoch with the highest AUC on composites of validation images."
    )
    assert "chosen on composites of validation images" in threshold(ExaminedRun(finished)).found


def test_a_solved_head_refuses_to_be_stressed(images, tmp_path):
    with pytest.raises(RecipeError, match="choose_on"):
        dlmath.train(
            STRESSED.replace(tune="head", border_swap=0.0, choose_on="plain"),
            images,
            out=tmp_path / "run",
            choose_on="stressed",
        )
