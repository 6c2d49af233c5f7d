import random

import keras
import numpy as np
import pytest

from dlmath import layers
from dlmath.errors import RecipeError, WeightsError
from dlmath.models import build, other_recipe
from dlmath.recipe import Recipe


def recipe(**changes):
    """A recipe of the smallest convolutional backbone, with random weights."""
    settings = {
        "name": "test",
        "classes": ("a", "b"),
        "backbone": "mobilenet_v2_035",
        "weights": "none",
        "image_size": 32,
    }
    return Recipe(**(settings | changes))


def images(n=4, side=32):
    return np.random.default_rng(0).uniform(0, 255, (n, side, side, 3)).astype("float32")


def frozen_part(model):
    return [w for w in model.get_layer("backbone").weights if not w.trainable]


@pytest.mark.parametrize("backbone", ["mobilenet_v2_035", "malaria_cnn"])
def test_the_same_recipe_gives_the_same_weights(backbone):
    first, again, other = (build(recipe(backbone=backbone, seed=s)) for s in (1, 1, 2))
    kernels = [np.concatenate([w.ravel() for w in m.get_weights()]) for m in (first, again, other)]

    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


@pytest.mark.parametrize("backbone", ["mobilenet_v2_035", "malaria_cnn"])
def test_dropout_follows_the_seed(backbone):
    first, again, other = (
        build(recipe(backbone=backbone, seed=s)).get_layer("dropout").seed_generator.state.numpy()
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_building_leaves_global_state_as_it_was():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    build(recipe(backbone="malaria_cnn", precision="bfloat16"))

    assert random.random() == expected
    assert keras.config.dtype_policy().name == "float32"


def test_global_state_is_restored_after_a_failure_too():
    with pytest.raises(WeightsError):
        build(recipe(precision="float16", weights="no_such_file.h5"))
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("backbone", ["mobilenet_v2_035", "malaria_cnn"])
def test_before_training_it_answers_the_class_prior(backbone):
    # With features of zero only the head's bias decides.
    model = build(recipe(backbone=backbone), class_prior=[0.2, 0.8])
    logits = model.get_layer("logits")
    logits.kernel.assign(np.zeros(logits.kernel.shape))

    np.testing.assert_allclose(model(images())[0], [0.2, 0.8], rtol=1e-5)


@pytest.mark.parametrize("prior", [[0.5, 0.6], [1.0, 0.0], [0.2, 0.3, 0.5], [np.nan, 0.5]])
def test_a_bad_prior_is_refused(prior):
    with pytest.raises(ValueError, match=r"`class_prior` must be 2 positive .*Received"):
        build(recipe(backbone="malaria_cnn"), class_prior=prior)


def test_tuning_the_head_trains_the_head_alone():
    model = build(recipe(tune="head"))

    assert [w.path.split("/")[-2] for w in model.trainable_variables] == ["logits", "logits"]


def test_tuning_everything_trains_random_weights_whole():
    model = build(recipe(tune="all"))

    assert all(layer.trainable for layer in model.get_layer("backbone").layers)


def train_one_step(model):
    model.compile("sgd", "categorical_crossentropy")
    model.train_on_batch(images(), np.eye(2, dtype="float32")[[0, 1, 1, 1]])


@pytest.fixture
def saved_weights(tmp_path):
    path = tmp_path / "mobilenet.weights.h5"
    build(recipe(seed=7)).get_layer("backbone").save_weights(path)
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["head", "tail", "all"])
def test_pretrained_statistics_stay_through_a_training_step(saved_weights, tune):
    model = build(recipe(weights=saved_weights, tune=tune))
    statistics = {w.path: w.numpy() for w in frozen_part(model)}
    bias = model.get_layer("logits").bias.numpy()
    train_one_step(model)

    assert len(statistics) > 0
    for weight in frozen_part(model):
        np.testing.assert_array_equal(weight, statistics[weight.path], err_msg=weight.path)
    assert not np.array_equal(model.get_layer("logits").bias, bias)


@pytest.mark.parametrize("tune", ["head", "tail", "all"])
def test_pretrained_batch_normalisation_stays_in_inference_mode(saved_weights, tune):
    # keras-team/keras#20285: `training=False` in the graph does not achieve this.
    model = build(recipe(weights=saved_weights, tune=tune, dropout=0.0))

    np.testing.assert_allclose(
        model(images(), training=True), model(images(), training=False), rtol=1e-6
    )


def test_pretrained_convolutions_train():
    model = build(recipe(backbone="efficientnet_lite0", weights="imagenet", tune="all"))
    kinds = {w.path.split("/")[-2].rpartition("_")[2] for w in model.trainable_variables}

    assert kinds == {"conv", "dwconv", "logits"}


@pytest.mark.slow
def test_a_frozen_backbone_computes_the_same_features_in_training():
    # EfficientNetB0 has dropout of its own, which freezing by itself does not stop.
    model = build(recipe(backbone="efficientnet_b0", tune="head"))
    network = model.get_layer("backbone")

    np.testing.assert_array_equal(
        network(images(), training=True), network(images(), training=False)
    )


def test_random_weights_get_statistics_of_their_own():
    model = build(recipe(weights="none", tune="all"))
    before = [w.numpy() for w in frozen_part(model)]
    model(images(), training=True)

    assert any(
        not np.array_equal(was, now) for was, now in zip(before, frozen_part(model), strict=True)
    )


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "malaria_cnn"])
def test_half_precision_keeps_pixels_and_probabilities_in_float32(precision, backbone):
    model = build(recipe(backbone=backbone, precision=precision))
    network = model if backbone == "malaria_cnn" else model.get_layer("backbone")
    first = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))

    assert first.compute_dtype == precision
    assert all(w.dtype == "float32" for w in model.weights)
    assert network.get_layer("rescaling").compute_dtype == "float32"
    for layer in ("logits", "probabilities"):
        assert model.get_layer(layer).compute_dtype == "float32"
    assert model(images()).dtype == "float32"


def test_a_model_needs_classes():
    with pytest.raises(RecipeError, match=r"needs `classes`.*--set"):
        build(recipe(classes=()))


def test_an_unknown_backbone_is_refused():
    with pytest.raises(RecipeError, match="no backbone 'resnet'"):
        build(recipe(backbone="resnet"))


def test_there_are_no_imagenet_weights_of_the_malaria_cnn():
    with pytest.raises(WeightsError, match=r"no ImageNet weights for malaria_cnn.*--weights none"):
        build(other_recipe("malaria", "paper").replace(weights="imagenet"))


def test_a_malaria_model_begins_from_the_weights_of_another(tmp_path):
    first = build(recipe(backbone="malaria_cnn", seed=1))
    first.save(tmp_path / "first.keras")
    second = build(recipe(backbone="malaria_cnn", weights=str(tmp_path / "first.keras"), seed=2))

    for ours, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_malaria_network_is_made_of_from_scratch_layers_on_request():
    scratch = recipe(backbone="malaria_cnn", layers="scratch")
    ours = build(scratch)
    assert isinstance(ours.get_layer("conv1"), layers.Conv2D)
    theirs = build(scratch.replace(layers="keras"))
    assert [v.shape for v in ours.weights] == [v.shape for v in theirs.weights]


def test_a_backbone_with_layers_of_its_own_refuses_others():
    names = "malaria_cnn, malaria_attention_cnn, malaria_vit"
    message = f"--backbone {names}; .*dlmath train malaria --recipe paper"
    with pytest.raises(RecipeError, match=message):
        build(recipe(layers="scratch"))
