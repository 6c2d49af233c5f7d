import json

import numpy as np
import pytest
from typer.testing import CliRunner

import dlmath
from dlmath import models
from dlmath.attribution import WhyPatients, why_patients
from dlmath.cli.main import app
from dlmath.data.images import read
from dlmath.errors import DataError, RunError
from dlmath.linear_head import fit_head
from dlmath.reporting import SILENT
from dlmath.runs import write_text
from dlmath.training.devices import choose_device
from dlmath.training.head_features import head_data, load_head_features
from dlmath.training.preparation import prepare_again


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    """Bright and dark squares of 20 patients, two each of a class."""
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 120, "bright": 140})


@pytest.fixture(scope="module")
def run(images, squares_recipe, tmp_path_factory):
    return dlmath.train(squares_recipe, images, out=tmp_path_factory.mktemp("runs") / "run")


def logit(p):
    return np.log(p / (1 - p))


def test_the_probability_is_the_models(run, images):
    file = images / "dark" / "p0_0.png"
    (answer,) = why_patients(run, file)
    (prediction,) = dlmath.predict(run, file)
    assert answer.about == "dark"
    assert answer.probability == pytest.approx(prediction.probabilities["dark"], abs=1e-5)
    assert answer.low < answer.probability < answer.high
    assert answer.threshold == run.manifest["threshold"]["value"]


@pytest.mark.parametrize(
    ("threshold", "settled"), [(0.1, True), (0.2, True), (0.5, False), (0.95, True), (None, None)]
)
def test_a_decision_is_settled_where_both_ends_of_the_interval_decide_alike(threshold, settled):
    answer = WhyPatients("a.png", "dark", 0.6, 0.2, 0.9, threshold, ())

    assert answer.is_settled is settled


def test_without_a_patient_is_what_real_training_without_it_gives(run, images):
    file = images / "dark" / "p0_0.png"
    (answer,) = why_patients(run, file, top=3)
    prepared = prepare_again(run, None, SILENT)
    loaded = load_head_features(
        prepared, models.build(prepared.recipe), choose_device("cpu"), SILENT
    )
    data = head_data(loaded)
    features = loaded.network.make_runner()(read(file, "file", 8)[np.newaxis])
    for one in answer.patients:
        kept = data.groups != one.patient
        # The penalty is per unit of weight; the believed prior stays as it is.
        share = data.weights.sum() / data.weights[kept].sum()
        refit = fit_head(
            data.features[kept],
            data.targets[kept],
            data.weights[kept],
            data.groups[kept],
            l2=run.recipe.l2 * share,
        )
        logits = refit.logits(features)[0]
        dark = run.recipe.classes.index("dark")
        real = logits[dark] - logits[1 - dark] - logit(answer.probability)
        found = logit(one.without) - logit(answer.probability)
        # One Newton step among 14 patients, each of whom is a good part of the data.
        assert found == pytest.approx(real, rel=0.2)


def test_the_patients_come_with_their_images_and_the_greatest_change_first(run, images):
    (answer,) = why_patients(run, images / "bright" / "p1_0.png", top=20)
    changes = [one.change for one in answer.patients]
    assert sorted(changes, key=abs, reverse=True) == changes
    moved = [logit(one.without) - logit(answer.probability) for one in answer.patients]
    np.testing.assert_allclose(changes, moved, rtol=1e-6, atol=1e-9)
    assert all(sum(one.images.values()) == 2 for one in answer.patients)
    train = {row.split(",")[3] for row in run.split_path.read_text().splitlines() if "train" in row}
    assert {one.patient for one in answer.patients} == train


def test_a_head_trained_by_steps_or_mixed_is_refused(run, images, tmp_path):
    file = images / "dark" / "p0_0.png"
    for changes in ({"head_solver": "sgd", "l2": 0.0, "epochs": 1}, {"feature_mixup": 0.2}):
        recipe = run.recipe.replace(**changes)
        other = dlmath.train(recipe, images, out=tmp_path / recipe.head_solver)
        with pytest.raises(RunError, match="solved exactly, without Mixup"):
            why_patients(other, file)


def test_a_recipe_that_gives_another_head_is_noticed(images, squares_recipe, tmp_path):
    run = dlmath.train(squares_recipe, images, out=tmp_path / "run")
    write_text(run.recipe_path, run.recipe.replace(class_weights="balanced", seed=3).to_toml())
    head = run.manifest["head"]
    run.update_manifest(head={**head, "l2": 1.0})
    with pytest.raises(RunError, match="not the one"):
        why_patients(run, images / "dark" / "p0_0.png")


def test_an_unreadable_image_is_one_message(run, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"bad\.png"):
        why_patients(run, tmp_path / "bad.png")


def test_the_command_prints_a_table_or_one_json_document(run, images):
    file = str(images / "dark" / "p0_0.png")
    runner = CliRunner()
    done = runner.invoke(app, ["explain", str(run.folder), file, "--why-patients", "--json"])
    assert done.exit_code == 0, done.output
    (answer,) = json.loads(done.stdout)
    assert answer["class"] == "dark"
    assert len(answer["patients"]) == 5
    done = runner.invoke(app, ["explain", str(run.folder), file, "--why-patients", "--top", "2"])
    assert answer["patients"][0]["patient"] in done.stdout
    low, high = answer["interval"]
    assert f"probability of dark {answer['probability']:.3f}\n" in done.stdout
    assert f"95 % interval of that probability: {low:.3f} to {high:.3f}, for" in done.stdout
    assert f"The threshold, {answer['threshold']:.3f}, lies" in done.stdout
    assert answer["patients"][2]["patient"] not in done.stdout
