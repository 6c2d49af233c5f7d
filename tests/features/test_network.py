import keras
import numpy as np
import pytest

from dlmath.features import freeze, network
from dlmath.features.network import agrees, feature_model, network_key
from dlmath.inference.network import Network
from dlmath.models import build
from dlmath.recipe import Recipe

RECIPE = Recipe(
    name="small",
    classes=("a", "b"),
    backbone="malaria_cnn",
    weights="none",
    image_size=32,
    tune="head",
)


@pytest.fixture(scope="module")
def classifier():
    return build(RECIPE)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path))


def pixels(count=5, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.uint8)


@pytest.mark.slow
def test_litert_computes_keras_features():
    classifier = build(RECIPE.replace(backbone="efficientnet_lite0", weights="imagenet"))
    frozen = freeze(classifier)
    assert frozen.runtime.startswith("litert")
    assert (frozen.image_size, frozen.feature_count) == (32, 1280)
    wanted = feature_model(classifier)(pixels().astype("float32"), training=False).numpy()
    np.testing.assert_allclose(frozen.make_runner()(pixels()), wanted, atol=1e-4)


def test_a_row_does_not_depend_on_its_batch(classifier):
    run = freeze(classifier).make_runner()
    together, alone = run(pixels()), [run(pixels()[i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)


def test_keras_is_the_fallback(classifier, monkeypatch):
    monkeypatch.setattr(network, "to_litert", lambda model: None)
    frozen = freeze(classifier)
    assert frozen.runtime.startswith("keras")
    assert frozen.content is None
    wanted = feature_model(classifier)(pixels().astype("float32"), training=False).numpy()
    np.testing.assert_allclose(frozen.make_runner()(pixels()), wanted, atol=1e-5)


def test_a_conversion_that_answers_otherwise_is_not_used(classifier, monkeypatch):
    content = freeze(classifier).content
    other = build(RECIPE.replace(seed=1))
    assert agrees(feature_model(classifier), content)
    assert not agrees(feature_model(other), content)
    monkeypatch.setattr(network, "to_litert", lambda model: content)
    assert freeze(other).runtime.startswith("keras")


def test_the_second_time_the_conversion_comes_from_the_cache(classifier, monkeypatch):
    first = freeze(classifier)
    monkeypatch.setattr(network, "to_litert", None)  # which cannot be called
    assert freeze(classifier).content == first.content


def test_features_of_files_that_were_read_by_other_rules_are_not_found(classifier, monkeypatch):
    key = network_key(feature_model(classifier), "litert 1")
    monkeypatch.setattr(network, "reading_version", lambda: "another")
    assert network_key(feature_model(classifier), "litert 1") != key


def test_the_key_follows_what_decides_a_feature(classifier):
    key = network_key(feature_model(classifier), "litert 1")
    same = build(RECIPE.replace(dropout=0.7, head_solver="sgd"))
    assert network_key(feature_model(same), "litert 1") == key
    others = [
        network_key(feature_model(classifier), "litert 2"),
        network_key(feature_model(build(RECIPE.replace(image_size=64))), "litert 1"),
        network_key(feature_model(build(RECIPE.replace(seed=1))), "litert 1"),
    ]
    assert len({key, *others}) == 4


@pytest.mark.parametrize("layers", ["keras", "scratch"])
def test_whole_networks_freeze_below_their_last_layer(layers):
    model = build(RECIPE.replace(layers=layers))
    frozen = freeze(model)
    assert frozen.runtime.startswith("litert")
    kernel, bias = model.get_layer("logits").get_weights()
    logits = Network(frozen.content)(pixels()) @ kernel + bias
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted = model(pixels().astype("float32"), training=False).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_half_precision_keeps_to_keras_or_agrees():
    model = build(RECIPE.replace(precision="bfloat16"))
    frozen = freeze(model)
    wanted = keras.ops.convert_to_numpy(
        feature_model(model)(pixels().astype("float32"), training=False)
    )
    found = frozen.make_runner()(pixels())
    np.testing.assert_allclose(found, wanted.astype("float32"), atol=1e-4 * max(1, wanted.max()))


def test_a_damaged_conversion_is_made_again(classifier):
    first = freeze(classifier)
    (path,) = first.folder.glob("*.tflite")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert freeze(classifier).content == first.content
