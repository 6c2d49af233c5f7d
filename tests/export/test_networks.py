"""Every kind of network goes into every format: with a distance, from scratch, normalised."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from dlmath.errors import RunError, UserError
from dlmath.explain.class_activation import grad_cam
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.export import litert, onnx
from dlmath.export.litert import write_litert
from dlmath.export.onnx import write_onnx
from dlmath.export.saved_model import write_saved_model
from dlmath.features.folding import leaf_layers
from dlmath.inference.decision_rule import Abstention, Threshold
from dlmath.inference.export_files import LITERT
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.ood_fit import fit_ood_score
from dlmath.inference.runtimes import load_classifier
from dlmath.models.classifier import build
from dlmath.recipe import Recipe
from tests.support import tiny_runs

METADATA = {
    "export_version": 1,
    "classes": ["NORMAL", "PNEUMONIA"],
    "positive_class": "PNEUMONIA",
    "threshold": {"value": 0.4, "chosen_on": "validation"},
    "abstention": {"confidence": 0.1, "ood_score": 30.0},
}
# What a receiver of a SavedModel would write, with only TensorFlow.
RECEIVER = """
import sys
import numpy as np
import tensorflow as tf
signatures = tf.saved_model.load(sys.argv[1]).signatures
images = tf.constant([open(path, "rb").read() for path in sys.argv[3:]])
output = signatures["explain"](images=images)
assert "dlmath" not in sys.modules
numbers = {name: values for name, values in output.items() if values.dtype != tf.string}
np.savez(sys.argv[2], **numbers)
"""


def classifier_of(model, size, seed=0):
    """A classifier that decides, and abstains, by a model of random weights."""
    draw = np.random.default_rng(seed)
    for layer in leaf_layers(model):
        shapes = [weight.shape for weight in layer.get_weights()]
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([draw.uniform(0.5, 1.5, shape) for shape in shapes])
    features = model.get_layer("logits").input
    below = keras.Model(model.input, features)
    pixels = draw.integers(0, 256, (20, size, size, 3))
    ood_score = fit_ood_score(below(pixels.astype(np.float32)).numpy(), np.arange(20) % 2)
    return KerasClassifier(
        classes=("NORMAL", "PNEUMONIA"),
        image_size=size,
        positive_class="PNEUMONIA",
        threshold=Threshold(0.4, "validation"),
        abstention=Abstention(confidence=0.1, ood_score=30.0),
        ood_score=ood_score.rounded(),
        model=model,
    )


def recipe(**fields):
    return Recipe(
        name="net",
        classes=("NORMAL", "PNEUMONIA"),
        positive_class="PNEUMONIA",
        weights="none",
        tune="all",
        **fields,
    )


def pixels_for(classifier, count=5):
    shape = (count, classifier.image_size, classifier.image_size, 3)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def assert_answers_alike(exported, classifier, pixels, tolerance=1e-4):
    wanted, found = classifier.predict(pixels), exported.predict(pixels)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=tolerance)
    np.testing.assert_allclose(found.ood_scores, wanted.ood_scores, rtol=1e-3)


CELL_NETWORKS = [
    ("malaria_cnn", "keras"),
    ("malaria_cnn", "scratch"),
    pytest.param(("malaria_attention_cnn", "scratch"), marks=pytest.mark.slow),
    ("malaria_vit", "keras"),
    pytest.param(("malaria_vit", "scratch"), marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=CELL_NETWORKS, ids="-".join)
def cell_classifier(request):
    name, layers = request.param
    return classifier_of(build(recipe(backbone=name, image_size=16, layers=layers)), 16)


@pytest.mark.parametrize("with_score", [True, False])
def test_a_litert_file_names_its_outputs_and_has_a_signature(cell_classifier, tmp_path, with_score):
    classifier = cell_classifier if with_score else replace(cell_classifier, ood_score=None)
    write_litert(classifier, tmp_path / "export", {**METADATA, "image_size": 16})
    interpreter = Interpreter(model_path=str(tmp_path / "export" / LITERT))
    names = ["features", "probabilities"] if with_score else ["probabilities"]
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["pixels"], "outputs": names}
    }
    assert [one["name"] for one in interpreter.get_input_details()] == ["pixels"]
    assert sorted(one["name"] for one in interpreter.get_output_details()) == names
    pixels = pixels_for(classifier, 1).astype(np.float32)
    found = interpreter.get_signature_runner("serving_default")(pixels=pixels)
    wanted = classifier.predict(pixels)
    np.testing.assert_allclose(found["probabilities"], wanted.probabilities, atol=1e-4)
    if with_score:
        atol = 1e-4 * np.abs(wanted.features).max()
        np.testing.assert_allclose(found["features"], wanted.features, atol=atol)


def test_a_litert_file_whose_outputs_are_numbered_still_answers(
    cell_classifier, tmp_path, monkeypatch
):
    """As exports were before their outputs had names."""
    monkeypatch.setattr(litert, "with_names", bytes)
    write_litert(cell_classifier, tmp_path / "export", {**METADATA, "image_size": 16})
    exported = load_classifier(tmp_path / "export")
    outputs = exported.interpreter.get_output_details()
    assert {one["name"] for one in outputs}.isdisjoint({"probabilities", "features"})
    assert_answers_alike(exported, cell_classifier, pixels_for(cell_classifier))


@pytest.mark.parametrize("write", [write_litert, write_onnx])
def test_a_portable_export_answers_alike(cell_classifier, tmp_path, write):
    write(cell_classifier, tmp_path / "export", {**METADATA, "image_size": 16})

    exported = load_classifier(tmp_path / "export")

    pixels = pixels_for(cell_classifier)
    assert_answers_alike(exported, cell_classifier, pixels)
    wanted, found = cell_classifier.predict(pixels).features, exported.predict(pixels).features
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    for field in ("classes", "positive_class", "threshold", "abstention"):
        assert getattr(exported, field) == getattr(cell_classifier, field)


@pytest.mark.slow
def test_patches_from_scratch_are_8_bit_integers_too(tmp_path):
    """LiteRT refuses slices of more than five axes once it has counted its ranges."""
    model = build(recipe(backbone="malaria_vit", image_size=64, layers="scratch"))
    classifier = classifier_of(model, 64)
    pixels = pixels_for(classifier)
    metadata = {**METADATA, "image_size": 64}

    write_litert(classifier, tmp_path / "export", metadata, quantize="int8", calibration=pixels)

    found = load_classifier(tmp_path / "export").predict(pixels).probabilities
    np.testing.assert_allclose(found, classifier.predict(pixels).probabilities, atol=0.02)


@pytest.mark.slow
def test_a_saved_model_of_any_layers_explains_by_tensorflow_alone(cell_classifier, tmp_path):
    paths = [tmp_path / f"{level}.png" for level in (40, 90, 200)]
    for path, level in zip(paths, (40, 90, 200), strict=True):
        tiny_runs.draw(level, np.random.default_rng(level)).resize((16, 16)).save(path)
    write_saved_model(cell_classifier, tmp_path / "saved", {**METADATA, "image_size": 16})

    answer = tmp_path / "answer.npz"
    arguments = [tmp_path / "saved" / "1", answer, *paths]
    subprocess.run([sys.executable, "-I", "-c", RECEIVER, *map(str, arguments)], check=True)

    found = dict(np.load(answer))
    pixels = np.stack([keras.utils.img_to_array(keras.utils.load_img(path)) for path in paths])
    wanted = cell_classifier.predict(pixels)
    np.testing.assert_allclose(found["probabilities"], wanted.probabilities, atol=1e-5)
    np.testing.assert_allclose(found["ood_score"], wanted.ood_scores, rtol=1e-4)
    abstains = cell_classifier.abstains(wanted.probabilities, wanted.ood_scores)
    np.testing.assert_array_equal(found["abstains"], abstains)
    parts = ClassifierParts(cell_classifier.model)
    for row, index in enumerate(cell_classifier.decide(wanted.probabilities)):
        values = grad_cam(parts, pixels[row], int(index)).values
        np.testing.assert_allclose(
            found["heat_map"][row], values, atol=1e-4 * max(1e-6, values.max())
        )


@pytest.mark.slow
def test_a_saved_model_holds_each_weight_once(cell_classifier, tmp_path):
    write_saved_model(cell_classifier, tmp_path / "saved", {**METADATA, "image_size": 16})

    weights = 4 * cell_classifier.model.count_params()  # float32
    written = (tmp_path / "saved/1/variables/variables.data-00000-of-00001").stat().st_size
    assert weights <= written < 1.5 * weights


@pytest.mark.slow
def test_a_saved_model_has_two_paths(cell_classifier, tmp_path):
    write_saved_model(cell_classifier, tmp_path / "saved", {**METADATA, "image_size": 16})

    for path in (tmp_path / "saved", tmp_path / "saved" / "1"):
        assert_answers_alike(
            load_classifier(path, trust=True), cell_classifier, pixels_for(cell_classifier)
        )


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_onnx, write_litert])
def test_efficientnet_b0_leaves_no_input_over(tmp_path, write):
    model = build(recipe(backbone="efficientnet_b0", image_size=32))
    normalization = next(
        layer for layer in leaf_layers(model) if isinstance(layer, keras.layers.Normalization)
    )
    statistics = (np.array([90.0, 100, 110]), np.array([900.0, 2500, 4900]), np.array(5))
    normalization.set_weights(statistics)
    normalization.finalize_state()
    classifier = classifier_of(model, 32)

    write(classifier, tmp_path / "export", {**METADATA, "image_size": 32})

    # Its features of noise are all but equal: a distance would show nothing but rounding.
    pixels = pixels_for(classifier).astype(np.float32)
    below = keras.Model(model.input, [model.output, model.get_layer("logits").input])
    found = load_classifier(tmp_path / "export").compute(pixels)
    for name, wanted in zip(("probabilities", "features"), below(pixels), strict=True):
        np.testing.assert_allclose(found[name], wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.slow
def test_keras_itself_leaves_inputs_over():
    """What `fold_batch_normalization` is there for; once this fails, Keras has mended it."""
    import tf2onnx

    images = keras.Input((8, 8, 3))
    normalized = keras.layers.Normalization(mean=[1.0, 2, 3], variance=[1.0, 4, 9])(images)
    model = keras.Model(images, keras.layers.Conv2D(2, 3)(normalized))
    signature = [tf.TensorSpec((None, 8, 8, 3), tf.float32, name="pixels")]

    proto, _ = tf2onnx.convert.from_function(
        tf.function(model, signature, autograph=False), signature, opset=onnx.OPSET
    )

    assert len(proto.graph.input) == 3


def test_more_inputs_than_pixels_are_refused(cell_classifier, tmp_path, monkeypatch):
    dangling = tf.constant(np.ones((16, 16, 3), np.float32))
    network = onnx.network_function(cell_classifier)
    monkeypatch.setattr(onnx, "network_function", lambda _: lambda x: network(x * dangling))

    with pytest.raises(RunError, match="asks for more than pixels"):
        write_onnx(cell_classifier, tmp_path / "export", METADATA)


def test_the_extra_is_named_where_it_is_missing(cell_classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)

    with pytest.raises(UserError, match=r"pip install 'dlmath\[export\]'"):
        write_onnx(cell_classifier, tmp_path / "export", METADATA)
    assert not (tmp_path / "export").exists()


def test_the_program_beside_says_what_predict_says(cell_classifier, tmp_path):
    image = tmp_path / "image.png"
    tiny_runs.draw(90, np.random.default_rng(0)).save(image)
    (tmp_path / "text.png").write_text("no image")
    folder = tmp_path / "export"
    write_litert(cell_classifier, folder, {**METADATA, "image_size": 16})

    result = subprocess.run(
        [sys.executable, "-B", str(folder / "classify.py"), str(image), str(tmp_path / "text.png")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert result.returncode == 2, result.stderr
    from dlmath.inference import predict

    assert json.loads(result.stdout) == [
        one.as_json() for one in predict(folder, [image, tmp_path / "text.png"])
    ]


def test_the_program_writes_names_to_an_output_that_is_not_utf8(cell_classifier, tmp_path):
    image = tmp_path / "röntgen.png"
    tiny_runs.draw(90, np.random.default_rng(0)).save(image)
    write_litert(cell_classifier, tmp_path / "export", {**METADATA, "image_size": 16})

    for encoding in ("ascii", "cp1252"):
        result = subprocess.run(
            [sys.executable, "-B", str(tmp_path / "export" / "classify.py"), str(image)],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        assert json.loads(result.stdout.decode("ascii"))[0]["file"] == str(image)


def run_program(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-B", str(folder / "classify.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_says_how_it_is_used_and_takes_folders(cell_classifier, tmp_path):
    films = tmp_path / "films"
    (films / "deep").mkdir(parents=True)
    for number, path in enumerate([films / "b.png", films / "deep" / "a"]):
        with path.open("wb") as file:
            tiny_runs.draw(90, np.random.default_rng(number)).save(file, "PNG")
    (films / ".hidden").write_text("no image")
    folder = tmp_path / "export"
    write_litert(cell_classifier, folder, {**METADATA, "image_size": 16})

    told = run_program(folder, "--help")
    assert told.returncode == 0, told.stderr
    assert "a folder of them" in told.stdout
    assert "not a medical device" in told.stdout

    result = run_program(folder, films)
    assert result.returncode == 0, result.stderr
    named = [Path(one["file"]).name for one in json.loads(result.stdout)]
    assert named == ["b.png", "a"]

    (films / "c.txt").write_text("no image")
    result = run_program(folder, films)
    assert result.returncode == 2
    assert ["error" in one for one in json.loads(result.stdout)] == [False, True, False]

    assert run_program(folder).returncode == 2
    (folder / "metadata.json").unlink()
    damaged = run_program(folder, films)
    assert damaged.returncode == 2
    assert damaged.stderr.startswith("Error: ")
