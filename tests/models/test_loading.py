import zipfile

import keras
import numpy as np
import pytest

from dlmath.errors import RunError, WeightsError
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.inference.keras_file import write_keras
from dlmath.models import build, load
from dlmath.models.cell_cnn import malaria_cnn
from dlmath.recipe import Recipe
from dlmath.runs import Run, write_json, write_text
from dlmath.training.model_files import write_model


@pytest.fixture
def run(tmp_path):
    """A run from before manifests held checksums."""
    run, _ = trained(tmp_path)
    write_json(run.manifest_path, {"state": "finished"})
    return run


def test_a_model_is_found_by_run_by_folder_and_by_file(run, monkeypatch):
    image = np.full((1, 8, 8, 3), 100, "float32")
    expected = load(run)(image)

    for other in (run.folder, str(run.folder), run.model_path, str(run.model_path)):
        np.testing.assert_array_equal(load(other)(image), expected)


def test_a_missing_run_is_named():
    with pytest.raises(RunError, match="No run at nowhere"):
        load("nowhere")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match=r"no model .*gone\.keras.*dlmath runs list"):
        load(tmp_path / "gone.keras")


def test_a_run_without_a_model_says_how_to_go_on(run):
    run.model_path.unlink()
    with pytest.raises(RunError, match=r"no model yet.*dlmath train --resume"):
        load(run)


def test_a_damaged_model_is_refused(run):
    whole = run.model_path.read_bytes()
    run.model_path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"Cannot load the model .*model\.keras"):
        load(run)


def test_a_file_that_states_no_recipe_is_refused(tmp_path):
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, keras.layers.Lambda(lambda x: x * 2)(images))
    model.save(tmp_path / "code.keras")
    with pytest.raises(RunError, match=r"does not state the recipe.*export RUN.*--weights"):
        load(tmp_path / "code.keras")


@pytest.mark.parametrize("layers", ["keras", "scratch"])
def test_an_exported_file_is_built_from_the_recipe_in_it(tmp_path, layers):
    run, model = trained(tmp_path, layers=layers)
    path = tmp_path / "elsewhere.keras"
    rule = DecisionRule(("a", "b"), 8, "b", Threshold(0.5, "validation"))
    recipe = run.recipe.replace(weights="somebody/first.weights.h5")
    write_keras(run.model_path, recipe, rule, path, {"export_version": 1})

    image = np.full((1, 8, 8, 3), 100, "float32")
    np.testing.assert_array_equal(load(path)(image), model(image))
    assert b"somebody" not in path.read_bytes()


def test_what_the_description_says_is_not_followed(run):
    image = np.full((1, 8, 8, 3), 100, "float32")
    expected = load(run)(image)
    images = keras.Input((8, 8, 3))
    scaled = keras.layers.Rescaling(1 / 255)(images)
    keras.Model(images, malaria_cnn(8)(scaled)).save(run.folder / "other.keras")
    with zipfile.ZipFile(run.folder / "other.keras") as other:
        description = other.read("config.json")
    with zipfile.ZipFile(run.model_path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(run.model_path, "w") as forged:
        for name, content in {**members, "config.json": description}.items():
            forged.writestr(name, content)

    np.testing.assert_array_equal(load(run)(image), expected)


@pytest.mark.parametrize("more", [-1, 1])
def test_a_layer_too_few_or_too_many_is_refused(run, more):
    images = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(images)
    for units in [16, 32, 64, 128, 64, 32][: 6 + more] + [2] * max(0, more):
        x = keras.layers.Dense(units)(x)
    keras.Model(images, keras.layers.Dense(2)(x)).save(run.model_path)
    with pytest.raises(WeightsError, match="arrays where 14 are needed"):
        load(run)


def trained(tmp_path, **settings):
    recipe = Recipe(
        name="small",
        classes=("a", "b"),
        backbone="malaria_cnn",
        weights="none",
        image_size=8,
        **settings,
    )
    run = Run.create("small", tmp_path / "small")
    write_text(run.recipe_path, recipe.to_toml())
    write_json(run.manifest_path, {"state": "finished"})
    model = build(recipe)
    write_model(run, model)
    return run, model


@pytest.mark.parametrize("layers", ["keras", "scratch"])
def test_a_run_is_its_own_architecture_with_the_weights_of_the_file(tmp_path, layers):
    run, model = trained(tmp_path, layers=layers, tune="tail")
    assert set(run.manifest["model"]) == {"sha256", "bytes"}
    assert run.manifest["model"]["bytes"] == run.model_path.stat().st_size

    loaded = load(run)
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [layer.trainable for layer in loaded.layers] == [x.trainable for x in model.layers]
    image = np.full((1, 8, 8, 3), 100, "float32")
    np.testing.assert_array_equal(loaded(image), model(image))


def test_a_changed_file_is_refused_by_its_checksum(tmp_path):
    run, model = trained(tmp_path)
    model.get_layer("logits").bias.assign([1.0, 2.0])
    model.save(run.model_path)
    with pytest.raises(WeightsError, match=r"not the file that the training wrote.*sha256="):
        load(run)


def test_a_recipe_of_another_network_is_refused(tmp_path):
    run, _ = trained(tmp_path)
    write_text(run.recipe_path, run.recipe.replace(classes=("a", "b", "c")).to_toml())
    with pytest.raises(WeightsError, match=r"the network that recipe\.toml describes"):
        load(run)


def test_loading_asks_for_no_pretrained_weights(tmp_path):
    run, model = trained(tmp_path)
    write_text(run.recipe_path, run.recipe.replace(weights="gone.weights.h5").to_toml())
    np.testing.assert_array_equal(load(run).get_weights()[0], model.get_weights()[0])
