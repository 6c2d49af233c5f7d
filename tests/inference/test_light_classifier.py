import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dlmath.errors import RunError
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.light_classifier import LightClassifier, softmax
from dlmath.inference.runtimes import has_light_form
from dlmath.runs import write_bytes

BATCH_SIZE = LightClassifier.batch_size


def pixels(n):
    levels = np.random.default_rng(0).integers(60, 200, (n, 1, 1, 1))
    return np.broadcast_to(levels, (n, 16, 16, 3)).astype(np.uint8)


@pytest.mark.parametrize("n", [0, 1, BATCH_SIZE, 2 * BATCH_SIZE + 3])
def test_it_says_what_the_keras_model_says(light_run, n):
    light, full = LightClassifier.load(light_run), KerasClassifier.load(light_run)

    found = light.predict(pixels(n)).probabilities

    assert found.shape == (n, 2)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, full.predict(pixels(n)).probabilities, atol=1e-6)
    for name in ("classes", "image_size", "positive_class", "threshold"):
        assert getattr(light, name) == getattr(full, name)


def test_features_are_what_the_last_layer_sees(light_run):
    light = LightClassifier.load(light_run)

    answers = light.predict(pixels(BATCH_SIZE + 1))

    assert answers.features is not None
    logits = answers.features @ light.kernel + light.bias
    np.testing.assert_allclose(softmax(logits), answers.probabilities, rtol=1e-6)


def test_progress_counts_every_image(light_run):
    heard = []
    n = 2 * BATCH_SIZE + 3
    LightClassifier.load(light_run).predict(pixels(n), lambda *counts: heard.append(counts))

    assert heard == [(BATCH_SIZE, n), (2 * BATCH_SIZE, n), (n, n)]


def test_a_run_without_the_light_form_is_refused(tiny_run):
    assert not has_light_form(tiny_run)
    with pytest.raises(RunError, match="no light form.*--runtime keras"):
        LightClassifier.load(tiny_run)


@pytest.mark.parametrize("name", ["features.tflite", "head.npz"])
@pytest.mark.parametrize("change", ["missing", "other"])
def test_a_file_that_is_gone_or_changed_is_named(light_run, name, change):
    path = light_run.folder / "light" / name
    content = path.read_bytes()
    path.unlink()
    if change == "other":
        path.write_bytes(content[:-1] + b"?")

    assert has_light_form(light_run)
    with pytest.raises(RunError, match=f"{name}.*--runtime keras, or train again"):
        LightClassifier.load(light_run)


def test_a_form_of_other_classes_contradicts_the_run(light_run):
    recipe = light_run.recipe.replace(classes=("a", "b", "c"), positive_class="")
    write_bytes(light_run.recipe_path, recipe.to_toml().encode())
    light_run.update_manifest(classes=["a", "b", "c"], positive_class=None)

    with pytest.raises(RunError, match="contradicts itself.*3 classes"):
        LightClassifier.load(light_run)


def test_a_recipe_of_another_size_contradicts_it(light_run):
    write_bytes(light_run.recipe_path, light_run.recipe.replace(image_size=32).to_toml().encode())

    with pytest.raises(RunError, match="contradicts itself: its light form takes 16.*32 pixels"):
        LightClassifier.load(light_run)


finite = st.floats(-1e4, 1e4)


@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 4)), elements=finite))
def test_softmax_is_a_distribution_in_the_ratios_of_the_exponentials(logits):
    found = softmax(logits)

    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert np.all(found >= 0)
    sound = found[:, 0] > 1e-200  # where the logarithm exists
    ratios = np.log(np.maximum(found[sound], 1e-300)) - np.log(found[sound, :1])
    differences = logits[sound] - logits[sound, :1]
    near = differences > -200
    np.testing.assert_allclose(ratios[near], differences[near], atol=1e-8)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_softmax_of_no_number_is_nan(bad):
    assert np.isnan(softmax(np.array([[0.0, bad]]))).any()
