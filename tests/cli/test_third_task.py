"""A new task is one value: registered from this file, every command knows it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dlmath import models
from dlmath.cli.completion import task_names
from dlmath.cli.main import app
from dlmath.data.patient_guess import guess_patient_rules
from dlmath.data.phantom import write_phantoms
from dlmath.data.phantom_drawing import Drawing, encode
from dlmath.data.phantom_plan import Planned
from dlmath.errors import DataError
from dlmath.models.recipes import TASKS, shipped
from dlmath.models.task import Task
from dlmath.recipe import Recipe


def plan(generator, patients):
    return [
        Planned(f"{folder}/{patient:02d}@{number}.png", f"{patient:02d}", finding)
        for patient in range(patients)
        for number, (folder, finding) in enumerate([("clear", None), ("stained", "stain")] * 2)
    ]


def draw(seed, picture, difficulty, image_size):
    mask = np.zeros((16, 16), bool)
    mask[4:8, 4:8] = picture.finding is not None
    noise = np.random.default_rng([seed, *picture.file.encode()]).integers(0, 60, (16, 16, 3))
    return encode((noise + 120 * mask[..., np.newaxis]).astype(np.uint8), "PNG"), mask


DRAWING = Drawing(plan, draw, patients=30)
TASK = Task(
    recipe=Recipe(
        name="stains",
        classes=("clear", "stained"),
        positive_class="stained",
        patient_rules=(r"^(?P<patient>\d+)@",),
        backbone="malaria_cnn",
        weights="none",
        image_size=16,
        l2=0.1,
    ),
    folders=("slides",),
    drawing=f"{__name__}:DRAWING",
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch, tmp_path):
    monkeypatch.setitem(TASKS, "stains", TASK)
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def invoke(*arguments):
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_its_data_are_found_counted_and_drawn(tmp_path):
    assert "none: --data phantom" in " ".join(invoke("data", "list").stdout.split())
    drawn = invoke("data", "phantom", "stains", "--out", str(tmp_path / "data" / "slides"))
    assert drawn.exit_code == 0

    info = json.loads(invoke("data", "info", "stains", "--json").stdout)
    assert info["on_disk"]["all"]["images"] == {"clear": 60, "stained": 60}
    assert info["on_disk"]["all"]["patients"] == 30
    assert str(tmp_path / "data" / "slides") in "".join(invoke("data", "list").stdout.split())


def test_it_is_planned_trained_and_evaluated(tmp_path):
    plan = json.loads(invoke("train", "stains", "--data", "phantom", "--dry-run", "--json").stdout)
    assert plan["recipe"]["patient_rules"] == [r"^(?P<patient>\d+)@"]
    assert plan["data"]["phantom"] is True

    run = invoke("train", "stains", "--data", "phantom", "--out", "run").stdout.strip()
    assert run == "run"
    document = json.loads(invoke("evaluate", run, "--json").stdout)
    assert document["n"] == sum(map(sum, document["confusion"]))
    assert Recipe.read(tmp_path / "run" / "recipe.toml") == TASK.recipe


def test_what_it_has_not_is_said():
    with pytest.raises(DataError, match=r"official archive of malaria and pneumonia\."):
        invoke("data", "download", "stains")
    with pytest.raises(DataError, match=r"no phantom of this task.*Did you mean 'stains'"):
        write_phantoms("stain", Path("out"))


def test_its_name_and_its_patients_are_known():
    assert task_names("sta") == ["stains"]
    assert models.RECIPES["stains"] is TASK.recipe
    assert {"malaria", "pneumonia", "stains"} <= set(models.RECIPES)
    names = [f"{patient}@{number}.png" for patient in range(8) for number in range(2)]
    assert guess_patient_rules(names).rules == TASK.recipe.patient_rules


def test_a_file_among_the_models_is_all_that_a_task_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    (tmp_path / "veins.py").write_text(
        "from dlmath.models.task import Task\nfrom dlmath.recipe import Recipe\n\n"
        "TASK = Task(recipe=Recipe(name='veins'))\n"
    )
    (tmp_path / "network.py").write_text("raise AssertionError('no task, so not to be loaded')\n")

    assert [task.name for task in shipped(tmp_path)] == ["veins"]
