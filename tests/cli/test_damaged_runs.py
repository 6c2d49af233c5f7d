"""Damaged runs: every command gives one message and exit code 2, and changes nothing."""

import json
import shutil
import sys
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import pytest

from dlmath.cli.main import main
from dlmath.evaluation import evaluate
from dlmath.runs import Run, read_json, write_json

ALL = ("evaluate", "predict", "explain", "show", "compare", "export")


class Fault(NamedTuple):
    """Something done to a run, the commands that cannot work then, and what they say of it."""

    plant: Callable[[Run], None]
    commands: tuple[str, ...]
    said: str


def without(name):
    return lambda run: (run.folder / name).unlink()


def holding(name, text):
    return lambda run: (run.folder / name).write_text(text, encoding="utf-8")


def replacing(name, old, new):
    def plant(run):
        text = (run.folder / name).read_text(encoding="utf-8")
        assert old in text
        (run.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return plant


def without_data(run):
    write_json(run.manifest_path, {k: v for k, v in run.manifest.items() if k != "data"})


def with_nan(run):
    model = keras.models.load_model(run.model_path)
    head = model.get_layer("probabilities")
    head.set_weights([np.full_like(weights, np.nan) for weights in head.get_weights()])
    model.save(run.model_path)
    shutil.rmtree(run.light_head_path.parent)
    run.update_manifest(light=None)


def without_test_part(run):
    rows = run.split_path.read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if not row.startswith("test/")]
    run.split_path.write_text("\n".join(kept) + "\n", encoding="utf-8")


def without_images(run):
    shutil.rmtree(run.sources[0] / "test" / "NORMAL")


def with_other_images(run):
    for image in (run.sources[0] / "test" / "NORMAL").iterdir():
        image.write_bytes(image.read_bytes() + b"0")


def with_a_file_for_the_report(run):
    run.report_path.parent.write_text("in the way", encoding="utf-8")


def with_a_folder_for_the_page(run):
    run.report_path.mkdir(parents=True)


DATA = ("evaluate", "export")
MODEL = ("evaluate", "explain", "export")
FAULTS = {
    "no recipe": Fault(without("recipe.toml"), ALL, "recipe.toml is missing"),
    "no manifest": Fault(without("manifest.json"), ALL, "manifest.json is missing"),
    "no split": Fault(without("split.csv"), DATA, "split.csv: No such file"),
    "no model": Fault(without("model.keras"), MODEL, "model.keras is missing"),
    "no light network": Fault(without("light/features.tflite"), ("predict",), "--runtime keras"),
    "no light head": Fault(without("light/head.npz"), ("predict",), "--runtime keras"),
    "no predictions": Fault(without("predictions.csv"), ("compare",), "Run: dlmath evaluate"),
    "empty manifest": Fault(holding("manifest.json", ""), ALL, "manifest.json is damaged"),
    "cut manifest": Fault(holding("manifest.json", '{"task": "ti'), ALL, "is damaged"),
    "other manifest": Fault(holding("manifest.json", "[]"), ALL, "is no record of a run"),
    "deep manifest": Fault(holding("manifest.json", "[" * 10**5), ALL, "is damaged"),
    "manifest without data": Fault(without_data, DATA, "names no data"),
    "cut recipe": Fault(holding("recipe.toml", "classes = ["), ALL, "is not valid TOML"),
    "recipe of three classes": Fault(
        replacing("recipe.toml", '"PNEUMONIA"]', '"PNEUMONIA", "COVID"]'),
        (*MODEL, "predict"),
        "was edited after the training",
    ),
    "NaN weights": Fault(with_nan, (*MODEL, "predict"), "gives NaN"),
    "empty test part": Fault(without_test_part, ("evaluate",), "--split all"),
    "split of another class": Fault(
        replacing("split.csv", ",PNEUMONIA,", ",COVID,"), DATA, "changed since the run"
    ),
    "split of other columns": Fault(
        holding("split.csv", "a,b\n1,2\n"), DATA, "line 2, is not as it was written"
    ),
    "split of no text": Fault(
        lambda run: run.split_path.write_bytes(b"\xff\xfe\x00"), DATA, "is damaged"
    ),
    "images gone": Fault(without_images, DATA, "are not in the data"),
    "images changed": Fault(with_other_images, DATA, "changed since the run"),
}


@pytest.fixture(scope="module")
def evaluated(module_light_run):
    """The folder of a run with everything that a run can have, its data next to it."""
    evaluate(module_light_run)
    return module_light_run.folder.parent.parent


@pytest.fixture
def run(evaluated, tmp_path, monkeypatch):
    shutil.copytree(evaluated, tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path / "here" / "runs" / "tiny")


@pytest.fixture
def command(run, monkeypatch, capsys):
    """The function that runs a command of the command line on `run`: exit code, stdout, stderr."""
    image = run.sources[0] / "test" / "PNEUMONIA" / "pte0_0.jpeg"
    other = shutil.copytree(run.folder, run.folder.with_name("other"))
    arguments = {
        "evaluate": ["evaluate", run.folder, "--json"],
        "predict": ["predict", run.folder, image],
        "explain": ["explain", run.folder, image, "--out", "maps"],
        "show": ["runs", "show", run.folder],
        "compare": ["runs", "compare", run.folder, other],
        "export": ["export", run.folder, "--format", "keras"],
    }

    def call(name):
        monkeypatch.setattr(sys, "argv", ["dlmath", *map(str, arguments[name])])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return call


def contents(run):
    return {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


# Each of these fails where another one does that is tried every time.
SLOW = {"empty manifest", "other manifest", "no light head", "split of no text", "images changed"}
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else []) for name in FAULTS]


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_one_message_and_loses_nothing(name, run, command):
    fault = FAULTS[name]
    fault.plant(run)
    before = contents(run)
    for called in fault.commands:
        code, told, errors = command(called)
        messages = [line for line in errors.splitlines() if line.startswith("Error: ")]

        assert (called, code, len(messages)) == (called, 2, 1), errors
        assert fault.said in messages[0]
        assert "nan" not in told.lower()
        assert "Traceback" not in errors
        assert contents(run) == before


@pytest.mark.parametrize("plant", [with_a_file_for_the_report, with_a_folder_for_the_page])
def test_a_report_that_cannot_be_written_keeps_the_figures(plant, run, command):
    shutil.rmtree(run.report_path.parent)
    run.metrics_path.unlink()
    plant(run)
    code, _, errors = command("evaluate")

    assert code == 2
    assert "The model and its metrics are kept" in errors
    assert read_json(run.metrics_path)["metrics"]["auc"]["value"] is not None
    assert (run.folder / "predictions.csv").is_file()


def test_a_test_part_of_one_class_leaves_what_is_undefined_out(run, command):
    rows = run.split_path.read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if not row.startswith("test/NORMAL")]
    run.split_path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    code, told, _ = command("evaluate")
    document = json.loads(told)

    assert code == 0
    assert document["metrics"]["auc"]["value"] is None
    assert document["metrics"]["sensitivity"]["value"] is not None
    assert "There is no image of NORMAL." in document["warnings"]


def test_metrics_that_are_gone_are_measured_again(run, command):
    before = read_json(run.metrics_path)["metrics"]
    run.metrics_path.unlink()

    assert [command(name)[0] for name in ("show", "compare", "evaluate")] == [0, 0, 0]
    assert read_json(run.metrics_path)["metrics"] == before
