import keras
import numpy as np
import pytest

from dlmath.errors import RunError, WeightsError
from dlmath.layers import MixUp
from dlmath.models import build, load
from dlmath.models.cell_cnn import malaria_cnn
from dlmath.recipe import Recipe
from dlmath.runs import Run, write_json, write_text
from dlmath.training.model_files import write_model


@pytest.fixture
def run(tmp_path):
    run = Run.create("malaria", tmp_path / "run")
    write_json(run.manifest_path, {"state": "finished"})
    malaria_cnn(8).save(run.model_path)
    return run


def test_a_model_is_found_by_run_by_folder_and_by_file(run, monkeypatch):
    image = np.full((1, 8, 8, 3), 100, "float32")
    expected = load(run)(image)

    for other in (run.folder, str(run.folder), run.model_path, str(run.model_path)):
        np.testing.assert_array_equal(load(other)(image), expected)


def test_our_layers_are_known(tmp_path):
    inputs = keras.Input((8, 8, 3)), keras.Input((2,))
    keras.Model(inputs, MixUp(0.3, name="mix_up")(*inputs)).save(tmp_path / "m.keras")

    assert load(tmp_path / "m.keras").get_layer("mix_up").alpha == 0.3


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


def test_a_model_that_brings_code_is_refused(tmp_path):
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, keras.layers.Lambda(lambda x: x * 2)(images))
    model.save(tmp_path / "code.keras")
    with pytest.raises(WeightsError, match=r"is not loaded: .* keras\.layers\.Lambda"):
        load(tmp_path / "code.keras")


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
