import json

import numpy as np
import pytest

import dlmath
from dlmath.data.run_data import RunData
from dlmath.errors import RunError, UserError
from dlmath.export.description import describe
from dlmath.export.formats import ExportInput, find_format
from dlmath.inference.decision_rule import Abstention
from dlmath.inference.export_files import METADATA
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.runtimes import export_metadata, kind_of_export, load_classifier


@pytest.fixture
def written(tiny_run, tmp_path):
    """Write the tiny run in a format, without the proof, and return where."""

    def write(format, quantize="none"):
        tiny_run.update_manifest(
            abstention={"confidence": 0.5}, split={"train_classes": {"NORMAL": 3, "PNEUMONIA": 1}}
        )
        kind = find_format(format, quantize)
        kind.require()
        classifier = KerasClassifier.load(tiny_run)
        path = tmp_path / "exported" / kind.name
        path.parent.mkdir(exist_ok=True)
        metadata = describe(tiny_run, classifier, format)
        kind.write(ExportInput(tiny_run, classifier, RunData(tiny_run).split, metadata), path)
        return path

    return write


@pytest.fixture
def images(tiny_run, tmp_path):
    return tmp_path / "data" / "test"


@pytest.mark.parametrize(
    "format", [pytest.param("saved_model", marks=pytest.mark.slow), "keras", "litert", "onnx"]
)
def test_an_export_predicts_what_its_run_predicts(tiny_run, written, images, format):
    path = written(format)
    wanted = dlmath.predict(tiny_run, images, prevalence=0.1)

    found = dlmath.predict(path, images, prevalence=0.1, trust=True)

    assert kind_of_export(path) == format
    assert [one.file for one in found] == [one.file for one in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.as_json().keys() == theirs.as_json().keys()
        assert (ours.decision, ours.positive) == (theirs.decision, theirs.positive)
        assert ours.abstains == theirs.abstains
        for name, probability in theirs.probabilities.items():
            assert ours.probabilities[name] == pytest.approx(probability, abs=1e-5)
        assert ours.probability_at_prevalence == pytest.approx(
            theirs.probability_at_prevalence, abs=1e-5
        )
    assert {one.abstains for one in found} == {True, False}


@pytest.mark.parametrize("quantize", ["float16", "int8"])
def test_fewer_bits_are_near(tiny_run, written, images, quantize):
    path = written("litert", quantize)
    pixels = np.stack([np.full((16, 16, 3), level) for level in (100, 115, 125, 140)])

    found = load_classifier(path).predict(pixels).probabilities

    wanted = KerasClassifier.load(tiny_run).predict(pixels).probabilities
    np.testing.assert_allclose(found, wanted, atol=0.15 if quantize == "int8" else 2e-3)


@pytest.mark.slow
def test_a_saved_model_is_run_on_trust_alone(written, images):
    with pytest.raises(RunError, match="--trust"):
        dlmath.predict(written("saved_model"), images)


def test_an_export_has_its_own_runtime(written, images):
    with pytest.raises(UserError, match="leave --runtime out"):
        dlmath.predict(written("litert"), images, runtime="keras")


def test_it_says_what_it_is(written):
    metadata = export_metadata(written("keras"))

    assert metadata["abstention"] == Abstention(confidence=0.5).__dict__
    assert metadata["trained_prevalence"] == 0.25
    assert metadata["threshold"]["value"] == 0.5


def test_a_file_of_keras_that_is_no_export_is_refused(tiny_run, images):
    with pytest.raises(RunError, match="dlmath did not export it"):
        dlmath.predict(tiny_run.model_path, images)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "does not describe"), ("[]", "does not describe"), ('{"export_version": 9}', "another")],
)
def test_damaged_metadata_are_refused(written, content, told):
    path = written("litert")
    (path / METADATA).write_text(content)

    with pytest.raises(RunError, match=told):
        load_classifier(path)


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_a_damaged_network_is_refused(written, format):
    path = written(format)
    next(path.glob("model.*")).write_bytes(b"no network")

    with pytest.raises(RunError, match="Export the run again"):
        load_classifier(path)


def test_metadata_lie_beside_each_network(written):
    for format in ("litert", "onnx"):
        path = written(format)
        assert json.loads((path / METADATA).read_text())["format"] == format
        assert {"preprocess.py", "classify.py"} <= {entry.name for entry in path.iterdir()}
