import os
import shutil
import signal

import numpy as np
import pytest

from dlmath.data.locks import held
from dlmath.data.sources import read_sources
from dlmath.errors import DataError, RunError, Stopped
from dlmath.reporting import Reporter
from dlmath.runs import read_json
from dlmath.training import cross_validate


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    return draw_squares(folder, {"dark": 120, "bright": 140}, patients=24, noise=60)


@pytest.fixture(scope="module")
def done(images, squares_recipe, tmp_path_factory):
    return cross_validate(squares_recipe, images, 3, out=tmp_path_factory.mktemp("folds") / "cv")


def test_every_image_is_tested_once_and_no_patient_on_both_sides(images, done):
    tested = []
    for run in done.runs:
        split = [line.split(",") for line in run.split_path.read_text().splitlines()[1:]]
        patients = {
            part: {row[3] for row in split if row[4] == part}
            for part in ("train", "validation", "test")
        }
        assert all(patients.values())
        assert not patients["test"] & (patients["train"] | patients["validation"])
        assert not patients["train"] & patients["validation"]
        tested += [row[0] for row in split if row[4] == "test"]
    assert sorted(tested) == [example.file for example in read_sources([images]).examples]
    assert done.pooled.n == 48
    assert done.pooled.patients == 24


def test_pooled_decisions_are_those_of_each_folds_own_threshold(done):
    confusion = np.sum([metrics["confusion"] for metrics in done.metrics], axis=0)
    assert np.array_equal(done.pooled.confusion, confusion)
    right = np.trace(confusion) / confusion.sum()
    assert done.pooled.metrics["accuracy"].value == pytest.approx(right)
    assert done.pooled.metrics["accuracy"].low < right < done.pooled.metrics["accuracy"].high
    squares = sum(m["metrics"]["brier"]["value"] * m["n"] for m in done.metrics)
    assert done.pooled.metrics["brier"].value == pytest.approx(squares / 48)


def test_the_figures_lie_beside_the_runs(done):
    document = read_json(done.folder / "folds.json")
    assert [fold["run"] for fold in document["folds"]] == ["fold-1", "fold-2", "fold-3"]
    assert document["pooled"]["split"] == "folds"
    assert all(run.report_path.is_file() for run in done.runs)


def test_the_same_command_goes_on_where_it_stopped(images, squares_recipe, done):
    stamps = [run.model_path.stat().st_mtime_ns for run in done.runs]
    shutil.rmtree(done.runs[2].folder)
    (done.runs[1].metrics_path).unlink()
    again = cross_validate(squares_recipe, images, 3, out=done.folder)
    kept = [run.model_path.stat().st_mtime_ns for run in again.runs]
    assert kept[:2] == stamps[:2]
    assert kept[2] != stamps[2]
    assert again.pooled.confusion == done.pooled.confusion


def test_too_few_patients_in_a_fold_are_named_before_the_first_is_trained(
    draw_squares, squares_recipe, tmp_path
):
    images = draw_squares(tmp_path / "few", {"dark": 120, "bright": 140}, patients=24)
    for path in images.glob("dark/*.png"):
        if path.name.split("_")[0] not in ("p0", "p2", "p4"):
            path.unlink()
    with pytest.raises(DataError, match="Received: 1 patient of the class 'dark'"):
        cross_validate(squares_recipe, images, 3, out=tmp_path / "cv", l2=0.0)
    assert not (tmp_path / "cv").exists()


def test_a_folder_of_other_folds_is_refused(images, squares_recipe, done):
    with pytest.raises(RunError, match="another number of folds"):
        cross_validate(squares_recipe, images, 4, out=done.folder)
    with pytest.raises(RunError, match="another recipe"):
        cross_validate(squares_recipe, images, 3, out=done.folder, seed=1)


@pytest.mark.slow
def test_an_interrupted_fold_goes_on_and_a_finished_one_is_not_trained_again(
    images, squares_recipe, tmp_path
):
    recipe = squares_recipe.replace(
        head_solver="sgd", l2=0.0, tune="all", epochs=2, batch_size=8, mixup=0.2
    )
    whole = cross_validate(recipe, images, 2, out=tmp_path / "whole")

    class StopsInTheSecondFold(Reporter):
        fold = 0

        def say(self, message):
            self.fold += message.startswith("Fold ")

        def progress(self, task, done, total, note=""):
            if self.fold == 2 and task == "epoch 2/2":
                os.kill(os.getpid(), signal.SIGTERM)

    out = tmp_path / "stopped"
    with pytest.raises(Stopped, match=f"fold 2 of 2.*--out {out}") as stopped:
        cross_validate(recipe, images, 2, out=out, reporter=StopsInTheSecondFold())
    assert stopped.value.exit_code == 143
    first = (out / "fold-1" / "model.keras").stat().st_mtime_ns
    again = cross_validate(recipe, images, 2, out=out)
    assert (out / "fold-1" / "model.keras").stat().st_mtime_ns == first
    assert again.pooled == whole.pooled
    for mine, other in zip(again.runs, whole.runs, strict=True):
        assert mine.history_path.read_bytes() == other.history_path.read_bytes()
        assert mine.manifest["threshold"] == other.manifest["threshold"]


def test_two_cannot_cross_validate_in_one_folder(images, squares_recipe, done):
    with held(done.folder / ".lock", "something"), pytest.raises(DataError, match="already"):
        cross_validate(squares_recipe, images, 3, out=done.folder)
