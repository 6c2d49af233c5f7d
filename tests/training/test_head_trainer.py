import csv
import os
import re
import signal

import numpy as np
import pytest
from PIL import Image

import dlmath
from dlmath import seeds
from dlmath.data.images import read
from dlmath.data.run_data import RunData
from dlmath.data.sources import read_sources
from dlmath.drift.pictures import describe_files
from dlmath.drift.reference import Reference
from dlmath.errors import DataError, DeviceError, RecipeError, Stopped, UserError
from dlmath.inference.network import Network
from dlmath.inference.ood_fit import fit_ood_score
from dlmath.inference.ood_score import OodScore
from dlmath.linear_head import Iteration
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.training import head_trainer, resume
from dlmath.training.head_trainer import _SolverProgress
from dlmath.training.preparation import resolve
from tests.support.recorder import Recorder

RECIPE = Recipe(
    name="small",
    backbone="malaria_cnn",
    weights="none",
    tune="head",
    image_size=8,
    patient_rules=(r"^(?P<patient>p\d+)_",),
    positive_class="dark",
    class_weights="balanced",
    l2=0.01,
)


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    """Bright and dark squares of 20 patients, two each of a class."""
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 110, "bright": 150})


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    return dlmath.train(RECIPE, images, out=tmp_path_factory.mktemp("runs") / "whole")


def answers(run, images):
    """What the run's Keras model says of every image."""
    pixels = [read(e.path, e.file, 8) for e in read_sources([images]).examples]
    return dlmath.load(run)(np.stack(pixels).astype("float32"), training=False).numpy()


def test_the_run_is_an_ordinary_one(finished, images):
    assert finished.is_finished
    evaluation = dlmath.evaluate(finished)
    assert evaluation.split == "test"
    assert answers(finished, images).shape == (40, 2)
    assert finished.manifest["threshold"]["chosen_on"] == "validation"
    assert not finished.checkpoints.exists()


def test_the_head_lies_at_the_optimum(finished):
    head = finished.manifest["head"]
    assert head["converged"]
    assert head["optimality"] < 1e-8
    assert head["l2"] == 0.01
    assert finished.manifest["best"]["val_loss"] < np.log(2)


def test_the_history_lists_the_iterations(finished):
    rows = list(csv.DictReader(finished.history_path.read_text().splitlines()))
    assert [row["iteration"] for row in rows] == [str(i) for i in range(len(rows))]
    objectives = [float(row["objective"]) for row in rows]
    assert objectives == sorted(objectives, reverse=True)
    assert float(rows[-1]["gradient"]) < 1e-8


def test_the_light_form_answers_like_keras(finished, images):
    light = finished.manifest["light"]
    assert light["largest_difference"] < 1e-4
    with np.load(finished.light_head_path) as head:
        kernel, bias = head["kernel"], head["bias"]
    pixels = np.stack([read(e.path, e.file, 8) for e in read_sources([images]).examples])
    logits = Network(finished.light_network_path)(pixels) @ kernel + bias
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, answers(finished, images), atol=1e-4)


def test_the_same_recipe_gives_the_same_head_bit_by_bit(finished, images, tmp_path):
    again = dlmath.train(RECIPE, images, out=tmp_path / "again")
    assert again.history_path.read_bytes() == finished.history_path.read_bytes()
    assert again.light_head_path.read_bytes() == finished.light_head_path.read_bytes()


def test_the_penalty_is_chosen_by_cross_validation_where_none_is_given(images, tmp_path):
    run = dlmath.train(RECIPE, images, out=tmp_path / "run", l2=0)
    head = run.manifest["head"]
    losses = {point["l2"]: point["loss"] for point in head["cross_validation"]}
    assert len(losses) >= 5
    assert head["l2"] == min(losses, key=losses.get)


