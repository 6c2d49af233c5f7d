import csv
import json
import os
import re
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import dlmath
from dlmath.errors import DataError, DivergedError, RecipeError, RunError, Stopped, UserError
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, read_json
from dlmath.training import resume
from dlmath.training.preparation import resolve

RULES = (r"^(?P<patient>p\d+)_",)
SMALL = Recipe(
    name="small",
    backbone="malaria_cnn",
    weights="none",
    tune="all",
    image_size=8,
    batch_size=8,
    epochs=3,
    patient_rules=RULES,
    positive_class="dark",
    mixup=0.2,
    flip_horizontal=True,
    rotation=10.0,
    class_weights="balanced",
)


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    """Bright and dark squares of 20 patients, two each of a class."""
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 90, "bright": 170}, noise=25)


class Listener(Reporter):
    def __init__(self):
        self.said, self.tasks = [], set()

    def say(self, message):
        self.said.append(message)

    def progress(self, task, done, total, note=""):
        self.tasks.add(task)


class SignalAfter(Reporter):
    """Sends this process a signal once training has done so many steps."""

    def __init__(self, steps):
        self.left = steps

    def progress(self, task, done, total, note=""):
        if task.startswith("epoch"):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    return dlmath.train(SMALL, images, out=tmp_path_factory.mktemp("runs") / "whole")


def test_a_run_holds_what_the_contract_says(finished, images):
    assert finished.is_finished
    recipe = Recipe.read(finished.recipe_path)
    assert recipe == SMALL.replace(classes=("bright", "dark"))
    manifest = finished.manifest
    assert manifest["run_version"] == 1
    assert manifest["classes"] == ["bright", "dark"]
    assert manifest["threshold"]["chosen_on"] == "validation"
    assert 0 <= manifest["threshold"]["value"] <= 1
    assert manifest["data"]["images"] == 40
    assert (
        manifest["split"]["train"] + manifest["split"]["validation"] + manifest["split"]["test"]
        == 40
    )
    assert finished.sources == [images.resolve()]
    assert str(images) not in finished.manifest_path.read_text()
    history = list(csv.DictReader(finished.history_path.read_text().splitlines()))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    best = max(history, key=lambda row: float(row["val_auc"]))
    assert manifest["best"]["val_auc"] == float(best["val_auc"])


def test_no_patient_is_on_two_sides(finished):
    sides = {}
    for row in csv.DictReader(finished.split_path.read_text().splitlines()):
        sides.setdefault(row["patient"], set()).add(row["split"])
    assert len(sides) == 20
    assert all(len(parts) == 1 for parts in sides.values())


