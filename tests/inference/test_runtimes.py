"""The table of runtimes, and that those who offer a choice offer what stands in it."""

from importlib import import_module
from typing import get_args

import pytest

from dlmath.errors import RunError
from dlmath.export.formats import FORMATS
from dlmath.inference.classifier import Classifier
from dlmath.inference.runtimes import (
    RUNTIMES,
    ExportFormat,
    RuntimeChoice,
    choose_runtime,
    kind_of_export,
    load_classifier,
)

# Images in a batch, and images whose distance is measured at once: the digits depend on both.
BATCHES = {
    "light": (8, None),
    "keras": (64, 1024),
    "saved_model": (32, None),
    "litert": (8, None),
    "onnx": (8, None),
}


@pytest.mark.parametrize("name", RUNTIMES)
def test_each_runtime_is_a_classifier_that_computes(name):
    runtime = RUNTIMES[name]
    kind = getattr(import_module(runtime.module), runtime.name)

    assert issubclass(kind, Classifier)
    assert not kind.__abstractmethods__
    assert callable(kind.load)
    assert "predict" not in vars(kind)  # the loop stands in `Classifier`
    assert (kind.batch_size, kind.ood_batch_size) == BATCHES[name]


def test_choices_are_of_the_table():
    assert set(get_args(RuntimeChoice)) == {"auto", "light", "keras"} <= {"auto", *RUNTIMES}
    exported = {name for name, one in RUNTIMES.items() if one.file}
    assert set(get_args(ExportFormat)) == set(FORMATS) == exported


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("model.keras", "keras"),
        ("x/saved_model.pb", "saved_model"),
        ("x/model.tflite", "litert"),
        ("x/model.onnx", "onnx"),
        ("x/model.keras", None),
        ("x.tflite", None),
    ],
)
def test_an_export_is_known_by_its_file(tmp_path, file, kind):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.touch()

    assert kind_of_export(path if path.parent == tmp_path else path.parent) == kind


def test_what_is_no_export_is_refused(tmp_path):
    for refused in (choose_runtime, load_classifier):
        with pytest.raises(RunError, match="is no export. Write one with: dlmath export RUN"):
            refused(tmp_path)


def test_a_program_is_loaded_on_trust_only(tmp_path):
    (tmp_path / "saved_model.pb").touch()

    with pytest.raises(RunError, match=r"is a SavedModel, which is a program.*pass --trust"):
        load_classifier(tmp_path)