def test_augmented_views_are_further_rows(finished, images, tmp_path):
    changes = {"augmented_views": 2, "rotation": 90.0, "brightness": 0.2}
    run = dlmath.train(RECIPE, images, out=tmp_path / "run", **changes)
    assert np.abs(answers(run, images) - answers(finished, images)).max() > 1e-3
    assert run.manifest["head"]["converged"]


def test_mixup_makes_the_head_less_sure(finished, images, tmp_path):
    run = dlmath.train(RECIPE, images, out=tmp_path / "run", feature_mixup=1.0)
    mixed, plain = (np.linalg.norm(np.load(r.light_head_path)["kernel"]) for r in (run, finished))
    assert mixed < plain


def test_more_than_two_classes(images, tmp_path):
    root = tmp_path / "three"
    for index, label in enumerate(["a", "b", "c"]):
        (root / label).mkdir(parents=True)
        for patient in range(10):
            draw = seeds.generator("three", index, patient)
            pixels = draw.normal(60 + 60 * index, 30, (12, 12, 3)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(root / label / f"p{index}{patient}_0.png")
    run = dlmath.train(RECIPE, root, out=tmp_path / "run", positive_class="")
    assert run.manifest["threshold"] is None
    assert answers(run, root).shape == (30, 3)
    assert run.manifest["head"]["converged"]


class Terminate(Reporter):
    """Sends this process SIGTERM at the first news of a task."""

    def __init__(self, task):
        self.task = task

    def progress(self, task, done, total, note=""):
        if self.task in task:
            self.task = "no other"
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_keeps_what_was_computed(images, tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    with pytest.raises(Stopped, match="They are kept") as stopped:
        dlmath.train(
            RECIPE, images, out=tmp_path / "run", reporter=Terminate("features of training")
        )
    assert stopped.value.exit_code == 143
    assert not (tmp_path / "run").exists()
    listener = Recorder()
    dlmath.train(RECIPE, images, out=tmp_path / "run", reporter=listener)
    (news,) = [line for line in listener.said if "features:" in line]
    rows, computed = news.split(" features: ")[0], news.split(": ")[1].split(" computed")[0]
    assert 0 < int(computed) < int(rows)


def test_a_signal_while_solving_is_resumed_to_the_same_bits(finished, images, tmp_path):
    with pytest.raises(Stopped, match="dlmath train --resume .*run") as stopped:
        dlmath.train(RECIPE, images, out=tmp_path / "run", reporter=Terminate("solving"))
    assert stopped.value.exit_code == 143
    run = Run.find(tmp_path / "run")
    assert run.manifest["state"] == "stopped"
    assert resume(run).is_finished
    assert run.light_head_path.read_bytes() == finished.light_head_path.read_bytes()


@pytest.mark.slow
def test_an_interrupted_run_is_solved_again_to_the_same_bits(finished, images, tmp_path):
    run = dlmath.train(RECIPE, images, out=tmp_path / "run")
    run.model_path.unlink()
    run.update_manifest(state="running")
    resume(run)
    assert Run.find(run.folder).is_finished
    assert run.history_path.read_bytes() == finished.history_path.read_bytes()
    assert run.light_head_path.read_bytes() == finished.light_head_path.read_bytes()


SOME_VALUE = {
    "precision": "bfloat16",
    "optimizer": "sgd",
    "schedule": "constant",
    "mixup_per": "batch",
    "epochs": 3,
    "batch_size": 4,
    "patience": 2,
    "weight_decay": 0.0,
    "augmented_views": 2,
    "flip_horizontal": True,
    "flip_vertical": True,
}


@pytest.mark.parametrize(
    "name",
    [
        *("precision", "dropout", "epochs", "batch_size", "optimizer", "learning_rate"),
        *("backbone_rate", "weight_decay", "schedule", "warmup_epochs", "ema", "mixup"),
        *("mixup_per", "patience"),
        *("flip_horizontal", "flip_vertical", "rotation", "zoom", "shift", "brightness"),
    ],
)
def test_what_a_solved_head_makes_no_use_of_is_refused(name, images):
    with pytest.raises(RecipeError, match=f"{name}=.*head_solver=sgd"):
        resolve(RECIPE, images, {name: SOME_VALUE.get(name, 0.3)})
    resolve(RECIPE, images, {name: SOME_VALUE.get(name, 0.3), "head_solver": "sgd"})


@pytest.mark.parametrize("name", ["l2", "augmented_views", "feature_mixup"])
@pytest.mark.parametrize("how", [{"tune": "all"}, {"head_solver": "sgd"}])
def test_what_only_a_solved_head_uses_is_refused_elsewhere(name, how, images):
    with pytest.raises(RecipeError, match=f"`{name}` belongs to a head that is solved exactly"):
        resolve(RECIPE, images, {name: SOME_VALUE.get(name, 0.3), **how})


def test_a_head_solver_without_a_head_alone_is_refused(images):
    with pytest.raises(RecipeError, match="--tune head"):
        resolve(RECIPE, images, {"tune": "all", "head_solver": "exact"})


def test_tensorboard_and_strategies_are_refused(images, tmp_path):
    with pytest.raises(UserError, match="no epochs"):
        dlmath.train(RECIPE, images, out=tmp_path / "run", tensorboard=True)
    with pytest.raises(DeviceError, match="takes one device"):
        dlmath.train(RECIPE, images, out=tmp_path / "run", strategy="mirrored")
    assert not (tmp_path / "run").exists()


def test_what_new_images_are_compared_with_comes_from_the_data_of_the_run(finished, images):
    validation = RunData(finished).part("validation")
    reference = Reference.from_bytes(finished.drift_reference_path.read_bytes())
    described = describe_files(validation, 8, SILENT)
    np.testing.assert_array_equal(reference.pictures, described.astype(np.float32))

    network = Network(finished.light_network_path)
    train = RunData(finished).part("train")
    features = network(np.stack([read(e.path, e.file, 8) for e in train]))
    fitted = fit_ood_score(
        features, np.array([finished.recipe.classes.index(e.label) for e in train])
    )
    stored = OodScore.from_bytes(finished.light_ood_path.read_bytes())
    np.testing.assert_allclose(stored.means, fitted.means, rtol=1e-5)
    assert finished.manifest["ood_score"]["images"] == len(train)


def test_a_picture_that_is_lost_during_the_solve_is_an_error(images, tmp_path, monkeypatch):
    def lost(*_: object) -> np.ndarray:
        raise DataError("p1_0.png: cannot be read")

    monkeypatch.setattr(head_trainer, "describe_files", lost)
    with pytest.raises(DataError, match=r"p1_0\.png"):
        dlmath.train(RECIPE, images, out=tmp_path / "run")


def test_the_bar_of_the_solver_never_goes_back_nor_promises_many_steps():
    """Fourteen penalties would take half a minute; nobody knows that there will be fourteen."""
    seen = []

    class Listening(Reporter):
        def progress(self, task, done, total, note=""):
            seen.append((done, total))

    progress = _SolverProgress(Listening(), chooses=True)
    for l2 in 10.0 ** -np.arange(14):
        for stage in ("path", "folds"):
            for iteration in range(3):
                progress(Iteration(stage, l2, iteration, 1.0, 0.1))
    for iteration in range(3):
        progress(Iteration("final", 1.0, iteration, 1.0, 0.1))
    progress.end()

    shares = [done / total for done, total in seen]
    assert shares == sorted(shares)
    assert all(total - done <= 7 for done, total in seen)
    assert [done == total for done, total in seen] == [False] * (len(seen) - 1) + [True]


def test_the_time_of_the_solve_is_said(images, tmp_path):
    said = []

    class Listening(Reporter):
        def say(self, message):
            said.append(message)

    dlmath.train(RECIPE.replace(l2=0.0), images, out=tmp_path / "chosen", reporter=Listening())
    assert any(
        re.fullmatch(r"Solved for the head in \d+\.\d s: l2 \S+, the best of \d+ by cross-.*", line)
        for line in said
    )
