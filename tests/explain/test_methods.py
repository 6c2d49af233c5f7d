"""One contract, held by every method for every network that `build` makes."""

import keras
import numpy as np
import pytest

from dlmath.errors import DataError, UserError
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import METHODS, QUICK, find_method
from dlmath.explain.path_attribution import TOLERANCE, integrated_gradients
from dlmath.models import BACKBONES, build
from dlmath.recipe import Recipe

WHOLE = [name for name, backbone in BACKBONES.items() if backbone.is_whole]
# Nested in the classifier, and slow to build.
SLOW = set(BACKBONES) - set(WHOLE)
NAMES = [*BACKBONES, *(f"{name} from scratch" for name in WHOLE)]


def recipe(name, **changes):
    backbone, _, scratch = name.partition(" ")
    settings = {
        "name": "contract",
        "classes": ("a", "b", "c"),
        "backbone": backbone,
        "weights": "none",
        "image_size": BACKBONES[backbone].smallest_size,
        "layers": "scratch" if scratch else "keras",
    }
    return Recipe(**(settings | changes))


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if name in SLOW else []) for name in NAMES],
)
def model(request):
    yield build(recipe(request.param))
    keras.backend.clear_session()


def image(side):
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


def test_every_method_gives_a_map_of_the_images_size(model):
    parts = ClassifierParts(model)
    for method in QUICK.values():
        found = method(parts, image(parts.image_size), 1)

        assert isinstance(found, HeatMap)
        assert found.values.shape == (parts.image_size,) * 2
        assert found.values.dtype == np.float32
        assert np.isfinite(found.values).all()
        assert 0 <= found.heat.min() <= found.heat.max() <= 1
        assert 1 <= found.grain <= parts.image_size


def test_the_log_odds_are_those_of_the_models_probabilities(model):
    parts = ClassifierParts(model)
    pixels = image(parts.image_size)
    probabilities = model(pixels[None].astype("float32"), training=False).numpy()[0]

    for index, p in enumerate(probabilities):
        assert parts.probabilities(pixels[None], index)[0] == pytest.approx(p, rel=1e-4)


def test_a_loaded_model_is_explained_alike(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    pixels = image(model.input_shape[1])

    for name in ("grad_cam", "grad_cam_plus_plus"):
        ours, theirs = (
            METHODS[name](ClassifierParts(m), pixels, 2).values for m in (model, loaded)
        )
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["malaria_cnn", "malaria_cnn from scratch"])
def test_the_feature_map_is_that_of_the_last_convolution(name):
    # Not that of the pooling behind it, which is half as fine and holds nothing more.
    parts = ClassifierParts(build(recipe(name, image_size=16)))

    assert parts.feature_map.shape[1:] == (4, 4, 64)


@pytest.mark.parametrize("name", ["malaria_attention_cnn", "malaria_vit"])
def test_the_feature_map_of_a_network_with_attention_is_that_of_its_last_block(name):
    model = build(recipe(name, image_size=64))
    parts = ClassifierParts(model)

    assert parts.feature_map is model.get_layer("map").output
    assert parts.feature_map.shape[1:] == (8, 8, 64)


@pytest.mark.parametrize("name", WHOLE)
def test_gradients_of_a_network_from_scratch_are_those_of_keras(name):
    ours, theirs = (build(recipe(one, image_size=16)) for one in (f"{name} from scratch", name))
    ours.set_weights(theirs.get_weights())
    pixels = image(16)

    for method in QUICK.values():
        maps = [method(ClassifierParts(model), pixels, 0).values for model in (ours, theirs)]
        np.testing.assert_allclose(*maps, rtol=1e-4, atol=1e-6)


def test_half_precision_is_explained_in_float32():
    parts = ClassifierParts(build(recipe("malaria_cnn", image_size=16, precision="bfloat16")))

    assert METHODS["grad_cam"](parts, image(16), 0).values.dtype == np.float32


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_only_place_that_matters(spot_parts, spot_image, name):
    values = METHODS[name](spot_parts, spot_image, 1).values

    assert np.unravel_index(values.argmax(), values.shape) == (2, 5)


def test_grad_cam_is_equations_1_and_2(spot_parts):
    pixels = image(8)
    red = pixels[..., 0] / 60  # the one channel; its mean gradient is 1/64

    np.testing.assert_allclose(
        METHODS["grad_cam"](spot_parts, pixels, 1).values, red / 64, rtol=1e-5
    )
    # Of the other class the gradient is the negative: nothing speaks for it.
    assert METHODS["grad_cam"](spot_parts, pixels, 0).is_empty


def test_grad_cam_plus_plus_is_its_equations(spot_parts):
    pixels = image(8)
    red = pixels[..., 0] / 60
    alpha = 1 / (2 + red.sum())  # g = 1 at one place, 0 elsewhere

    np.testing.assert_allclose(
        METHODS["grad_cam_plus_plus"](spot_parts, pixels, 1).values, red * alpha, rtol=1e-5
    )


def test_integrated_gradients_of_a_linear_score_are_exact(spot_parts):
    pixels = image(8)
    found = METHODS["integrated_gradients"](spot_parts, pixels, 1)

    expected = np.zeros((8, 8))
    expected[2, 5] = pixels[2, 5, 0] / 60
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.metrics["residual"] == pytest.approx(0, abs=1e-4)


def test_the_sum_of_integrated_gradients_is_the_difference_of_scores():
    parts = ClassifierParts(build(recipe("malaria_cnn", image_size=16)))
    pixels = image(16)
    found = METHODS["integrated_gradients"](parts, pixels, 0)
    metrics = found.metrics
    black, score = parts.log_odds(np.stack([np.zeros_like(pixels), pixels]), 0)

    assert metrics["difference"] == pytest.approx(score - black)
    assert found.values.sum() == pytest.approx(score - black, abs=metrics["tolerance"])
    assert metrics["tolerance"] == max(TOLERANCE * abs(score - black), 0.02)


def test_steps_are_halved_where_the_sum_is_wrong():
    # The score is t^40 on the way from black: the trapezia near its end are too large at first.
    images = keras.Input((8, 8, 3))
    red = keras.layers.GlobalAveragePooling2D()(images)[:, :1] / 30
    power = keras.layers.Lambda(lambda x: x**40)(red)
    scores = keras.layers.Concatenate()([0 * power, power])
    parts = ClassifierParts(keras.Model(images, keras.layers.Softmax()(scores)))
    found = integrated_gradients(parts, np.full((8, 8, 3), 30, np.uint8), 1)
    stopped = integrated_gradients(parts, np.full((8, 8, 3), 30, np.uint8), 1, most_steps=16)
    cut = integrated_gradients(parts, np.full((8, 8, 3), 30, np.uint8), 1, most_steps=20)

    assert 16 < found.metrics["steps"] <= 64  # of equal steps it takes 128
    assert cut.metrics["steps"] == 20
    assert abs(found.metrics["residual"]) <= found.metrics["tolerance"]
    assert stopped.metrics["steps"] == 16
    assert stopped.metrics["residual"] > stopped.metrics["tolerance"]


def test_a_model_without_places_says_which_methods_remain():
    numbers = keras.Input((48,))
    model = keras.Model(numbers, keras.layers.Dense(2, activation="softmax")(numbers))

    with pytest.raises(DataError, match="--method integrated_gradients"):
        _ = ClassifierParts(model).feature_map


def test_an_unknown_method_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match=r"Did you mean 'grad_cam'\?.*--method"):
        find_method("gradcam")
