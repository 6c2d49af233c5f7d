import dataclasses
import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import dlmath
from dlmath.data.image_graph import decode_and_resize_batch
from dlmath.data.images import read
from dlmath.data.run_data import RunData
from dlmath.errors import DataError, RunError, UserError, VerificationError
from dlmath.export import FORMATS, export, formats
from dlmath.export.description import describe
from dlmath.export.formats import ExportInput, find_format
from dlmath.export.verification import Proof, verify
from dlmath.export.verification_set import draw_verification_set, gather_verification_set
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.runs import Run
from tests.support import tiny_runs
from tests.support.tiny_runs import give_known_network

# What a receiver would write, with only TensorFlow.
RECEIVER = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
encoded = [open(path, "rb").read() for path in sys.argv[2:]]
output = model.signatures["serving_default"](images=tf.constant(encoded))
assert "dlmath" not in sys.modules
print(json.dumps([output["probabilities"].numpy().tolist(),
                  [[name.decode() for name in row] for row in output["classes"].numpy()]]))
"""


@pytest.fixture
def proven(monkeypatch):
    """Take the proof for given: what it is worth has tests of its own, and it takes seconds."""
    found = ({"serving_default": 0.0}, 0, None, None, 100.0, 0.1)
    proof = Proof(24, {"NORMAL": 12, "PNEUMONIA": 12}, 1e-5, 1, *found)
    monkeypatch.setattr(formats, "verify", lambda *args, **kwargs: proof)
    return proof


def recorded(run, kind):
    """Return the entry of one export in the manifest next to the exports."""
    return json.loads((run.exports / "manifest.json").read_text())[kind]


@pytest.mark.slow
def test_a_saved_model_answers_as_predict_does_by_tensorflow_alone(tiny_run, tmp_path):
    path = export(tiny_run, "saved_model")

    images = sorted(map(str, (tmp_path / "data" / "test").rglob("*_*.*")))
    result = subprocess.run(
        [sys.executable, "-I", "-c", RECEIVER, str(path), *images],
        capture_output=True,
        text=True,
        check=True,
    )
    probabilities, classes = json.loads(result.stdout)
    classifier = KerasClassifier.load(tiny_run)
    encoded = [Path(image).read_bytes() for image in images]
    pixels = decode_and_resize_batch(tf.constant(encoded), classifier.image_size).numpy()
    predicted = [list(one.probabilities.values()) for one in dlmath.predict(tiny_run, images)]
    assert path == tiny_run.exports / "saved_model"
    assert classes == [["NORMAL", "PNEUMONIA"]] * len(images)
    np.testing.assert_allclose(probabilities, classifier.predict(pixels).probabilities, atol=1e-6)
    # `predict` reads by Pillow, within a level of the graph; a level of brightness moves this
    # model's logit by 1 / 20, and so its probability by at most a quarter of that.
    np.testing.assert_allclose(probabilities, predicted, atol=1 / 80)
    verified = recorded(tiny_run, "saved_model")["verified"]
    assert verified["images"] == 24
    assert set(verified["largest_difference"]) == {"serving_default", "serve_pixels", "explain"}
    assert max(verified["largest_difference"].values()) <= 1e-6
    assert verified["changed_decisions"] == 0
    assert verified["heat_map_difference"] <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["litert", "saved_model"])
def test_names_of_classes_need_not_be_ascii(tiny_run, tmp_path, kind):
    for part in (tmp_path / "data").iterdir():
        (part / "NORMAL").rename(part / "gesünd")
        (part / "PNEUMONIA").rename(part / "肺炎")
    run = Run(tmp_path / "runs" / "own")
    recipe = tiny_runs.RECIPE.replace(classes=("gesünd", "肺炎"), positive_class="肺炎")
    tiny_runs.write_run(run, tmp_path / "data", recipe)
    give_known_network(run)

    path = export(run, kind)

    assert path.is_dir()
    assert recorded(run, kind)["verified"]["changed_decisions"] == 0


@pytest.mark.slow
def test_a_keras_file_is_proven_too(tiny_run):
    give_known_network(tiny_run)
    path = export(tiny_run, "keras")

    for ours, theirs in zip(
        dlmath.load(path).get_weights(), dlmath.load(tiny_run).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert recorded(tiny_run, "keras")["verified"]["largest_difference"]["model"] <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "quantize"),
    [*((kind, "none") for kind in sorted(FORMATS)), ("litert", "float16"), ("litert", "int8")],
)
def test_every_format_is_caught_when_it_does_something_else(tiny_run, tmp_path, kind, quantize):
    one = find_format(kind, quantize)
    if one.needs_dlmath:
        give_known_network(tiny_run)
    classifier = KerasClassifier.load(tiny_run)
    expected = gather_verification_set(tiny_run, classifier, by_graph=one.by_graph)
    wrong = dataclasses.replace(expected, probabilities=expected.probabilities + 2 * one.tolerance)
    built = tmp_path / one.name
    metadata = describe(tiny_run, classifier, kind)
    one.write(ExportInput(tiny_run, classifier, RunData(tiny_run).split, metadata), built)

    with pytest.raises(VerificationError, match="off by up to"):
        verify(
            built,
            one.program,
            wrong,
            isolated=not one.needs_dlmath,
            tolerance=one.tolerance,
        )


@pytest.mark.slow
def test_what_cannot_be_run_is_not_kept(tiny_run, monkeypatch):
    def write_rubbish(exported, path):
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"rubbish")

    broken = dataclasses.replace(FORMATS["saved_model"], write=write_rubbish)
    monkeypatch.setitem(FORMATS, "saved_model", broken)

    with pytest.raises(VerificationError, match="cannot be run in a fresh process"):
        export(tiny_run, "saved_model")
    assert list(tiny_run.exports.iterdir()) == []


def test_the_signatures_are_those_of_the_contract(tiny_run, proven):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(export(tiny_run)))

    assert set(loaded.signatures) == {"serving_default", "serve_pixels", "explain"}
    inputs = {"serving_default": "images", "serve_pixels": "pixels", "explain": "images"}
    wanted = {
        "probabilities": tf.float32,
        "classes": tf.string,
        "decision": tf.string,
        "positive": tf.bool,
    }
    for name, given in inputs.items():
        signature = loaded.signatures[name]
        assert list(signature.structured_input_signature[1]) == [given]
        outputs = {key: spec.dtype for key, spec in signature.structured_outputs.items()}
        assert outputs == wanted | ({"heat_map": tf.float32} if name == "explain" else {})
    pixels = tf.zeros((3, 16, 16, 3))
    output = loaded.signatures["serve_pixels"](pixels=pixels)
    assert output["probabilities"].shape == (3, 2)
    assert output["classes"].numpy().tolist() == [[b"NORMAL", b"PNEUMONIA"]] * 3


def test_the_record_holds_what_a_receiver_must_know(tiny_run, proven):
    path = export(tiny_run)

    record = json.loads((tiny_run.exports / "manifest.json").read_text())["saved_model"]
    assert record["verified"] == proven.as_json()
    assert record["threshold"] == {"value": 0.5, "chosen_on": "validation"}
    assert record["positive_class"] == "PNEUMONIA"
    assert (
        record["sha256"]["1/saved_model.pb"]
        == hashlib.sha256((path / "saved_model.pb").read_bytes()).hexdigest()
    )
    assert set(record["versions"]) == {"dlmath", "keras", "tensorflow"}


def test_a_second_format_leaves_the_record_of_the_first(tiny_run, proven):
    export(tiny_run, "saved_model")
    export(tiny_run, "keras")

    listed = json.loads((tiny_run.exports / "manifest.json").read_text())
    assert set(listed) == {"saved_model", "keras"}
    assert {path.name for path in tiny_run.exports.iterdir()} == {
        "manifest.json",
        "model.keras",
        "saved_model",
    }


def test_others_may_read_it(tiny_run, proven, tmp_path):
    path = export(tiny_run, out=tmp_path / "out")

    umask = os.umask(0)
    os.umask(umask)
    assert path == tmp_path / "out" / "saved_model"
    assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~umask


def test_an_earlier_export_stays_until_the_new_one_is_proven(tiny_run, proven, monkeypatch):
    path = export(tiny_run, "keras")
    path.write_bytes(b"the earlier one")

    def refuse(*args, **kwargs):
        raise VerificationError("It does something else.")

    monkeypatch.setattr(formats, "verify", refuse)
    with pytest.raises(VerificationError):
        export(tiny_run, "keras")

    assert path.read_bytes() == b"the earlier one"
    assert {entry.name for entry in tiny_run.exports.iterdir()} == {"manifest.json", "model.keras"}


@pytest.mark.slow
def test_a_new_export_takes_the_place_of_an_earlier_one(tiny_run, proven):
    (export(tiny_run) / "stale").write_text("of the earlier one")

    assert not (export(tiny_run) / "stale").exists()


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_nothing_that_is_no_export_is_replaced(tiny_run, tmp_path, kind):
    foreign = tmp_path / "mine" / FORMATS[kind].name
    foreign.mkdir(parents=True)
    (foreign / "thesis.tex").write_text("years of work")

    with pytest.raises(RunError, match="is no export"):
        export(tiny_run, kind, out=tmp_path / "mine")
    assert (foreign / "thesis.tex").exists()


def test_a_folder_that_is_a_file_is_refused(tiny_run, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError, match="--out"):
        export(tiny_run, out=tmp_path / "file")


def test_an_unknown_format_names_the_nearest(tiny_run):
    with pytest.raises(UserError, match="Did you mean 'saved_model'"):
        export(tiny_run, "savedmodel")


def test_without_the_data_the_proof_is_on_drawn_images(tiny_run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")

    export(tiny_run, "litert")

    verified = recorded(tiny_run, "litert")["verified"]
    assert (verified["images"], verified["drawn"], verified["by_class"]) == (64, True, {})
    assert verified["largest_difference"].keys() == {"files", "pixels"}
    assert max(verified["largest_difference"].values()) <= 1e-4


def test_moved_data_may_be_named(tiny_run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")

    export(tiny_run, "litert", data=tmp_path / "moved")

    verified = recorded(tiny_run, "litert")["verified"]
    assert (verified["images"], verified["drawn"]) == (24, False)


def test_fewer_bits_are_not_measured_on_drawn_images(tiny_run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")

    with pytest.raises(DataError, match=r"--quantize int8 is calibrated .* Name them with --data"):
        export(tiny_run, "litert", quantize="int8")


@pytest.mark.parametrize("by_graph", [True, False])
def test_the_drawn_images_are_those_that_the_run_is_least_sure_of(tiny_run, tmp_path, by_graph):
    classifier, folder = KerasClassifier.load(tiny_run), tmp_path / "drawn"
    expected = draw_verification_set(tiny_run, classifier, folder, by_graph=by_graph)

    assert (len(expected.files), expected.drawn) == (64, True)
    assert {file.suffix for file in expected.files} == {".jpeg", ".png"}
    others = sorted(set(folder.iterdir()) - set(expected.files))
    pixels = np.stack([read(file, str(file), classifier.image_size) for file in others])
    surest = classifier.predict(pixels).probabilities.max(axis=1).min()
    assert expected.probabilities.max() <= surest + 0.01  # the graph's pixels may be a level off


def test_the_cases_are_spread_over_the_test_part(tiny_run):
    expected = gather_verification_set(tiny_run, KerasClassifier.load(tiny_run))

    assert len(expected.files) == 24
    assert {path.parent.name for path in expected.files} == {"NORMAL", "PNEUMONIA"}
    assert {path.suffix for path in expected.files} == {".png", ".jpeg"}
    assert {path.parts[-3] for path in expected.files} == {"test"}


def test_the_package_and_the_function_share_a_name(tiny_run):
    package = sys.modules["dlmath.export"]

    for exporter in (package, dlmath.export):
        with pytest.raises(UserError, match="format='onyx'"):
            exporter(tiny_run, "onyx")
