"""A tail trained on cached activations: what a training of the whole network would give."""

import csv
import os
import shutil
import signal

import numpy as np
import pytest

import dlmath
from dlmath import runs
from dlmath.errors import DataError, RecipeError, Stopped
from dlmath.features import View
from dlmath.features import store as feature_store
from dlmath.features.row_formats import SINGLE
from dlmath.features.store import StoredRows
from dlmath.inference.probabilities import predict_probabilities
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import resume, tail_features
from dlmath.training.step_trainer import StepTrainer
from dlmath.training.tail_features import EpochRows
from dlmath.training.tail_trainer import TailTrainer
from dlmath.training.trainer import trainer_type
from tests.support import crashing

PLAIN = Recipe(
    name="small",
    backbone="malaria_cnn",
    weights="none",
    image_size=8,
    batch_size=8,
    epochs=2,
    tune="tail",
    learning_rate=0.01,
    patient_rules=(r"^(?P<patient>p\d+)_",),
    positive_class="dark",
)
VIEWS = PLAIN.replace(
    augmented_views=3, rotation=20.0, flip_horizontal=True, mixup=0.2, ema=0.9, epochs=3
)


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 90, "bright": 170}, noise=60)


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLMATH_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    return dlmath.train(VIEWS, images, out=tmp_path_factory.mktemp("runs") / "views")


def history(run):
    with run.history_path.open() as lines:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]


def weights(run):
    return [np.asarray(array) for array in dlmath.load(run).get_weights()]


@pytest.mark.parametrize(
    ("settings", "trainer"),
    [
        ({}, TailTrainer),  # plain images are what every epoch sees
        ({"rotation": 5.0}, StepTrainer),  # fresh draws at every step
        ({"rotation": 5.0, "augmented_views": 2}, TailTrainer),
        ({"mixup": 0.2}, TailTrainer),
        ({"tune": "all"}, StepTrainer),
    ],
)
def test_the_trunk_is_cached_where_epochs_see_the_same_images(settings, trainer):
    assert trainer_type(PLAIN.replace(**settings)) is trainer


