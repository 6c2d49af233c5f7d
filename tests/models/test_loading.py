import keras
import numpy as np
import pytest

from dlmath.errors import RunError, WeightsError
from dlmath.layers import MixUp
from dlmath.models import load
from dlmath.models.cell_cnn import malaria_cnn
from dlmath.runs import Run, write_json


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
    with pytest.raises(WeightsError, match=r"Cannot load the model"):
        load(tmp_path / "code.keras")
