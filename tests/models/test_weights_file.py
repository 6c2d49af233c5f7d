import keras
import numpy as np
import pytest

from dlmath.errors import WeightsError
from dlmath.models import build
from dlmath.models.keras_networks import mobilenet_v2_035
from dlmath.models.weights_file import load_weights_file
from dlmath.recipe import Recipe


@pytest.fixture(scope="module")
def network():
    return mobilenet_v2_035(32, imagenet=False)


def dense(units=3, name="logits"):
    images = keras.Input((4,))
    return keras.Model(images, keras.layers.Dense(units, name=name)(images))


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_weights_of_the_same_network_are_loaded(tmp_path, ending):
    saved, loaded = dense(), dense()
    path = tmp_path / f"file{ending}"
    (saved.save if ending == ".keras" else saved.save_weights)(path)
    load_weights_file(loaded, path)

    for ours, theirs in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_backbone_is_taken_out_of_a_classifier(tmp_path):
    inner = dense()
    inner.name = "backbone"
    images = keras.Input((4,))
    keras.Model(images, keras.layers.Dense(2)(inner(images))).save(tmp_path / "whole.keras")
    loaded = dense()
    load_weights_file(loaded, tmp_path / "whole.keras")

    np.testing.assert_array_equal(loaded.get_weights()[0], inner.get_weights()[0])


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_the_message_names_the_layer_that_does_not_fit(tmp_path, ending):
    path = tmp_path / f"wider{ending}"
    wider = dense(units=5)
    (wider.save if ending == ".keras" else wider.save_weights)(path)
    with pytest.raises(WeightsError, match=r"\(4, 3\).*\(4, 5\).*logits/kernel"):
        load_weights_file(dense(), path)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_a_network_with_more_layers_is_refused(tmp_path, ending):
    larger = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(5)])
    path = tmp_path / f"larger{ending}"
    (larger.save if ending == ".keras" else larger.save_weights)(path)
    with pytest.raises(WeightsError, match="it holds 4 arrays where 2 are needed"):
        load_weights_file(dense(), path)


@pytest.mark.real_data
def test_the_real_file_gives_the_reference_features(shared_data):
    folder = shared_data / "weights"
    recipe = Recipe(
        name="real",
        classes=("a", "b"),
        backbone="mobilenet_v2_035",
        weights=str(folder / "mobilenet_v2_0.35_224_notop.weights.h5"),
    )
    reference = np.load(folder / "reference_outputs.npz")
    image = reference["input_uint8"][np.newaxis].astype("float32")
    features = build(recipe).get_layer("backbone")(image).numpy().mean(axis=(1, 2))[0]

    # Features reach 5. On another processor than the reference's, float32 convolutions differ from
    # it by 1.0e-5 to 1.6e-5 with three choices of kernels, whatever the number of threads.
    wanted = reference["mobilenet_v2_features"]
    np.testing.assert_allclose(features, wanted, rtol=0, atol=5e-6 * wanted.max())


@pytest.mark.parametrize("name", ["imagnet", "gone.weights.h5"])
def test_a_missing_file_is_refused(network, name):
    with pytest.raises(WeightsError, match=rf"no file of weights {name}.*--weights"):
        load_weights_file(network, name)


def test_a_misspelt_word_is_recognised(network):
    with pytest.raises(WeightsError, match=r"Did you mean 'imagenet'\?"):
        load_weights_file(network, "imagnet")


def test_another_ending_is_refused(network, tmp_path):
    path = tmp_path / "weights.pth"
    path.touch()
    with pytest.raises(WeightsError, match=r"must end in one of \.weights\.h5, \.h5, \.keras"):
        load_weights_file(network, path)


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".keras"])
def test_a_damaged_file_is_refused(network, tmp_path, ending):
    path = tmp_path / f"damaged{ending}"
    path.write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    with pytest.raises(WeightsError, match=r"damaged\.\S* .*is damaged"):
        load_weights_file(network, path)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_weights_of_another_network_are_refused(tmp_path, ending):
    path = tmp_path / f"other{ending}"
    other = dense(units=5)
    (other.save if ending == ".keras" else other.save_weights)(path)
    with pytest.raises(WeightsError, match="does not hold weights of this network"):
        load_weights_file(dense(), path)


def test_a_message_stays_one_line(network, tmp_path):
    path = tmp_path / "other.weights.h5"
    dense().save_weights(path)
    with pytest.raises(WeightsError) as info:
        load_weights_file(network, path)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    diverged = dense()
    diverged.get_layer("logits").bias.assign([0.0, value, 0.0])
    diverged.save_weights(tmp_path / "file.weights.h5")
    with pytest.raises(WeightsError, match="holds NaN or infinite weights"):
        load_weights_file(dense(), tmp_path / "file.weights.h5")