def test_the_model_is_the_best_epochs_and_needs_no_optimizer(finished):
    model = dlmath.load(finished)
    assert not getattr(model, "optimizer", None)
    probabilities = model(np.full((2, 8, 8, 3), 90.0, "float32")).numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_the_same_recipe_gives_the_same_model_bit_by_bit(finished, images, tmp_path):
    again = dlmath.train(SMALL, images, out=tmp_path / "again")
    assert again.history_path.read_bytes() == finished.history_path.read_bytes()
    assert again.split_path.read_bytes() == finished.split_path.read_bytes()
    for ours, theirs in zip(
        dlmath.load(again).get_weights(), dlmath.load(finished).get_weights(), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(
    "steps", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(5, marks=pytest.mark.slow)]
)
def test_a_stopped_run_goes_on_to_the_same_model(finished, images, tmp_path, steps):
    with pytest.raises(Stopped, match=r"dlmath train --resume .*stopped") as stopped:
        dlmath.train(SMALL, images, out=tmp_path / "stopped", reporter=SignalAfter(steps))
    assert stopped.value.exit_code == 143
    run = Run.find(tmp_path / "stopped")
    assert run.manifest["state"] == "stopped"
    assert not run.is_finished

    run = resume(run)
    assert run.is_finished
    assert run.history_path.read_bytes() == finished.history_path.read_bytes()
    for ours, theirs in zip(
        dlmath.load(run).get_weights(), dlmath.load(finished).get_weights(), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()
    assert run.manifest["threshold"] == finished.manifest["threshold"]


def test_a_finished_run_is_not_resumed(finished):
    with pytest.raises(RunError, match="finished already"):
        resume(finished)


def test_resuming_on_changed_data_is_refused(images, tmp_path):
    with pytest.raises(Stopped):
        dlmath.train(SMALL, images, out=tmp_path / "run", reporter=SignalAfter(1))
    other = tmp_path / "other"
    for path in images.glob("*/*.png"):
        (other / path.parent.name).mkdir(parents=True, exist_ok=True)
        Image.open(path).rotate(90).save(other / path.parent.name / path.name)
    with pytest.raises(DataError, match="changed"):
        resume(tmp_path / "run", other)


def test_divergence_keeps_the_best_model_before_it(images, tmp_path, monkeypatch):
    poisoned = Poison(after=2)
    monkeypatch.setattr("dlmath.training.step_trainer.training_batches", poisoned.batches)
    with pytest.raises(DivergedError, match=r"epoch 3.*model of epoch [12] .* is kept") as failed:
        dlmath.train(SMALL, images, out=tmp_path / "run")
    assert failed.value.exit_code == 3
    run = Run(tmp_path / "run")
    assert run.manifest["state"] == "diverged"
    assert all(
        np.isfinite(weight).all()
        for weight in keras.models.load_model(run.model_path).get_weights()
    )
    said = str(failed.value)
    assert re.search(r"The batch of that step is of \d+ images: .*\.png", said)
    assert "Likely cause: " in said
    assert holds_no_nan(run.folder)


def test_divergence_in_the_first_epoch_keeps_nothing(images, tmp_path, monkeypatch):
    monkeypatch.setattr("dlmath.training.step_trainer.training_batches", Poison(after=0).batches)
    with pytest.raises(DivergedError, match="no model is kept"):
        dlmath.train(SMALL, images, out=tmp_path / "run")
    assert not Run(tmp_path / "run").model_path.exists()


def holds_no_nan(folder):
    """Whether no text of a run says nan or infinity as a value; binary files refuse them."""
    texts = [path for path in folder.rglob("*") if path.suffix in (".json", ".csv", ".md", ".toml")]
    assert texts
    words = re.compile(r"(?<![\w-])(nan|inf|infinity)(?!\w)", re.IGNORECASE)
    return not any(words.search(path.read_text(encoding="utf-8")) for path in texts)


class Poison:
    """Gives the true batches, with infinite weights from one epoch on."""

    def __init__(self, after):
        from dlmath.data.pipeline import training_batches

        self.after, self.true = after, training_batches

    def batches(self, images, labels, recipe, *, epoch, first_step):
        batches = self.true(images, labels, recipe, epoch=epoch, first_step=first_step)
        if epoch < self.after:
            return batches
        return batches.map(tf.autograph.experimental.do_not_convert(_with_infinite_weights))


def _with_infinite_weights(images, labels, weights):
    return images, labels, weights * float("inf")


@pytest.mark.slow
def test_tensorboard_events_are_written_on_request(images, tmp_path):
    run = dlmath.train(SMALL, images, out=tmp_path / "run", epochs=1, tensorboard=True)
    assert list((run.folder / "tensorboard").rglob("events.out.*"))


def test_what_is_heard_along_the_way(images, tmp_path):
    listener = Listener()
    dlmath.train(SMALL, images, out=tmp_path / "run", reporter=listener, epochs=1)
    assert {"reading training images", "reading validation images"} <= listener.tasks
    assert any(line.startswith("epoch 1/1  training loss ") for line in listener.said)


def test_a_bad_file_is_named_or_skipped(images, tmp_path):
    broken = tmp_path / "broken"
    for path in images.glob("*/*.png"):
        (broken / path.parent.name).mkdir(parents=True, exist_ok=True)
        (broken / path.parent.name / path.name).write_bytes(path.read_bytes())
    for name in ("bright/p1_0.png", "bright/p3_0.png", "bright/p5_0.png", "bright/p7_0.png"):
        (broken / name).write_text("not an image")
    with pytest.raises(DataError, match=r"p\d_0\.png"):
        dlmath.train(SMALL, broken, out=tmp_path / "error")
    run = dlmath.train(SMALL, broken, out=tmp_path / "skip", on_bad_file="skip", epochs=1)
    assert any("p" in warning and "skipped" in warning for warning in run.manifest["warnings"])


def test_a_bad_request_leaves_no_folder(images, tmp_path):
    with pytest.raises(RecipeError, match="Which class is the positive one"):
        dlmath.train(SMALL, images, out=tmp_path / "run", positive_class="")
    with pytest.raises(RecipeError, match="no backbone 'resnet'"):
        dlmath.train(SMALL, images, out=tmp_path / "run", backbone="resnet")
    assert not (tmp_path / "run").exists()


def test_more_than_two_classes_train_too(images, tmp_path):
    three = tmp_path / "three"
    for path in images.glob("*/*.png"):
        patient = int(path.name[1 : path.name.index("_")])
        label = "odd" if patient % 3 == 0 else path.parent.name
        (three / label).mkdir(parents=True, exist_ok=True)
        (three / label / path.name).write_bytes(path.read_bytes())
    run = dlmath.train(SMALL, three, out=tmp_path / "run", positive_class="", epochs=1)
    assert run.manifest["threshold"] is None
    assert run.manifest["classes"] == ["bright", "dark", "odd"]
    assert read_json(run.manifest_path) == json.loads(run.manifest_path.read_text())


def test_a_task_is_a_name_a_file_or_a_folder(images, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(SMALL.to_toml())
    assert resolve(path, None, {"epochs": 7}).recipe == SMALL.replace(epochs=7)
    assert resolve("malaria", None, {}).recipe.name == "malaria"
    request = resolve(images, None, {})
    assert request.data == images
    assert request.recipe.backbone == "efficientnet_lite0"
    with pytest.raises(RecipeError, match="Did you mean 'malaria'"):
        resolve("malria", None, {})


def test_a_missing_tensorboard_is_named_before_the_work_begins(images, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'dlmath\[tensorboard\]'"):
        dlmath.train(SMALL, images, out=tmp_path / "run", tensorboard=True)
