"""One contract, held by every entry of the table."""

import keras
import numpy as np
import pytest

from dlmath.errors import RecipeError, UserError
from dlmath.models import BACKBONES, build
from dlmath.models.backbones import find_backbone
from dlmath.recipe import Recipe

# What a black and a white pixel become in front of the first convolution.
SCALED = {
    # Keras divides 0..1 by the square roots of the deviations of red, green and blue.
    "efficientnet_b0": (0.0, [2.0897, 2.1129, 2.1082]),
    "efficientnet_lite0": (-127 / 128, 1.0),
    "efficientnet_lite1": (-127 / 128, 1.0),
    "efficientnet_lite2": (-127 / 128, 1.0),
    "inception_v3": (-1.0, 1.0),
    "mobilenet_v2": (-1.0, 1.0),
    "mobilenet_v2_035": (-1.0, 1.0),
    "malaria_cnn": (-1.0, 1.0),
    "malaria_attention_cnn": (-1.0, 1.0),
    "malaria_vit": (-1.0, 1.0),
}


# Those that take longest to build share their code with another that is tested every time.
SLOW = {"efficientnet_lite1", "efficientnet_lite2", "inception_v3", "mobilenet_v2"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else []) for name in BACKBONES
    ],
)
def built(request):
    """A name of the table and its classifier of three classes, its tail trainable."""
    name = request.param
    recipe = Recipe(
        name="contract",
        classes=("a", "b", "c"),
        backbone=name,
        weights="none",
        tune="tail",
        image_size=BACKBONES[name].smallest_size,
        dropout=0.0,
        seed=3,
    )
    yield name, build(recipe)
    keras.backend.clear_session()


def pixels(model, n=2):
    side = model.input_shape[1]
    return np.random.default_rng(0).uniform(0, 255, (n, side, side, 3)).astype("float32")


def trunk(name, model):
    return model if BACKBONES[name].is_whole else model.get_layer("backbone")


def test_pixels_in_and_probabilities_out(built):
    _, model = built
    probabilities = model(pixels(model), training=False)

    assert model.input.name == "images"
    assert probabilities.shape == (2, 3)
    assert probabilities.dtype == "float32"
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, rtol=1e-6)


def test_pixels_are_rescaled_exactly_once(built):
    name, model = built
    network = trunk(name, model)
    first = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    seen = keras.Model(network.inputs[0], first.input)
    side = model.input_shape[1]
    black, white = (seen(np.full((1, side, side, 3), level, "float32")) for level in (0, 255))

    # The middle pixel: some networks pad with zeros before the convolution.
    middle = (0, side // 2, side // 2)
    np.testing.assert_allclose(black[middle], np.broadcast_to(SCALED[name][0], 3), atol=1e-3)
    np.testing.assert_allclose(white[middle], np.broadcast_to(SCALED[name][1], 3), atol=1e-3)
    if network is not model:  # nothing in front of the backbone scales a second time
        assert [layer.name for layer in model.layers[:2]] == ["images", "backbone"]


def test_the_tail_trains_and_what_is_before_does_not(built):
    name, model = built
    layers = trunk(name, model).layers
    cut = [layer.name for layer in layers].index(BACKBONES[name].tail)

    assert cut > 0
    assert not any(layer.trainable_variables for layer in layers[:cut])
    assert any(layer.trainable_variables for layer in layers[cut:])
    assert model.get_layer("logits").trainable_variables


def test_every_path_runs_through_the_tail(built):
    name, model = built
    network = trunk(name, model)
    # Fails if an input of a later layer bypasses the cut.
    keras.Model(network.get_layer(BACKBONES[name].tail).output, network.output)


def test_saved_and_loaded_it_answers_the_same(built, tmp_path):
    _, model = built
    images = pixels(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)

    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(loaded(images, training=False), model(images, training=False))


def test_every_entry_is_under_contract():
    assert set(SCALED) == set(BACKBONES)


def test_an_unknown_backbone_is_refused_with_the_nearest_name():
    with pytest.raises(RecipeError, match=r"Did you mean 'efficientnet_b0'\?.*--backbone"):
        find_backbone("efficentnet_b0", 224)


def test_images_too_small_are_refused_with_a_size_that_works():
    with pytest.raises(UserError, match=r"at least 75 .*image_size=64.*--image-size 299"):
        find_backbone("inception_v3", 64)
