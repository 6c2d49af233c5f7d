import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

import dlmath
from dlmath.attribution import how_many, why_patients
from dlmath.data.images import read
from dlmath.data.sources import read_sources
from dlmath.errors import RecipeError
from dlmath.export.description import describe
from dlmath.export.saved_model import write_saved_model
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.light_classifier import LightClassifier
from dlmath.linear_head.scaling import fit_scaling
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT
from dlmath.training.calibration import calibrate, stored_scaling
from tests.support.recorder import Recorder

RECIPE = Recipe(
    name="small",
    backbone="malaria_cnn",
    weights="none",
    tune="head",
    image_size=8,
    patient_rules=(r"^(?P<patient>p\d+)_",),
    positive_class="dark",
    validation_fraction=0.3,
    l2=0.5,  # too strong: a head that is not sure enough
)
BY_STEPS = RECIPE.replace(tune="all", batch_size=8, epochs=2)
METHODS = ("temperature", "platt")


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    """Dark and bright squares of 120 patients, whose levels overlap."""
    root = tmp_path_factory.mktemp("images")
    return draw_squares(root, {"dark": 110, "bright": 150}, patients=120, spread=25)


@pytest.fixture(scope="module")
def plain(images, tmp_path_factory):
    return dlmath.train(RECIPE, images, out=tmp_path_factory.mktemp("runs") / "plain")


@pytest.fixture(scope="module", params=METHODS)
def calibrated(request, images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / request.param
    return dlmath.train(RECIPE, images, out=out, calibration=request.param)


@pytest.fixture(scope="module")
def pixels(images):
    return np.stack([read(e.path, e.file, 8) for e in read_sources([images]).examples])


def log_odds(probabilities):
    return np.log(probabilities[:, 1]) - np.log(probabilities[:, 0])


def test_keras_and_light_give_the_calibrated_probabilities(calibrated, plain, pixels):
    keras_form = KerasClassifier.load(calibrated)

    found = keras_form.predict(pixels).probabilities

    scaling = calibrated.manifest["calibration"]
    offset = scaling["offsets"]["dark"] - scaling["offsets"]["bright"]
    before = log_odds(KerasClassifier.load(plain).predict(pixels).probabilities)
    sign = 1 if keras_form.classes.index("dark") == 1 else -1
    np.testing.assert_allclose(
        log_odds(found), scaling["slope"] * before + sign * offset, atol=1e-4
    )
    assert np.abs(log_odds(found) - before).max() > 0.05
    light_form = LightClassifier.load(calibrated)
    np.testing.assert_allclose(light_form.predict(pixels).probabilities, found, atol=1e-4)


@pytest.mark.slow
def test_an_export_gives_the_calibrated_probabilities(calibrated, pixels, tmp_path):
    classifier = KerasClassifier.load(calibrated)
    metadata = describe(calibrated, classifier, "saved_model")
    write_saved_model(classifier, tmp_path / "saved", metadata)
    served = tf.saved_model.load(tmp_path / "saved").signatures["serve_pixels"]

    found = served(pixels=tf.constant(pixels, tf.float32))["probabilities"]

    np.testing.assert_allclose(found, classifier.predict(pixels).probabilities, atol=1e-5)


def test_the_manifest_says_how_and_what_it_gained(calibrated, plain):
    record = calibrated.manifest["calibration"]
    best = plain.manifest["best"]["val_loss"]

    assert record["method"] == calibrated.recipe.calibration
    assert record["chosen_on"] == "validation"
    assert record["images"] == calibrated.manifest["split"]["validation"]
    assert sum(record["offsets"].values()) == pytest.approx(0, abs=1e-12)
    assert record["val_loss_before"] == pytest.approx(best, rel=1e-6)
    assert record["val_loss_after"] < record["val_loss_before"]
    assert record["val_loss_after"] == pytest.approx(calibrated.manifest["best"]["val_loss"])
    if record["method"] == "temperature":
        assert record["temperature"] == pytest.approx(1 / record["slope"])
    assert plain.manifest["calibration"] is None


def test_the_threshold_is_that_of_calibrated_probabilities(calibrated, plain):
    record = calibrated.manifest["calibration"]
    offset = record["offsets"]["dark"] - record["offsets"]["bright"]

    before, after = (run.manifest["threshold"]["value"] for run in (plain, calibrated))

    # Midway between the same two images, but on the other scale.
    moved = 1 / (1 + np.exp(-(record["slope"] * np.log(before / (1 - before)) + offset)))
    assert after == pytest.approx(moved, abs=0.01)
    assert after != before


def test_what_solves_the_head_again_takes_the_scaling_along(calibrated, images):
    file = images / "dark" / "p0_0.png"

    (answer,) = why_patients(calibrated, file)

    (prediction,) = dlmath.predict(calibrated, file)
    assert answer.probability == pytest.approx(prediction.probabilities["dark"], abs=1e-5)
    assert answer.low < answer.probability < answer.high
    without = np.array([one.without for one in answer.patients])
    changes = np.array([one.change for one in answer.patients])
    logits = np.log(answer.probability / (1 - answer.probability)) + changes
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), without, rtol=1e-9)