@pytest.mark.parametrize("settings", [{}, {"layers": "scratch"}, {"class_weights": "balanced"}])
def test_it_agrees_with_training_the_whole_network(settings, images, tmp_path, monkeypatch):
    """With float32 activations and the same batches, but for the last bits.

    LiteRT, which computes the activations, adds up in another order than TensorFlow: each differs
    by about 1e-7 of its size, and 2 epochs of Adam make up to some 1e-5 of that.
    """
    monkeypatch.setattr(tail_features, "row_format", lambda parts, recipe: SINGLE)
    recipe = PLAIN.replace(dropout=0.0, **settings)
    cached = dlmath.train(recipe, images, out=tmp_path / "cached")
    monkeypatch.setattr(
        "dlmath.training.preflight.trainer_type", lambda recipe: StepTrainer, raising=True
    )
    whole = dlmath.train(recipe, images, out=tmp_path / "whole")

    for ours, theirs in zip(history(cached), history(whole), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)
    for ours, theirs in zip(weights(cached), weights(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_the_whole_classifier_is_written_and_decides(finished, images):
    """Its probabilities, threshold and metrics are those of pixels, not of float16 activations."""
    from dlmath.data.images import read
    from dlmath.data.run_data import RunData
    from dlmath.training import validation
    from dlmath.training.training_data import class_indices

    examples = RunData(finished).split.validation
    pixels = np.stack([read(one.path, one.file, VIEWS.image_size) for one in examples])
    probabilities = predict_probabilities(dlmath.load(finished), pixels)
    labels = class_indices(examples, finished.recipe)

    wanted = validation.decide(
        probabilities, labels, [one.patient for one in examples], finished.recipe
    )
    assert finished.manifest["threshold"]["value"] == pytest.approx(wanted["value"], abs=1e-9)
    assert finished.manifest["light"] is not None
    assert finished.manifest["ood_score"] is not None
    best = finished.manifest["best"]
    auc = validation.auc(probabilities, labels, finished.recipe)
    assert best["val_auc"] == pytest.approx(auc, abs=2e-3)  # measured on float16


def test_the_trunk_keeps_its_weights(finished):
    from dlmath import models

    fresh = models.build(finished.recipe)
    trained = dlmath.load(finished)
    for name in ("conv1", "conv2", "conv3"):
        for ours, theirs in zip(
            trained.get_layer(name).get_weights(), fresh.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert np.abs(trained.get_layer("dense1").kernel - fresh.get_layer("dense1").kernel).max() > 0


def test_an_epoch_shows_each_image_its_next_view():
    """Image i in epoch e: view 1 + (e + i) mod V."""
    stored = np.array([[[10.0 * view + i] for i in range(5)] for view in (1, 2, 3)], np.float32)
    places = np.stack([np.zeros(5, int), np.arange(5)], axis=1)
    views = tuple(StoredRows((SINGLE.encode(rows),), places, (1,), SINGLE) for rows in stored)

    assert EpochRows(views, 0)[np.arange(5)][:, 0].tolist() == [10, 21, 32, 13, 24]
    assert EpochRows(views, 1)[np.array([4, 0])][:, 0].tolist() == [34, 20]
    assert EpochRows(views, 3)[np.arange(5)].tolist() == EpochRows(views, 0)[np.arange(5)].tolist()


def test_a_second_run_computes_no_activation_again(finished, images, tmp_path):
    said = []

    class Listens(Reporter):
        def say(self, message):
            said.append(message)

    dlmath.train(VIEWS, images, out=tmp_path / "again", reporter=Listens())

    assert any("activations: 0 computed, the others from the cache" in line for line in said)
    assert any(line.startswith("3 views of ") and "in the cache" in line for line in said)
    assert crashing.result(Run(tmp_path / "again")) == crashing.result(finished)


class SignalAt(Reporter):
    def __init__(self, beginning):
        self.beginning, self.sent = beginning, False

    def progress(self, task, done, total, note=""):
        self.say(task)

    def say(self, message):
        if message.startswith(self.beginning) and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("place", ["activations of view 2", "epoch 2/"])
def test_a_signal_costs_nothing_that_was_computed(place, finished, images, tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    out = tmp_path / "run"
    with pytest.raises(Stopped) as stopped:
        dlmath.train(VIEWS, images, out=out, reporter=SignalAt(place))

    if place.startswith("activations"):
        assert "They are kept. Go on by the same command again." in str(stopped.value)
        run = dlmath.train(VIEWS, images, out=out)
    else:
        run = resume(out)
    assert crashing.result(run) == crashing.result(finished)


def test_activations_lost_meanwhile_are_computed_again(finished, images, tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    with pytest.raises(Stopped):
        dlmath.train(VIEWS, images, out=tmp_path / "run", reporter=SignalAt("epoch 1/"))
    shutil.rmtree(tmp_path / "home" / "features")

    assert crashing.result(resume(tmp_path / "run")) == crashing.result(finished)


def test_more_than_the_cache_may_hold_is_refused_with_fewer_views(images, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_store, "LIMIT", 10_000)
    with pytest.raises(DataError, match=r"larger than the cache may be.*augmented_views=1"):
        dlmath.train(VIEWS, images, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_disk_without_room_is_refused_with_fewer_views(images, tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    true = shutil.disk_usage

    def small(folder):
        return true(folder)._replace(free=9) if "features" in str(folder) else true(folder)

    monkeypatch.setattr("dlmath.data.placing.shutil.disk_usage", small)
    with pytest.raises(DataError, match=r"DLMATH_HOME.*augmented_views=1"):
        dlmath.train(VIEWS, images, out=tmp_path / "run")


def test_cutmix_needs_maps_at_the_cut(images, tmp_path):
    with pytest.raises(RecipeError, match=r"CutMix cuts rectangles out of maps.*cutmix=1.0"):
        dlmath.train(VIEWS.replace(cutmix=1.0), images, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bad_files_are_left_out_of_every_view(images, tmp_path):
    copy = tmp_path / "images"
    shutil.copytree(images, copy)
    next(copy.glob("dark/p0_0.png")).write_bytes(b"no image")
    with pytest.raises(DataError, match="cannot be used"):
        dlmath.train(VIEWS, copy, out=tmp_path / "refused")

    run = dlmath.train(VIEWS.replace(on_bad_file="skip"), copy, out=tmp_path / "run")

    assert "1 file could not be read and was skipped: dark/p0_0.png" in run.manifest["warnings"]


@pytest.mark.parametrize("tune", ["tail", "head"])
def test_borders_are_swapped_in_views(tune, images, tmp_path):
    settings = {"border_swap": 0.6, "region_width": 0.5, "region_height": 0.5}
    recipe = VIEWS.replace(tune=tune, mixup=0.0, ema=0.0, **settings)

    run = dlmath.train(recipe, images, out=tmp_path / "run")

    assert run.is_finished
    assert ("stress_auc" in run.manifest["best"]) == (tune == "tail")
    again = dlmath.train(recipe, images, out=tmp_path / "again")
    assert crashing.result(again) == crashing.result(run)


def test_a_tail_is_chosen_on_composites(images, tmp_path):
    recipe = VIEWS.replace(
        choose_on="stressed", region_width=0.5, region_height=0.5, validation_fraction=0.5
    )
    run = dlmath.train(recipe, images, out=tmp_path / "run")

    stressed = [row["stress_auc"] for row in history(run)]
    assert run.manifest["best"]["epoch"] == int(np.argmax(stressed)) + 1
    assert run.manifest["threshold"]["images"] == "stressed"


def test_views_are_numbered_from_one():
    assert tail_features.tail_views(VIEWS, ()) == tuple(View(VIEWS, number) for number in (1, 2, 3))
    assert tail_features.tail_views(PLAIN, ()) == (None,)


def test_activations_of_eight_bits_train_nearly_the_same(finished, images, tmp_path):
    """Within what the rounding does; half the bytes in the cache, and both live there."""
    run = dlmath.train(VIEWS.replace(kept_activations="uint8"), images, out=tmp_path / "bytes")

    for ours, theirs in zip(history(run), history(finished), strict=True):
        for loss in ("loss", "val_loss"):
            assert ours[loss] == pytest.approx(theirs[loss], rel=0.1)
            assert ours[loss] != theirs[loss]
    folders = [path.parent for path in runs.cache_home().rglob("*.rows8")]
    kept = {
        suffix: sum(path.stat().st_size for path in folders[0].glob(f"*{suffix}"))
        for suffix in (".rows8", ".rows16")
    }
    assert 0 < kept[".rows8"] < 0.8 * kept[".rows16"]  # keys are 32 bytes of either