def test_a_learning_curve_needs_no_scaling(calibrated, plain):
    assert how_many(calibrated).points == how_many(plain).points


@pytest.mark.slow
def test_a_model_trained_by_steps_is_calibrated_too(images, pixels, tmp_path):
    plain, scaled = (
        dlmath.train(BY_STEPS, images, out=tmp_path / method, calibration=method)
        for method in ("none", "platt")
    )

    record = scaled.manifest["calibration"]
    loaded = [KerasClassifier.load(run) for run in (plain, scaled)]
    before, after = (log_odds(one.predict(pixels).probabilities) for one in loaded)
    offset = stored_scaling(scaled).offsets[1] - stored_scaling(scaled).offsets[0]
    np.testing.assert_allclose(after, record["slope"] * before + offset, atol=1e-4)
    assert record["val_loss_after"] < record["val_loss_before"]


def small_model(classes):
    features = keras.Input((3,))
    logits = keras.layers.Dense(classes, name="logits")(features)
    return keras.Model(features, keras.layers.Softmax()(logits))


def test_too_few_images_cost_a_warning_and_not_the_training():
    model, listener = small_model(2), Recorder()
    before = model.get_weights()
    recipe = RECIPE.replace(classes=("dark", "bright"), calibration="platt")

    scaling, record = calibrate(model, np.zeros((3, 2)), np.array([0, 1, 1]), recipe, listener)

    assert record["method"] == scaling.method == "none"
    assert "at least 10" in record["why"]
    assert listener.said[0].startswith("Warning: the model is not calibrated.")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_three_classes_are_calibrated_by_temperature():
    rng = np.random.default_rng(0)
    model, features = small_model(3), rng.normal(size=(300, 3)).astype("float32")
    kernel, bias = (weights.astype(float) for weights in model.get_layer("logits").get_weights())
    logits = features @ (8 * kernel) + bias
    labels = (softmax(features @ kernel, axis=1).cumsum(axis=1) < rng.random((300, 1))).sum(axis=1)
    model.get_layer("logits").set_weights([8 * kernel, bias])
    recipe = RECIPE.replace(classes=("a", "b", "c"), positive_class="", calibration="temperature")

    scaling, record = calibrate(model, logits, labels, recipe, SILENT)

    assert scaling == fit_scaling(logits, labels, "temperature")
    assert record["temperature"] > 2
    expected = softmax(scaling(logits), axis=1)
    np.testing.assert_allclose(model(features).numpy(), expected, atol=1e-5)


def test_platt_scaling_of_three_classes_is_refused():
    with pytest.raises(RecipeError, match="for two classes"):
        RECIPE.replace(classes=("a", "b", "c"), positive_class="", calibration="platt")
